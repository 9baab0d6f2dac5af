"""What we refuse because a Swarm would, given to a real one; and what is next to it and taken."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab import faults, hosts, paths
from lab.standins.images import CLIENT_IMAGE
from lab.topology import REGISTRY
from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import compose
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.references import MAX_BYTES

pytestmark = [pytest.mark.lab, pytest.mark.engine]

HOST, STACK, NETWORK = "ha1.hco", "rules", "rules-net"
UNIT = Unit(STACK, "hco")
LONGEST_SERVICE = 63 - len(f"{STACK}_")
LIMITS = "deploy: {resources: {limits: {%s}}}"
RESERVED = "deploy: {resources: {reservations: {%s}}}"
CHECK = "healthcheck: {test: 'true', %s}"
UPDATE = "deploy: {update_config: {%s}}"
ROLLBACK = "deploy: {rollback_config: {%s}}"
RESTART = "deploy: {restart_policy: {%s}}"
PLACED = "deploy: {placement: {constraints: [%s]}}"
MADE = "%s: {one: {external: true, name: rules-one}, two: {external: true, name: rules-two}}"
SECOND = "services: {%s: {image: x, deploy: {replicas: 0}, ports: [%s]}}"
BOTH = "ports: [{target: 80, published: %s, mode: host}, {target: 81, published: %s, mode: host}]"
JOB = "deploy: {mode: replicated-job, %s}"
NO_JOBS = "Unknown mode: replicated-job"
"""What docker's command says up to 20.10."""

