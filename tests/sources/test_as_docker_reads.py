"""Our reading of compose files against that of docker's command, up to what a Swarm is asked."""

import json
import os
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from orchestrator.errors import Problem
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import Composed, compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.findings import Findings
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.labelled_document import labelled
from orchestrator.sources.yaml_text import parse
from orchestrator.swarm import parse as swarm_json
from tests.docker_inputs import FILES, VARIABLES, Input, inputs
from tests.recorded_engine import Deployed, RecordedEngine, docker_commands, recorded_engine
from tests.yaml_texts import YAML_TEXTS

UNIT = Unit(stack="s", site="x")
NUMBER = 100_000 if os.environ.get("DTDEPLOY_DEEP") else 5_200
PARTS = 4
ON_PURPOSE = (
    # The Swarm refuses them, once half of the stack is there, or never starts a task of them
    # (tests/lab/test_swarm_rules.py asks one which of both).
    ("bad-name", "is invalid|DNS name|characters or fewer"),
    ("bad-value", "Must be at least|cannot be negative|cannot be less than|bigger than 1"),
    ("bad-value", "is no (endpoint mode|failure action|condition|way to publish a port|isolation)"),
    ("bad-value", "constraint expected one operator|(key|value) .* is invalid"),
    ("conflict", "cannot be used with services|needs a target|a job, which takes no"),
    ("conflict", "must not be empty|already published|volume type must be"),
    ("duplicate-target", "has two of its"),
    # It takes them for something else, or drops them, without a word.
    ("bad-value", "is no protocol|overflows uint|more than a Swarm can count|is no port: there"),
    ("bad-value", "is not `name:address`|is no IP address|is no file mode"),
    ("not-compose", r"(extra_hosts|expose)\.\S+ must be"),
    ("unset-variable", "has no value"),
    # No task of it could ever start, or be placed.
    ("bad-value", "is no OOM score|no node has"),
    # Only the manager has it, and it does not stay.
    ("relative-bind", "would lie in"),
    ("no-services", "there are no services"),
    # Nobody writes a number like this.
    ("bad-value", "failed to parse 0x1 as a rational number|retry count must be an integer"),
    ("bad-value", r"tcp/udp' is no port|cannot specify 64-byte hexadecimal"),
    ("conflict", "driver and secret.file conflict"),
)
"""Where we refuse what docker's command takes: a code, and words of the message."""
ELSEWHERE = re.compile(r"networks\.\*\.external|\"~/")
"""What is looked up at the site: external networks, home folders."""


@cache
def drawn() -> list[Input]:
    return inputs(NUMBER, int(os.environ.get("DTDEPLOY_FIRST_SEED", "0")))


@pytest.fixture(scope="module", params=[*docker_commands()] or [Path()], ids=str)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RecordedEngine]:
    if request.param == Path():
        pytest.skip("there is no docker command here")
    folder = tmp_path_factory.mktemp("engine")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with recorded_engine(request.param, folder) as served:
        yield served


def ours(text: str | bytes) -> tuple[Composed, DesiredStack | None, tuple[Problem, ...]]:
    content = text.encode() if isinstance(text, str) else text
    composed = compose(content, file="f", unit=UNIT, variables=Variables(plain=VARIABLES))
    paths = [posixpath.normpath(reference.path) for reference in composed.references]
    if composed.problems or any(path not in FILES for path in paths):
        return composed, None, composed.problems
    desired = with_facts(
        composed.desired,
        composed.root,
        env_files={one.path: FILES[posixpath.normpath(one.path)] for one in composed.references},
        plain=VARIABLES,
        secrets={},
    )
    return composed, desired, ()


def differences(desired: DesiredStack, deployed: Deployed) -> list[str]:
    raw = [
        {"ID": name, "Version": {"Index": 1}, "Spec": spec}
        for name, spec in deployed.services.items()
    ]
    held = {one.name: one.facts for one in swarm_json.services(json.dumps(raw).encode())}
    wanted = {desired.service_name(one): one.facts for one in desired.services}
    found = [f"{name} is there" for name in held.keys() ^ wanted.keys()]
    for name in held.keys() & wanted.keys():
        found += [str(fact) for fact in set(held[name]) ^ set(wanted[name])]
    for kind in ("networks", "configs", "secrets"):
        if set(getattr(deployed, kind)) != set(getattr(desired, kind)):
            found.append(f"{kind}: {sorted(getattr(deployed, kind))}")
    return found


def judged(engine: RecordedEngine, text: str | bytes) -> str:
    """Compare one file; "" where both read the same in it, or refuse it."""
    _, desired, problems = ours(text)
    deployed = engine.deploy(text, VARIABLES)
    if desired is None:
        if deployed.rc or not problems or any(_on_purpose(problem) for problem in problems):
            return ""
        return f"only we refuse it: {[problem.what for problem in problems]}"
    if deployed.rc:
        return f"only docker refuses it: {deployed.words[-300:]}"
    found = differences(desired, deployed)
    return f"read otherwise: {found}" if found else ""


def _on_purpose(problem: Problem) -> bool:
    return any(
        problem.code == f"source.{code}" and re.search(words, problem.what)
        for code, words in ON_PURPOSE
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_every_field_means_what_docker_makes_of_it(engine: RecordedEngine, part: int) -> None:
    if not engine.is_newest:
        pytest.skip("a newer docker command is the judge")
    found = [
        f"{one}\n    {said}"
        for one in drawn()[part::PARTS]
        if not ELSEWHERE.search(str(one)) and (said := judged(engine, one.text))
    ]
    assert found == [], "\n".join(found)


def test_yaml_means_what_docker_makes_of_it(engine: RecordedEngine) -> None:
    if not engine.is_newest:
        pytest.skip("a newer docker command is the judge")
    found = [f"{text!r}\n    {said}" for text in YAML_TEXTS if (said := judged(engine, text))]
    assert found == [], "\n".join(found)


def test_what_is_deployed_means_the_same_to_every_docker(engine: RecordedEngine) -> None:
    """Where an older command refuses it, the manager's own says so before anything is touched."""
    compared = 0
    found = []
    for one in drawn()[::4] if engine.is_newest else drawn()[:2_600]:
        _, desired, _ = ours(one.text)
        if desired is None or ELSEWHERE.search(str(one)):
            continue
        root = parse(f'version: "3.9"\n{one.text}'.encode(), Findings("f", UNIT))
        if root is None:
            continue
        deployed = engine.deploy(labelled(root, {"dtdeploy.run": "r"}, {}), VARIABLES)
        if not deployed.rc:
            compared += 1
            found += [f"{one}: {said}" for said in differences(desired, deployed)]
    assert found == []
    assert compared > 100
