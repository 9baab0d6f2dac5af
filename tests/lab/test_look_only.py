"""A login that may only look, on real Swarms: what works through it, and that nothing else does."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import control, hosts
from lab.daemons import sshd
from lab.topology import OTHER_OPERATOR
from orchestrator.errors import ExitCode
from orchestrator.fleet.desired import Via
from orchestrator.inventory.load import load_inventory
from orchestrator.swarm import dtdeploy_look
from orchestrator.swarm.probes import url
from tests.lab.conftest import Done, Operator
from tests.lab.fleet import ROOT
from tests.swarm.engine_paths import READ

pytestmark = pytest.mark.lab
HOST = "frb-vsop.chime"


@pytest.fixture
def looker(operator: Operator) -> Iterator[Operator]:
    """Give the operator at the other machine, whose key may only look, at every manager."""
    sites = load_inventory(operator.inventory).units
    probes = {url(p) for s in sites for p in (*s.probes, *s.requires) if p.via is Via.MANAGER}
    options = " ".join(["--logs", *(f"--probe {probe}" for probe in sorted(probes))])
    command = f"/usr/bin/python3 -I {dtdeploy_look.__file__} {options}"
    file = Path(f"{sshd.operator_key(OTHER_OPERATOR)}.pub")
    line = file.read_text()
    file.write_text(f'restrict,command="{command}" {line}')
    somebody = operator.elsewhere()
    somebody.forgets()
    yield somebody
    file.write_text(line)


def types(somebody: Operator, *words: str, code: int = ExitCode.DONE) -> Done:
    done = somebody.types(*words)
    assert done.code == code, done
    return done


def rows(done: Done) -> list[str]:
    """Return what is shown, without what differs between two looks, or two machines' histories."""
    text = done.out.partition("GOES DOWN")[2] or done.out
    return [line for line in text.splitlines() if "@" in line]


def test_all_that_only_looks_works_and_says_the_same(
    operator: Operator, looker: Operator, tmp_path: Path
) -> None:
    types(operator, "restart", "datatrail-client@gbo", "--yes")
    operator.begin()
    assert rows(types(looker, "drift", "--all")) == rows(types(operator, "drift", "--all"))
    shown = types(looker, "status")
    assert "datatrail-client@kko" in shown.out
    plan = types(looker, "plan", "--all", "--no-guards")
    assert rows(plan) == rows(types(operator, "plan", "--all", "--no-guards"))
    assert "REFUSED" not in plan.out
    types(looker, "plan", "--for", "deploy", "--all", "--no-guards", "--format", "markdown")
    types(looker, "doctor")
    types(looker, "verify", "--all")
    types(looker, "lock")
    logs = types(looker, "--json", "logs", "--tail", "2", "datatrail@chime")
    assert logs.out.strip()
    audited = types(looker, "--json", "runs", "--at-managers")
    assert "datatrail-client@gbo" in audited.out
    assert audited.out == types(operator, "--json", "runs", "--at-managers").out
    saved = tmp_path / "saved.plan"
    types(looker, "plan", "--all", "--out", str(saved))
    assert operator.touched() == []
    sha = json.loads(saved.read_text())["sha256"]
    types(looker, "apply", str(saved), "--expect", sha, code=ExitCode.LOGIN_REFUSED)
    assert operator.touched() == []
    types(operator, "apply", str(saved), "--expect", sha, "--dry-run")


def test_whatever_changes_anything_is_refused_before_anything_is_touched(
    operator: Operator, looker: Operator
) -> None:
    for words in ("restart --all", "down --all", "restart --site kko", "down datatrail-client@gbo"):
        done = types(looker, *words.split(), "--yes", code=ExitCode.LOGIN_REFUSED)
        assert "[ssh.look-only]" in done.err
    assert operator.touched() == []

    run = operator.starts("restart", "--all", "--yes")
    run.until_it_says("remove datatrail-client@kko")
    run.kill()
    held = str(json.loads(types(operator, "--json", "lock", code=ExitCode.LOCK_HELD).out)["run"])
    operator.begin()
    for words in (f"resume {held} --take-over --yes", f"rollback {held} --take-over --yes"):
        done = types(looker, *words.split(), code=ExitCode.LOGIN_REFUSED)
        assert "[ssh.look-only]" in done.err
    broken = ("lock", "break", held, "--because", "looking")
    assert "[ssh.look-only]" in types(looker, *broken, code=ExitCode.LOGIN_REFUSED).err
    assert held in types(looker, "--json", "lock", code=ExitCode.LOCK_HELD).out
    types(operator, "resume", "--yes")
    types(looker, "verify", "--all")
    assert operator.violations() == []


@pytest.mark.usefixtures("looker")
def test_every_method_and_path_but_those_that_look_is_refused(operator: Operator) -> None:
    service = hosts.docker(HOST, "service", "ls", "-q").stdout.split()[0]
    container = hosts.docker(HOST, "ps", "-q", "--no-trunc").stdout.split()[0]
    node = hosts.docker(HOST, "node", "ls", "-q").stdout.split()[0]
    network = hosts.docker(HOST, "network", "ls", "-q", "--no-trunc").stdout.split()[0]
    ids = (f"service={service}", f"container={container}", f"node={node}", f"network={network}")
    script = Path(__file__).parent / "looking.py"
    said = control.ops([sys.executable, str(script), HOST, *ids], machine=OTHER_OPERATOR, cwd=ROOT)
    assert said.returncode == 0, said.stderr
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    let_through = {(method, path) for method, path, code in answers if code != 403}
    assert all(method == "GET" for method, _ in let_through)
    assert len(let_through) <= len(READ) + 4, let_through
    refused = Counter(method for method, path, code in answers if code == 403)
    print(f"{len(answers)} tried, {sum(refused.values())} refused: {dict(refused)}")  # noqa: T201
    print(f"let through: {sorted(let_through)}")  # noqa: T201
    assert refused["POST"] > 100
    assert refused["DELETE"] > 100
    assert operator.touched() == []
