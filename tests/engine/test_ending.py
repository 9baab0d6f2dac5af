"""May the lock be released after this end, and what is owed?"""

from dataclasses import replace

import pytest

from orchestrator.engine.ending import Ending, How, judge_ending
from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind
from tests.build import CLIENT, SERVER, plan, unit_plan

BROKEN = Problem(code="x.y", what="it broke", exit_code=ExitCode.UNHEALTHY)
NOT_THERE = Before(presence=Presence.GONE)
BOTH = plan(unit_plan(SERVER), unit_plan(CLIENT))
WELL = {
    f"examine {SERVER.site}": State.DONE,
    f"remove {CLIENT}": State.DONE,
    f"remove {SERVER}": State.DONE,
    f"deploy {SERVER}": State.DONE,
    f"deploy {CLIENT}": State.DONE,
    f"settle {CLIENT}": State.DONE,
}


def step(name: str) -> Step:
    kind, _, rest = name.partition(" ")
    stack, at, site = rest.partition("@")
    unit = Unit(stack=stack, site=site) if at else None
    return Step(id=name, kind=StepKind(kind), site=site or rest, unit=unit)


def report(states: dict[str, State]) -> RunReport:
    steps = tuple(
        StepReport(
            step=step(name),
            state=state,
            problems=(BROKEN,) if state is State.FAILED else (),
        )
        for name, state in states.items()
    )
    return RunReport(steps=steps, began=0.0, ended=9.0, interrupted=False)


def ended(of: Plan = BOTH, *, touched: bool = True, **states: State) -> Ending:
    """Keywords: `deploy_client=State.FAILED` and so on, for what did not end well."""
    names = {"server": SERVER, "client": CLIENT}
    changed = {
        f"{name.partition('_')[0]} {names[name.partition('_')[2]]}": state
        for name, state in states.items()
    }
    return judge_ending(of, report(WELL | changed), touched=touched)


def test_a_run_whose_steps_are_all_done_is_finished() -> None:
    found = ended()
    assert found == Ending(how=How.FINISHED, owed={}, settled=frozenset({SERVER, CLIENT}))


def test_a_run_that_touched_nothing_owes_nothing() -> None:
    found = ended(
        touched=False, remove_client=State.FAILED, deploy_server=State.SKIPPED,
        deploy_client=State.SKIPPED,
    )  # fmt: skip
    assert (found.how, found.owed) == (How.UNTOUCHED, {})


@pytest.mark.parametrize("state", [s for s in State if s is not State.DONE])
def test_a_removal_that_is_not_done_leaves_the_run_unfinished(state: State) -> None:
    assert ended(remove_client=state).how is How.UNFINISHED


@pytest.mark.parametrize("state", [s for s in State if s is not State.DONE])
def test_a_server_that_is_not_back_leaves_the_run_unfinished(state: State) -> None:
    found = ended(deploy_server=state)
    assert found.how is How.UNFINISHED
    assert SERVER in found.owed


@pytest.mark.parametrize("state", [State.WAITING, State.RUNNING, State.SKIPPED, State.STOPPED])
def test_a_leaf_that_was_not_tried_leaves_the_run_unfinished(state: State) -> None:
    found = ended(deploy_client=state)
    assert found.how is How.UNFINISHED
    assert found.owed == {CLIENT: f"deploy {CLIENT} was not reached"}


def test_a_leaf_that_failed_is_owed_and_keeps_nobody_waiting() -> None:
    found = ended(deploy_client=State.FAILED)
    assert found.how is How.OWING
    assert found.owed == {CLIENT: "it broke"}
    assert found.settled == {SERVER}


def test_only_watching_that_did_not_end_well_owes_nothing() -> None:
    found = ended(settle_client=State.FAILED)
    assert (found.how, found.owed) == (How.OWING, {})
    assert found.settled == {SERVER, CLIENT}


@pytest.mark.parametrize(("action", "owed"), [(Action.RESTART, False), (Action.UP, True)])
def test_what_did_not_run_before_is_owed_only_if_it_was_to_come_up(
    action: Action, *, owed: bool
) -> None:
    of = plan(unit_plan(SERVER), unit_plan(CLIENT, action, before=NOT_THERE))
    assert (CLIENT in ended(of, deploy_client=State.FAILED).owed) is owed


def test_what_nobody_could_see_before_is_owed() -> None:
    unknown = Before(presence=Presence.UNKNOWN)
    of = plan(unit_plan(SERVER), unit_plan(CLIENT, before=unknown))
    assert CLIENT in ended(of, deploy_client=State.FAILED).owed


def test_what_was_taken_down_as_planned_is_settled() -> None:
    of = plan(unit_plan(CLIENT, Action.DOWN))
    found = judge_ending(of, report({f"remove {CLIENT}": State.DONE}), touched=True)
    assert found == Ending(how=How.FINISHED, owed={}, settled=frozenset({CLIENT}))


def test_what_a_way_back_took_down_stays_owed() -> None:
    of = replace(plan(unit_plan(CLIENT, Action.DOWN)), command=Command.ROLLBACK)
    found = judge_ending(of, report({f"remove {CLIENT}": State.DONE}), touched=True)
    assert found.settled == frozenset()


def test_what_is_removed_but_not_back_is_not_settled() -> None:
    assert ended(deploy_client=State.STOPPED).settled == {SERVER}
    # Not owed either: it did not run, and a restart promises nothing else.
    of = plan(unit_plan(SERVER), unit_plan(CLIENT, before=NOT_THERE))
    assert ended(of, deploy_client=State.FAILED).settled == {SERVER}


def test_a_run_that_was_restoring_says_so_by_its_steps_alone() -> None:
    """A step that names no unit, as a gate does, has no part in it."""
    states = WELL | {f"examine {SERVER.site}": State.FAILED}
    assert judge_ending(BOTH, report(states), touched=True).how is How.OWING
