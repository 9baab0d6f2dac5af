import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import compose
from orchestrator.sources.interpolate import Variables

VARIABLES = {"T": "t", "N": "3", "B": "yes"}
ACCEPTED = (
    ("3.0", "cap_add: [A]"),
    ("3.0", "labels: {a: 1, b: , c: d}"),
    ("3.0", "labels: [a=b]"),
    ("3.0", "networks: {default: {aliases: [a]}}"),
    ("3.0", "networks: {default: }"),
    ("3.0", "ulimits: {nofile: {soft: 1, hard: 2}}"),
    ("3.0", "ulimits: {nofile: $N}"),
    ("3.0", "build: {context: .}"),
    ("3.0", "logging: {driver: x, options: {a: 1, b: }}"),
    ("3.1", "secrets: [a, {source: b, mode: 256, bogus: 1}]"),
    ("3.2", "ports: [80, '81:82', {target: 1, published: 2, mode: host}]"),
    ("3.2", "volumes: [{type: bind, source: /a, target: /b, bind: {propagation: x}}]"),
    ("3.3", "credential_spec: {file: x}"),
    ("3.4", "healthcheck: {test: x, start_period: 1m30s, retries: 2.5}"),
    ("3.4", "deploy: {update_config: {order: start-first, max_failure_ratio: 0.5}}"),
    ("3.5", "deploy: {resources: {reservations: {generic_resources: []}}}"),
    ("3.7", "init: true"),
    ("3.7", "x-any: {a: [1]}"),
    ("3.8", "deploy: {placement: {max_replicas_per_node: 1, preferences: [{spread: x}]}}"),
    ("3.9", "deploy: {resources: {limits: {cpus: '0.5', memory: 5M, pids: 3}}}"),
    ("3.9", "deploy: {replicas: $N}"),
    ("3.9", "deploy:"),
    ("3.9", "healthcheck: {test: x, retries: $N, disable: false}"),
    ("3.9", "tty: $B"),
    ("3.9", "command: [a, b, b]"),
    ("3.11", "build: {context: ., anything: goes}"),
    ("3.12", "healthcheck: {test: x, start_interval: 1s}"),
    ("3.13", "networks: {default: {driver_opts: {a: b}}}"),
    ("3.13", "oom_score_adj: 3"),
)
REFUSED = (
    ("3.9", "bogus: 1", "Docker takes no 'bogus' here"),
    ("3.9", "replicas: 1", "Docker takes no 'replicas' here"),
    ("3.9", "labels: {a: true}", "labels.a must be a string or a number or empty"),
    ("3.9", "labels: [1]", "labels.0 must be a string"),
    ("3.9", "labels:", "labels must be a mapping or a list"),
    ("3.9", "environment: [a=1, a=1]", "'a=1' stands here twice"),
    ("3.9", "ports: [80, 80]", "80 stands here twice"),
    ("3.9", "ports: ['80:80-81']", "is no port"),
    ("3.9", "ports: [{target: '80'}]", "target must be a whole number"),
    ("3.9", "ports: [{target: 80, name: x}]", "Docker takes no 'name' here"),
    ("3.1", "ports: [{target: 80}]", "needs version 3.2 of the format"),
    ("3.0", "secrets: [a]", "secrets needs version 3.1"),
    ("3.2", "configs: [a]", "configs needs version 3.3"),
    ("3.6", "init: true", "init needs version 3.7"),
    ("3.6", "x-any: 1", "x-any needs version 3.7"),
    ("3.10", "build: {context: ., anything: goes}", "Docker takes no 'anything' here"),
    ("3.9", "init: $B", "init must be true or false"),
    ("3.9", "tty: yes", "tty must be true or false"),
    ("3.9", "tty: $T", "tty must be true or false"),
    ("3.9", "stop_grace_period: 10", "stop_grace_period must be a duration"),
    ("3.9", "stop_grace_period: 10 s", "stop_grace_period must be a duration"),
    ("3.9", "shm_size: 5", "shm_size must be a string"),
    ("3.9", "deploy: {replicas: '2'}", "replicas must be a whole number"),
    ("3.9", "deploy: {replicas: 1.5}", "replicas must be a whole number"),
    ("3.9", "deploy: {resources: {limits: {cpus: 0.5}}}", "cpus must be a string"),
    ("3.9", "deploy: {x-any: 1}", "Docker takes no 'x-any' here"),
    ("3.9", "ulimits: {nofile: {soft: 1}}", "must have 'hard'"),
    ("3.9", "volumes: [{source: x}]", "must have 'type'"),
    ("3.9", "depends_on: {a: {condition: x}}", "depends_on must be a list"),
    ("3.9", "healthcheck:", "healthcheck must be a mapping"),
    ("3.9", "networks: {default: 1}", "networks.default must be a mapping or empty"),
    ("3.9", "dns: {a: b}", "dns must be a string or a list"),
)
IGNORED = {"source.undeclared", "source.no-file"}
"""What only the deploy itself would find out; `docker stack config` does not look for it."""


