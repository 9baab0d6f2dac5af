"""A compose file with every field of a service, and what Docker 20.10 made of it on a Swarm.

What Docker made is tests/swarm/captured/kitchen: `GET /services` and the like, after
`docker stack deploy` (CLI 20.10.24) of tests/kitchen.py.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.drift import drift
from orchestrator.fleet.observed import Contents, Fact
from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.interpolate import Variables
from orchestrator.swarm import parse
from tests import kitchen

UNIT = Unit("kitchen", "chime")
KEY = "outside-key at /run/key.pem"
CAPTURED = Path(__file__).parent.parent / "swarm" / "captured" / "kitchen"


def desired(text: str = kitchen.COMPOSE, **secrets: str) -> DesiredStack:
    given = kitchen.SECRETS | secrets
    read = compose(
        text.encode(),
        file="kitchen.yaml",
        unit=UNIT,
        variables=Variables(
            plain=kitchen.VARIABLES, secret=frozenset(given), present=frozenset(given)
        ),
    )
    assert read.problems == ()
    env_files = {
        path.removeprefix(f"{kitchen.FOLDER}/"): content.encode()
        for path, content in kitchen.FILES.items()
        if path.endswith(".env")
    }
    return with_facts(
        read.desired, read.root, env_files=env_files, plain=kitchen.VARIABLES, secrets=given
    )


@pytest.fixture(scope="module")
def found() -> Contents:
    raw = {name: (CAPTURED / f"{name}.json").read_bytes() for name in kitchen.KINDS}
    services = parse.services(raw["services"], raw["networks"])
    networks = parse.networks(raw["networks"])
    configs, secrets = (parse.resources(raw[name]) for name in ("configs", "secrets"))
    return Contents(
        services=services,
        networks=tuple(network for network in networks if network.stack == UNIT.stack),
        configs=tuple(config for config in configs if config.stack == UNIT.stack),
        secrets=tuple(secret for secret in secrets if secret.stack == UNIT.stack),
    )


def test_every_field_that_compose_can_set_is_as_docker_made_it(found: Contents) -> None:
    assert len(found.services) == len(desired().services)
    assert drift(desired(), found) == ()


def changed(field: str, other: str, found: Contents) -> list[str]:
    """What differs when `field` reads `other` in the compose file."""
    pattern = re.compile(field)
    assert len(pattern.findall(kitchen.COMPOSE)) == 1, field
    return [str(c) for c in drift(desired(pattern.sub(lambda _: other, kitchen.COMPOSE)), found)]


@pytest.mark.parametrize(
    ("field", "other", "line"),
    [
        ('idle "two words"', "idle two", "full: command differs (values hidden)"),
        ("WHOLE: 7", "WHOLE: 8", "full: environment WHOLE differs (values hidden)"),
        ("env_file: .*", "env_file: [one.env]", "full: environment SECOND not declared"),
        (", container.two: ,", ",", "full: container label container.two not declared"),
        ("hostname: .*", "hostname: h", "full: hostname {{.Node.Hostname}}, declared h"),
        ('user: "0:0"', 'user: "1"', "full: user 0:0, declared 1"),
        ("working_dir: /tmp", "working_dir: /", "full: working directory /tmp, declared /"),
        ("stop_signal: SIGINT", "tmpfs: /x", "full: stop signal SIGINT, declared none"),
        ("1m1.5s", "1m", "full: stop grace period 61.5 s, declared 60 s"),
        ("    init: true\n", "", "full: init yes, declared none"),
        ("tty: true", "tty: false", "full: tty yes, declared none"),
        ("stdin_open: true", "tmpfs: /x", "full: stdin open, declared none"),
        ("    read_only: true\n", "", "full: root filesystem read-only, declared none"),
        (
            "198.18.0.9, 198.18.0.8",
            "198.18.0.8",
            "full: dns 198.18.0.9 198.18.0.8, declared 198.18.0.8",
        ),
        ("dns_search: lab", "dns_search: [lab, a]", "full: dns search lab, declared lab a"),
        (
            "somebody:198.18.0.77",
            "somebody:198.18.0.7",
            "full: extra host 198.18.0.7 somebody missing",
        ),
        ("cap_add: .net_admin, ", "cap_add: [", "full: capability CAP_NET_ADMIN not declared"),
        (
            "net.core.somaxconn: 1024",
            "net.core.somaxconn: 9",
            "full: sysctl net.core.somaxconn 1024, declared 9",
        ),
        ("hard: 2000", "hard: 1000", "full: ulimit nofile 1000 to 2000, declared 1000"),
        ("max-file: 3", "max-file: 4", "full: log option max-file differs (values hidden)"),
        ("interval: 1500ms", "interval: 1m", "full: health interval 1.5 s, declared 60 s"),
        (
            "/outside:ro",
            "/outside",
            "full: mount /outside volume outside, read-only, declared volume outside",
        ),
        (
            "size: 1048576",
            "size: 2097152",
            "full: mount /tmp tmpfs, size 1 MiB, declared tmpfs, size 2 MiB",
        ),
        (
            "pantry, larder",
            "pantry",
            "full: network kitchen_inner as full larder pantry, declared as full pantry",
        ),
        (
            "18080:80",
            "18081:80",
            "full: port 80/tcp published as 18080 (ingress), declared published as 18081 (ingress)",
        ),
        (
            "mode: 0400",
            "mode: 0440",
            f"full: secret {KEY} owner 1:2, mode 0400, declared owner 1:2, mode 0440",
        ),
        ("replicas: 2", "replicas: 3", "full: replicas 2, declared 3"),
        ("cpus: .0.50.", "cpus: '1'", "full: limit cpus 0.5, declared 1"),
        ("memory: 96m", "memory: 1g", "full: limit memory 96 MiB, declared 1 GiB"),
        ("memory: 4.5m", "memory: 5m", "full: reservation memory 4608 KiB, declared 5 MiB"),
        (
            "node.role==manager,",
            "node.role == worker,",
            "full: placement constraint node.role == manager not declared",
        ),
        (
            "max_replicas_per_node: 4",
            "max_replicas_per_node: 5",
            "full: replicas per node at most 4, declared at most 5",
        ),
        ("max_attempts: 7", "max_attempts: 8", "full: restart attempts 7, declared 8"),
        ("order: start-first", "order: stop-first", "full: update order not declared: start-first"),
        (
            "failure_action: continue",
            "failure_action: pause",
            "full: rollback failure action not declared: continue",
        ),
        (
            "endpoint_mode: dnsrr",
            "endpoint_mode: vip",
            "everywhere: endpoint mode dnsrr, declared none",
        ),
        (
            "restart: on-failure:3",
            "restart: always",
            "restarted: restart condition not declared: on-failure",
        ),
        (
            "credential_spec: {file: spec.json}",
            "hostname: a",
            "guarded: credential spec file spec.json, declared none",
        ),
        ("isolation: process", "tty: false", "guarded: isolation process, declared none"),
        ("kind: gpu, value: 2", "kind: gpu, value: 3", "asleep: reservation gpu 2, declared 3"),
        ("parallelism: 0}$", "parallelism: 1}", "guarded: update parallelism not declared: 0"),
        (
            "device: tmpfs",
            "device: other",
            "full: mount option /data device differs (values hidden)",
        ),
    ],
)
def test_a_field_that_is_otherwise_is_named(
    field: str, other: str, line: str, found: Contents
) -> None:
    assert line in changed(f"(?m){field}", other, found)


def test_a_secret_that_was_exchanged_is_seen_and_not_shown(found: Contents) -> None:
    lines = [str(change) for change in drift(desired(PASSWORD="another"), found)]
    assert lines == ["full: environment DSN differs (values hidden)"]


def test_a_secret_where_none_is_expected_hides_its_kind(found: Contents) -> None:
    text = kitchen.COMPOSE.replace('user: "0:0"', "user: ${PASSWORD}")
    (full, *_) = (s for s in desired(text).services if s.name == "full")
    assert full.hidden == {"user"}
    lines = [str(change) for change in drift(desired(text), found)]
    assert lines == ["full: user differs (values hidden)"]


def test_a_secret_in_a_name_hides_its_kind(found: Contents) -> None:
    text = kitchen.COMPOSE.replace("somebody:198.18.0.77", "somebody:${PASSWORD}")
    lines = [str(change) for change in drift(desired(text), found)]
    assert lines == ["full: extra host differs (values hidden)"]
    assert "another" not in repr(desired(text, PASSWORD="another"))


def test_what_a_swarm_fills_in_is_no_fact(found: Contents) -> None:
    plain = next(s for s in desired().services if s.name == "plain")
    assert plain.facts == (
        Fact("command", "", json.dumps(["idle"])),
        Fact("image", "", f"{kitchen.IMAGE}:latest"),
        Fact("network", "kitchen_default", "as plain"),
        Fact("replicas", "", "1"),
    )
    seen = next(s for s in found.services if s.name == "kitchen_plain")
    assert seen.facts == plain.facts
    assert replace(plain, facts=()).hidden == frozenset()