# What the service says, the Swarm's words, and what it takes. After a blank line stands what the
# file says beside the service.
RULES = {
    "memory": (LIMITS % "memory: 4194303b", "at least 4MiB", LIMITS % "memory: 4194304b"),
    "reserved": (RESERVED % "memory: 4194303b", "at least 4MiB", RESERVED % "memory: 4194304b"),
    "cpus": (LIMITS % "cpus: '0.0009'", "at least 0.001", LIMITS % "cpus: '0.001'"),
    "restart delay": (RESTART % "delay: -1s", "cannot be negative", RESTART % "delay: 0s"),
    "restart window": (RESTART % "window: -1s", "cannot be negative", RESTART % "window: 0s"),
    "update delay": (UPDATE % "delay: -1s", "cannot be negative", UPDATE % "delay: 0s"),
    "update monitor": (UPDATE % "monitor: -1s", "cannot be negative", UPDATE % "monitor: 0s"),
    "ratio": (
        UPDATE % "max_failure_ratio: 1.1",
        "bigger than 1",
        UPDATE % "max_failure_ratio: 1.0",
    ),
    "interval": (CHECK % "interval: 999us", "less than 1ms", CHECK % "interval: 1ms"),
    "timeout": (CHECK % "timeout: 999us", "less than 1ms", CHECK % "timeout: 1ms"),
    "start": (CHECK % "start_period: 999us", "less than 1ms", CHECK % "start_period: 1ms"),
    "condition": (RESTART % "condition: always", "Condition", RESTART % "condition: any"),
    "failure": (
        UPDATE % "failure_action: restart",
        "failure",
        UPDATE % "failure_action: rollback",
    ),
    "endpoint": (
        "deploy: {endpoint_mode: foo}",
        "resolution mode",
        "deploy: {endpoint_mode: vip}",
    ),
    "dnsrr": (
        "deploy: {endpoint_mode: dnsrr}\nports: [{target: 80, published: 20001}]",
        "dnsrr",
        "deploy: {endpoint_mode: dnsrr}\nports: [{target: 80, published: 20001, mode: host}]",
    ),
    "operator": (PLACED % "node.role = manager", "operator", PLACED % "node.role == manager"),
    "key": (PLACED % "'node role == manager'", "invalid", PLACED % "'node.role==manager'"),
    "value": (PLACED % "'node.role == {m}'", "invalid", PLACED % "'node.role != worker'"),
    "port twice": (
        "ports: ['20003:80', '20003:81']",
        "port",
        "ports: ['20003:80', '20012:81']",
    ),
    "port twice, host": (
        "ports: [{target: 80, published: 20004, mode: host}, {target: 81, published: 20004}]",
        "port",
        "ports: [{target: 80, published: 20004, mode: host}, {target: 81, published: 20013}]",
    ),
    "port twice, both host": (
        BOTH % (20005, 20005),
        "port",
        BOTH % (20005, 20006),
    ),
    "port of another": (
        "ports: ['20007:80']\n\n" + SECOND % ("b", "'20007:80'"),
        "port",
        "ports: [{target: 80, published: 20008, mode: host}]\n\n"
        + SECOND % ("c", "{target: 80, published: 20008, mode: host}"),
    ),
    "port of another, one host": (
        "ports: ['20009:80']\n\n" + SECOND % ("d", "{target: 80, published: 20009, mode: host}"),
        "port",
        "ports: ['20010:80']\n\n" + SECOND % ("e", "{target: 80, published: 20010, protocol: udp}"),
    ),
    "mounted twice": (
        "volumes: ['vol:/d', 'other:/d']\n\nvolumes: {vol: , other: }",
        "[Dd]uplicate",
        "volumes: ['vol:/d', 'other:/e']\n\nvolumes: {vol: , other: }",
    ),
    "kind of mount": (
        "volumes: [{type: foo, source: vol, target: /d}]\n\nvolumes: {vol: }",
        "type",
        "volumes: [{type: tmpfs, target: /d}]",
    ),
    "configs": (
        "configs: [{source: one, target: /t}, {source: two, target: /t}]\n\n" + MADE % "configs",
        "duplicate|conflict",
        "configs: [{source: one, target: /t}, {source: one, target: /u}]\n\n" + MADE % "configs",
    ),
    "secrets": (
        "secrets: [{source: one, target: t}, {source: two, target: t}]\n\n" + MADE % "secrets",
        "duplicate|conflict",
        "secrets: [{source: one, target: t}, {source: one, target: u}]\n\n" + MADE % "secrets",
    ),
    "config's name": (
        f"configs: [c]\n\nconfigs: {{c: {{name: {'c' * 65}, file: one.txt}}}}",
        "name",
        f"configs: [c]\n\nconfigs: {{c: {{name: {'c' * 64}, file: one.txt}}}}",
    ),
    "secret's name": (
        "secrets: [c]\n\nsecrets: {c: {name: 'c:v1', file: one.txt}}",
        "name",
        "secrets: [c]\n\nsecrets: {c: {name: c.v1, file: one.txt}}",
    ),
    "service's name": (
        "user: a\n\nservices: {app.one: {image: x, deploy: {replicas: 0}}}",
        "DNS",
        "user: a\n\nservices: {app-one: {image: x, deploy: {replicas: 0}}}",
    ),
    "length of a name": (
        f"user: a\n\nservices: {{{'a' * (LONGEST_SERVICE + 1)}: {{image: x}}}}",
        "63",
        f"user: a\n\nservices: {{{'a' * LONGEST_SERVICE}: {{image: x, deploy: {{replicas: 0}}}}}}",
    ),
    "bridge": (
        "networks: [b]\n\nnetworks: {b: {driver: bridge}}",
        "cannot be used with services",
        "networks: [o]\n\nnetworks: {o: {driver: overlay}}",
    ),
    "job": (
        JOB % "update_config: {parallelism: 1}",
        f"update config|{NO_JOBS}",
        JOB % "labels: {a: b}",
    ),
}
ON_PURPOSE = {
    # It takes them for something else, without a word.
    "grace": "stop_grace_period: -1s",
    "rollback delay": ROLLBACK % "delay: -1s",
    "rollback ratio": ROLLBACK % "max_failure_ratio: -0.1",
    "publish mode": "ports: [{target: 80, published: 20101, mode: foo}]",
    "protocol": "ports: [{target: 80, published: 20102, protocol: foo}]",
    "isolation": "isolation: foo",
    "mode of a file": "configs: [{source: one, mode: 4096}]\n\n" + MADE % "configs",
    # No task of it could ever start, be placed, or be reached.
    "no target": "ports: [{target: 0, published: 20103}]",
    "no such target": "ports: [{target: 70000, published: 20104}]",
    "no such port": "ports: [{target: 80, published: 70000}]",
    "mount": "volumes: [{type: volume, source: vol, target: ''}]\n\nvolumes: {vol: }",
    "no such key": PLACED % "node.colour == red",
}
"""What we refuse although the Swarm takes it."""
TAKEN = {
    "two protocols": "ports: ['20053:53/tcp', '20053:53/udp']",
    "no published ports": "ports: ['80', '81']",
    "a config twice": (
        "configs: [{source: one, target: /t}, {source: one, target: /u}]\n\n" + MADE % "configs"
    ),
    "a volume twice": "volumes: ['vol:/d', 'vol:/e']\n\nvolumes: {vol: }",
    "rollback of a rollback": ROLLBACK % "failure_action: rollback",
    "job's rollback": JOB % "rollback_config: {parallelism: 1}",
}
"""What looks like it and is taken, by us and by the Swarm."""