def text(version: str, body: str) -> str:
    return f'version: "{version}"\nservices:\n  a:\n    image: i\n    {body}\n'


def whats(content: str) -> list[str]:
    composed = compose(
        content.encode(),
        file="a.yaml",
        unit=Unit("datatrail", "chime"),
        variables=Variables(plain=VARIABLES),
    )
    return [problem.what for problem in composed.problems if problem.code not in IGNORED]


@pytest.mark.parametrize(("version", "body"), ACCEPTED)
def test_takes_what_docker_takes(version: str, body: str) -> None:
    assert whats(text(version, body)) == []


@pytest.mark.parametrize(("version", "body", "what"), REFUSED)
def test_refuses_what_docker_refuses(version: str, body: str, what: str) -> None:
    [found] = whats(text(version, body))

    assert what in found


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ("networks: {n: {bogus: 1}}", "networks.n: Docker takes no 'bogus' here"),
        ("networks:", "networks must be a mapping"),
        ("volumes: {v: {driver_opts: {a: true}}}", "volumes.v.driver_opts.a must be a string or"),
        ("volumes: {'a b': {}}", "'a b' is no name Docker takes"),
        ("configs: {c: }", "configs.c must be a mapping"),
        ("configs: {c: {content: x}}", "configs.c: Docker takes no 'content' here"),
        ("secrets: {s: {environment: X}}", "secrets.s: Docker takes no 'environment' here"),
        ("networks: {n: {external: yes}}", "external must be true or false or a mapping"),
        ("service: {}", "the top level: Docker takes no 'service' here"),
    ],
)
def test_refuses_what_docker_refuses_in_the_other_sections(section: str, what: str) -> None:
    [found] = whats(f"{text('3.9', 'user: x')}{section}\n")

    assert what in found


def test_a_key_that_is_nearly_right_gets_a_hint() -> None:
    composed = compose(
        text("3.9", "enviroment: [a=1]").encode(),
        file="a.yaml",
        unit=Unit("datatrail", "chime"),
        variables=Variables(),
    )

    assert [problem.fix for problem in composed.problems] == ["did you mean 'environment'?"]


def _docker_renders() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run([docker, "stack", "config", "--help"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not _docker_renders(), reason="needs a docker CLI from 23 on")
class TestDockerItself:
    """The tables above, put to the docker CLI of this machine."""

    @staticmethod
    def verdict(tmp_path: Path, content: str) -> tuple[int, str]:
        file = tmp_path / "a.yaml"
        file.write_text(content)
        answer = subprocess.run(
            ["docker", "stack", "config", "-c", str(file)],
            env={**VARIABLES, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stderr

    def test_takes_them(self, tmp_path: Path) -> None:
        answers = {case: self.verdict(tmp_path, text(*case)) for case in ACCEPTED}

        assert {case: said for case, (code, said) in answers.items() if code != 0} == {}

    def test_refuses_them(self, tmp_path: Path) -> None:
        answers = {body: self.verdict(tmp_path, text(ver, body)) for ver, body, _ in REFUSED}

        assert [body for body, (code, _) in answers.items() if code == 0] == []
