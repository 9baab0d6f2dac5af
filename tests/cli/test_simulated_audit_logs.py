"""What another machine learns of a run from the managers alone."""

import json

import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.main import run
from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Command
from orchestrator.simulation.link import LinkState
from orchestrator.ui.mode import Mode
from tests.cli.desk import Desk, order
from tests.simulated import Simulated, simulated

pytestmark = pytest.mark.usefixtures("signals")


@pytest.fixture
def fleet() -> Simulated:
    """Have two runs carried out from a machine that nobody can ask any more."""
    shared = simulated()
    for command in (Command.RESTART, Command.DOWN):
        assert follow(Desk(shared=shared, name="ada").world(), order(command)) is ExitCode.DONE
    return shared


def asked(desk: Desk, *words: str) -> int:
    return run(list(words), desk.world)


def test_runs_of_other_machines_are_listed_the_newest_first(fleet: Simulated) -> None:
    desk = Desk(shared=fleet)
    assert asked(desk, "runs", "--at-managers") == ExitCode.DONE
    head, newest, older = desk.out.getvalue().splitlines()
    assert head.split()[:2] == ["RUN", "FIRST"]
    assert newest > older
    assert "ada@ada" in newest
    desk = Desk(shared=fleet)
    assert asked(desk, "runs", "--at-managers", "--limit", "1") == ExitCode.DONE
    assert desk.out.getvalue().splitlines() == [head, newest]


def test_each_change_of_one_run_is_told(fleet: Simulated) -> None:
    desk = Desk(shared=fleet)
    assert asked(desk, "report", "last", "--at-managers") == ExitCode.DONE
    head, *rest = desk.out.getvalue().splitlines()
    lines = [line for line in rest if line.startswith("20")]
    assert head.endswith(f"{len(lines)} changes by ada@ada")
    assert lines
    assert any(" remove datatrail@chime" in line for line in lines)
    times = [line[:19] for line in lines]
    assert times == sorted(times)


def test_a_site_that_cannot_be_asked_is_named(fleet: Simulated) -> None:
    fleet.fleet.sites["kko"].link.state = LinkState.CUT
    desk = Desk(shared=fleet, mode=Mode.JSON)
    assert asked(desk, "runs", "--at-managers") == ExitCode.SITE_UNREACHABLE
    said = json.loads(desk.out.getvalue().splitlines()[0])
    assert said["unread"] == ["kko"]
    assert len(said["runs"]) == 2


@pytest.mark.parametrize("word", ["nonesuch", "run-"])
def test_a_run_that_is_not_clear_is_said_to_be_so(fleet: Simulated, word: str) -> None:
    desk = Desk(shared=fleet)
    assert asked(desk, "report", word, "--at-managers") == ExitCode.USAGE
