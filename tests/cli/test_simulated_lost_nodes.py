"""A dead worker on the simulated fleet, with the code that runs live: every way on is typed."""

import re

import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.meeting import find_run
from orchestrator.cli.resuming import resume_in
from orchestrator.cli.rolling_back import roll_back_in
from orchestrator.errors import ExitCode, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.selection import Request
from orchestrator.procedures.signature import RecordKey
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.scenario import Scenario
from tests.cli.desk import Desk, order
from tests.operators import Operators
from tests.simulated import Simulated, simulated

KKO = Unit(stack="datatrail-client", site="kko")
NODE = "kko-w1@kko"
WHY = "its power is off"
ANSWER = Request(accept_lost=(NODE,), because=WHY)
ANSWERED = Request(everything=True, accept_lost=(NODE,), because=WHY)


def fleet_with(**kko: object) -> Simulated:
    site = {"workers": ["kko-w1"], **kko}
    return simulated(Scenario.model_validate({"sites": {"kko": site}}), generation=2)


def dead() -> Simulated:
    return fleet_with(down=["kko-w1"])


def test_the_plan_shows_what_a_run_is_refused_for_and_the_flag_lets_it_pass() -> None:
    desk = Desk(shared=dead())
    assert follow(desk.world(), order(dry_run=True)) == ExitCode.SAFETY_REFUSED
    shown = " ".join(desk.said().split())
    assert "REFUSED node kko-w1 of kko is down" in shown
    (flag,) = set(re.findall(r"--accept-lost \S+", shown))
    assert flag == f"--accept-lost {NODE}"
    assert follow(desk.world(), order()) == ExitCode.SAFETY_REFUSED
    assert find_run(desk.world()) is None
    assert follow(desk.world(), order(request=ANSWERED)) == ExitCode.DONE
    assert WHY in desk.said()


def test_status_tells_of_the_node_and_what_ran_there() -> None:
    (words,) = fleet_status(Desk(shared=dead()).world()).nodes
    assert words.startswith("node kko-w1 of kko is down, and ")
    assert words.endswith(f"of {KKO} last ran there")


def test_a_command_that_takes_nothing_down_there_goes_on_with_a_warning() -> None:
    shared = fleet_with(down=["kko-w1"], deployed="none")
    desk = Desk(shared=shared)
    assert follow(desk.world(), order(request=Request(sites=("kko",)))) == ExitCode.DONE
    assert "WARNING" in desk.said()


def died_in_the_middle(shared: Simulated, desk: Desk) -> str:
    """Let the worker die and the run be killed while clients go down; returns its id."""
    inject(shared.fleet, Fault(at=6.0, kind=FaultKind.NODE_LOST, site="kko", node="kko-w1"))
    turns = Operators(shared.fleet)
    first = turns.start("first", lambda backend: follow(desk.world(backend), order()))
    first.kill(at=8.0)
    turns.run(until=9.0)
    turns.close()
    shared.fleet.clock.run_until(30.0)
    desk.alive.clear()
    found = find_run(desk.world())
    assert found is not None
    return found.hold.run


@pytest.mark.usefixtures("signals")
def test_a_run_in_which_a_node_died_is_resumed_as_its_refusal_says() -> None:
    shared = fleet_with()
    desk = Desk(shared=shared)
    run = died_in_the_middle(shared, desk)
    code = resume_in(desk.world(), run, take_over=False, yes=True, dry_run=False)
    assert code in (ExitCode.SAFETY_REFUSED, ExitCode.OUTCOME_UNKNOWN), desk.said()
    words = " ".join(desk.said().split())
    assert f"dtdeploy resume --accept-lost {NODE} --because TEXT" in words
    with pytest.raises(UsageError) as wrong:
        resume_in(
            desk.world(),
            run,
            take_over=False,
            yes=True,
            dry_run=False,
            lost=Request(accept_lost=(NODE,)),
        )
    assert wrong.value.problems[0].code == "selection.no-reason"
    code = resume_in(desk.world(), run, take_over=False, yes=True, dry_run=False, lost=ANSWER)
    assert code == ExitCode.DONE, desk.said()
    assert find_run(desk.world()) is None


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("key", [RecordKey(b"k" * 32), None])
def test_what_was_answered_for_is_known_to_whoever_resumes_next_if_it_is_signed(
    key: RecordKey | None,
) -> None:
    """On whatever machine: it stands in the lock, where anybody could have written it."""
    shared = fleet_with()
    desk = Desk(shared=shared, key=key)
    run = died_in_the_middle(shared, desk)
    turns = Operators(shared.fleet)
    second = turns.start(
        "second",
        lambda backend: resume_in(
            desk.world(backend), run, take_over=False, yes=True, dry_run=False, lost=ANSWER
        ),
    )
    began = shared.fleet.clock.now
    second.kill(at=began + 5.0)
    turns.run(until=began + 6.0)
    turns.close()
    shared.fleet.clock.run_until(began + 60.0)
    desk.alive.clear()
    other = Desk(shared=shared, key=key)
    found = find_run(other.world())
    assert found is not None
    lost = [node.name for node in found.readable().plan.lost if node.accepted]
    assert (lost, found.readable().because) == (([NODE], WHY) if key else ([], ""))
    world, expect = other.world(), other.digest()
    again = Request() if key else ANSWER
    code = resume_in(world, run, take_over=True, yes=True, dry_run=False, expect=expect, lost=again)
    assert code == ExitCode.DONE, other.said()


@pytest.mark.usefixtures("signals")
def test_a_run_in_which_a_node_died_is_taken_back_with_the_same_flag() -> None:
    shared = fleet_with()
    desk = Desk(shared=shared)
    run = died_in_the_middle(shared, desk)
    code = roll_back_in(desk.world(), run, take_over=False, yes=True, dry_run=False, lost=ANSWER)
    assert code == ExitCode.DONE, desk.said()
    assert find_run(desk.world()) is None


def test_a_run_that_ended_is_undone_with_the_same_flag() -> None:
    shared = dead()
    desk = Desk(shared=shared)
    assert follow(desk.world(), order(request=ANSWERED)) == ExitCode.DONE
    run = max(desk.journals.runs())
    code = roll_back_in(desk.world(), run, take_over=False, yes=True, dry_run=False, lost=ANSWER)
    assert code == ExitCode.DONE, desk.said()


def test_a_node_that_is_not_there_is_told_before_anything() -> None:
    desk = Desk(shared=dead())
    other = Request(everything=True, accept_lost=("kko-w7@kko",), because=WHY)
    with pytest.raises(UsageError) as wrong:
        follow(desk.world(), order(request=other))
    assert wrong.value.problems[0].code == "selection.unknown-node"
