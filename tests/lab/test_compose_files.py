"""Compose files that Docker or the Swarm would refuse when the old stack is gone already."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import faults, hosts, paths
from lab.packages import program
from tests.lab.conftest import Operator
from tests.recorded_engine import docker_versions

pytestmark = pytest.mark.lab

GBO = "aux.gbo"
OLDER = "20.10"
FILE = "stacks/gbo-client.yaml"
IMAGE = "image: registry.lab:5000/chimefrb/maestro-datatrail-client:latest"
BY_DOCKER = {
    "memory": "deploy: {resources: {limits: {memory: 512Mx}}}",
    "cpus": 'deploy: {resources: {limits: {cpus: "50%"}}}',
    "bind without a source": "volumes: [{type: bind, target: /d}]",
    "tmpfs size": "volumes: [{type: tmpfs, target: /d, tmpfs: {size: 64m}}]",
    "restart word": "restart: sometimes",
    "order": "deploy: {update_config: {order: startfirst}}",
    "open quote": "command: sh -c 'echo it",
    "upper case": "image: MyOrg/App:1.0",
    "empty tag": 'image: "repo/app:${NOTAG:-}"',
    "one target twice": "secrets: [{source: s, target: t}, {source: z, target: t}]",
    "merged twice": "<<: {user: a}\n    <<: {user: b}",
}
BY_THE_SWARM = {
    "condition": "deploy: {restart_policy: {condition: always}}",
    "failure action": "deploy: {update_config: {failure_action: restart}}",
    "ratio": "deploy: {update_config: {max_failure_ratio: 30}}",
    "constraint": "deploy: {placement: {constraints: [node.role = manager]}}",
    "port twice": 'ports: ["8080:80", "8080:81"]',
    "dnsrr": 'deploy: {endpoint_mode: dnsrr}\n    ports: ["8080:80"]',
    "little memory": "deploy: {resources: {limits: {memory: 1M}}}",
}
SECTIONS = {
    "volume": "volumes: {v: {external: true, driver: local}}",
    "name twice": "volumes: {v: {name: a, external: {name: b}}}",
    "config name": f"configs: {{c: {{name: {'c' * 65}, file: ./config/client.toml}}}}",
    "colon": 'configs: {c: {name: "c:v1", file: ./config/client.toml}}',
    "own bridge": "networks: {n: {driver: bridge}}",
    "version": 'version: "${V:-3.8}"',
}
NAMES = {"dot": "app.one", "long": "a" * 60}
OF_THE_MANAGER = {
    "no version": (f"services: {{app: {{{IMAGE}}}}}", "unsupported Compose file version"),
    "size": (
        (
            f'version: "3.8"\nservices: {{app: {{{IMAGE}, deploy: {{resources: {{limits: '
            f'{{memory: ".5G"}}}}}}}}}}'
        ),
        "invalid size: '.5G'",
    ),
    "job": (
        f'version: "3.8"\nservices: {{app: {{{IMAGE}, deploy: {{mode: replicated-job}}}}}}',
        "replicated-job",
    ),
}


def with_app(body: str, *, name: str = "app", more: str = "") -> str:
    own = "" if body.startswith("image:") else f"    {IMAGE}\n"
    lines = f"services:\n  {name}:\n{own}    {body}\n{more}\nsecrets: {{s: {{external: true}}, "
    head = "" if more.startswith("version:") else 'version: "3.8"\n'
    return f"{head}{lines}z: {{external: true}}}}\n"


def files() -> dict[str, str]:
    own = {**BY_DOCKER, **BY_THE_SWARM}
    return {
        **{case: with_app(body) for case, body in own.items()},
        **{case: with_app("user: a", more=body) for case, body in SECTIONS.items()},
        **{case: with_app("user: a", name=name) for case, name in NAMES.items()},
    }


def test_what_would_be_refused_is_refused_before_anything_is_touched(operator: Operator) -> None:
    wrong = []
    operator.begin()
    for case, text in files().items():
        faults.commit("datatrail-admin", {FILE: text})
        done = operator.types("restart", "--all", "--yes")
        placed = re.search(rf"datatrail-admin:{FILE}:[1-9]\d*:[1-9]\d*", done.err)
        if done.code != 14 or not placed:
            wrong.append(f"{case}: {done}")
    assert wrong == []
    assert operator.touched() == []


@contextmanager
def in_place_of(file: str, other: Path) -> Iterator[None]:
    """Let the site's manager see another file there."""
    hosts.run(GBO, "mount", "--bind", str(other), file)
    try:
        yield
    finally:
        hosts.run(GBO, "umount", file)


@pytest.fixture
def older() -> Iterator[None]:
    """Let the site's manager have the docker command of an older version."""
    found = [path for path, version in docker_versions().items() if version.startswith(OLDER)]
    if not found:
        pytest.skip(f"no docker command {OLDER} is here")
    with in_place_of(program("docker"), found[0]):
        yield


@pytest.mark.usefixtures("older")
@pytest.mark.parametrize("case", OF_THE_MANAGER)
def test_what_the_managers_docker_refuses_is_refused_before_anything_is_touched(
    operator: Operator, case: str
) -> None:
    text, words = OF_THE_MANAGER[case]
    faults.commit("datatrail-admin", {FILE: text})
    operator.begin()
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 14, done
    assert "source.manager-refuses" in done.err, done
    assert words in done.err, done
    assert operator.touched() == []


@pytest.mark.engine
def test_a_deploy_takes_nothing_from_the_managers_environment(operator: Operator) -> None:
    """With a login shell that is no POSIX shell, and variables that the compose file names."""
    shell = shutil.which("tcsh")
    if shell is None:
        pytest.skip("there is no tcsh here")
    home = paths.host_folder(GBO) / "home"
    own = {"CLIENT_TAG": "nightly", "TZ": "Asia/Tokyo", "http_proxy": "http://127.0.0.1:9"}
    (home / ".tcshrc").write_text("".join(f"setenv {k} {v}\n" for k, v in own.items()))
    passwd = home / "passwd"
    text = Path("/etc/passwd").read_text()
    passwd.write_text(re.sub(r"^(root:.*):[^:]*$", rf"\1:{shell}", text, flags=re.MULTILINE))
    try:
        with in_place_of("/etc/passwd", passwd):
            assert "nightly" in hosts.run(GBO, shell, "-c", "printenv CLIENT_TAG").stdout
            done = operator.types("restart", "--all", "--yes")
    finally:
        (home / ".tcshrc").unlink()
        passwd.unlink()
    assert done.code == 0, done
    assert operator.violations() == []
    shown = hosts.docker(GBO, "service", "inspect", "datatrail-client_replicator").stdout
    assert "maestro-datatrail-client:latest" in shown
    assert not any(value in shown for value in own.values())