def file(number: int, text: str) -> bytes:
    """Make a compose file whose service has a name of its own, and runs nothing."""
    body, _, beside = text.partition("\n\n")
    service = loaded(body)
    service["image"] = f"{REGISTRY.name}:5000/{CLIENT_IMAGE}"
    service.setdefault("deploy", {})["replicas"] = 0
    whole = loaded(beside)
    whole["version"] = "3.9"
    whole.setdefault("services", {})[f"app{number}"] = service
    whole.setdefault("networks", {})["default"] = {"external": True, "name": NETWORK}
    return json.dumps(whole).encode()


def loaded(text: str) -> dict[str, Any]:
    return YAML(typ="safe").load(text) or {}


def refused_by_us(content: bytes) -> bool:
    return bool(compose(content, file="f", unit=UNIT, variables=Variables()).problems)


@pytest.fixture(scope="module")
def folder(lab_is_up: None) -> Iterator[Path]:
    """Give a folder in the home of a manager that has what the files say to be there."""
    del lab_is_up
    folder = paths.host_folder(HOST) / "home" / STACK
    folder.mkdir()
    (folder / "one.txt").write_text("x")
    hosts.docker(HOST, "network", "create", "--driver", "overlay", NETWORK)
    for kind in ("config", "secret"):
        for name in ("rules-one", "rules-two"):
            hosts.run(HOST, "docker", kind, "create", name, "-", stdin="x")
    yield folder
    faults.stack_remove(HOST, STACK)
    for kind in ("config", "secret"):
        hosts.docker(HOST, kind, "rm", "rules-one", "rules-two")
    hosts.docker(HOST, "network", "rm", NETWORK)
    shutil.rmtree(folder)


# Not one after the other: most of the time of a deploy is spent on starting.
ASK = """
cd rules
ask() {
    docker stack deploy --resolve-image never --compose-file "$1" rules > "$1.said" 2>&1
    echo "exit $?" >> "$1.said"
}
export -f ask
ls *.yaml | xargs -P 4 -I FILE bash -c 'ask FILE'
"""


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, str]:
    """Deploy each of them, and give what docker said and with which code it ended, by text."""
    texts = [*ON_PURPOSE.values(), *TAKEN.values()]
    texts += [text for wrong, _, right in RULES.values() for text in (wrong, right)]
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_bytes(file(number, text))
    hosts.run(HOST, "bash", "-c", ASK)
    return {text: (folder / f"{n}.yaml.said").read_text() for n, text in enumerate(texts)}


def took(said: str) -> bool:
    return said.endswith("exit 0\n") or NO_JOBS in said


@pytest.mark.parametrize("rule", RULES)
def test_a_swarm_refuses_what_we_say_that_it_does(said: dict[str, str], rule: str) -> None:
    wrong, words, right = RULES[rule]
    assert not said[wrong].endswith("exit 0\n")
    assert re.search(words, said[wrong]), said[wrong]
    assert took(said[right]), said[right]
    assert refused_by_us(file(0, wrong))
    assert not refused_by_us(file(0, right))


@pytest.mark.parametrize("case", ON_PURPOSE)
def test_we_refuse_more_than_a_swarm_on_purpose(said: dict[str, str], case: str) -> None:
    assert took(said[ON_PURPOSE[case]])
    assert refused_by_us(file(0, ON_PURPOSE[case]))


@pytest.mark.parametrize("case", TAKEN)
def test_what_looks_like_it_is_taken(said: dict[str, str], case: str) -> None:
    assert took(said[TAKEN[case]]), said[TAKEN[case]]
    assert not refused_by_us(file(0, TAKEN[case]))


@pytest.mark.parametrize("kind", ["config", "secret"])
@pytest.mark.usefixtures("folder")
def test_how_much_a_swarm_holds(kind: str) -> None:
    taken = {}
    for size in (0, 1, MAX_BYTES[kind] - 1, MAX_BYTES[kind]):
        create = ("docker", kind, "create", "rules-size", "-")
        made = hosts.run(HOST, *create, stdin="x" * size, check=False)
        taken[size] = made.returncode == 0
        if taken[size]:
            hosts.docker(HOST, kind, "rm", "rules-size")
    assert list(taken.values()) == [False, True, True, False]
