import pytest

from orchestrator.engine.report import RunReport
from orchestrator.engine.schedule import State
from orchestrator.planning.plan import Action, Command, Plan
from orchestrator.ui.standing import Standing, UnitEnd, unit_ends
from tests.ui.values import CRASH, GONE, KKO, SERVER, plan_of, problem, report_of, unit_plan

REMOVE, DEPLOY, SETTLE = f"remove {KKO}", f"deploy {KKO}", f"settle {KKO}"
RESTART = plan_of(unit_plan(KKO))
REFUSED = problem("removal.refused", "not known to be gone")
UNFINISHED = problem("removal.unfinished", "still there")
FAILED = problem("deploy.failed", "network not found")


def end(plan: Plan, report: RunReport) -> UnitEnd:
    return {e.unit: e for e in unit_ends(plan, report)}[KKO]


SKIP_UP = {DEPLOY: State.SKIPPED, SETTLE: State.SKIPPED}
WAIT_UP = {DEPLOY: State.WAITING, SETTLE: State.WAITING}


@pytest.mark.parametrize(
    ("states", "cause", "standing", "owed"),
    [
        ({}, None, Standing.DEPLOYED, False),
        ({SETTLE: State.FAILED}, CRASH, Standing.UNSTABLE, True),
        ({SETTLE: State.STOPPED}, None, Standing.UNWATCHED, False),
        ({SETTLE: State.WAITING}, None, Standing.UNWATCHED, False),
        ({DEPLOY: State.FAILED, SETTLE: State.SKIPPED}, CRASH, Standing.UNHEALTHY, True),
        ({DEPLOY: State.FAILED, SETTLE: State.SKIPPED}, FAILED, Standing.HALF_DEPLOYED, True),
        ({DEPLOY: State.STOPPED, SETTLE: State.WAITING}, None, Standing.HALF_DEPLOYED, True),
        (SKIP_UP, None, Standing.GONE, True),
        (WAIT_UP, None, Standing.GONE, True),
        ({REMOVE: State.FAILED, **SKIP_UP}, UNFINISHED, Standing.HALF_REMOVED, True),
        ({REMOVE: State.STOPPED, **WAIT_UP}, None, Standing.HALF_REMOVED, True),
        ({REMOVE: State.FAILED, **SKIP_UP}, REFUSED, Standing.UNTOUCHED, False),
        ({REMOVE: State.SKIPPED, **SKIP_UP}, None, Standing.UNTOUCHED, False),
        ({REMOVE: State.WAITING, **WAIT_UP}, None, Standing.UNTOUCHED, False),
    ],
)
def test_where_a_restart_leaves_a_unit(
    states: dict[str, State],
    cause: object,
    standing: Standing,
    owed: bool,  # noqa: FBT001 - a table's column, given by pytest
) -> None:
    failed = next((name for name, state in states.items() if state is State.FAILED), "")
    problems = {failed: (cause,)} if cause else {}
    found = end(RESTART, report_of(RESTART, states, problems))  # type: ignore[arg-type]  # a table's column
    assert (found.standing, found.owed) == (standing, owed)


def test_an_outage_lasts_from_the_removal_until_healthy() -> None:
    names = [step.id for step in RESTART.steps]
    seconds = float(names.index(DEPLOY) + 1 - names.index(REMOVE))
    found = end(RESTART, report_of(RESTART, {}))
    assert (found.outage_seconds, found.still_down) == (seconds, False)


def test_an_outage_that_goes_on_is_counted_until_the_run_ended() -> None:
    report = report_of(RESTART, {DEPLOY: State.FAILED, SETTLE: State.SKIPPED}, {DEPLOY: (CRASH,)})
    names = [step.id for step in RESTART.steps]
    found = end(RESTART, report)
    assert found.outage_seconds == report.ended - names.index(REMOVE)
    assert found.still_down


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(unit_plan(KKO, before=GONE)),
        plan_of(unit_plan(KKO, Action.UP, before=GONE), command=Command.UP),
        plan_of(unit_plan(KKO, Action.DOWN), command=Command.DOWN),
    ],
)
def test_what_was_not_up_or_was_to_go_down_has_no_outage(plan: Plan) -> None:
    assert end(plan, report_of(plan, {})).outage_seconds is None


def test_a_unit_that_was_gone_and_was_not_reached_is_gone() -> None:
    plan = plan_of(unit_plan(KKO, Action.UP, before=GONE), command=Command.UP)
    found = end(plan, report_of(plan, SKIP_UP))
    assert (found.standing, found.owed) == (Standing.GONE, True)


def test_a_unit_that_was_taken_down_on_purpose_is_owed_to_nobody() -> None:
    plan = plan_of(unit_plan(KKO, Action.DOWN), command=Command.DOWN)
    found = end(plan, report_of(plan, {}))
    assert (found.standing, found.owed) == (Standing.GONE, False)


def test_a_unit_that_was_to_stay_is_untouched() -> None:
    plan = plan_of(unit_plan(SERVER, Action.KEEP), unit_plan(KKO))
    kept = unit_ends(plan, report_of(plan, {}))[0]
    assert (kept.unit, kept.standing, kept.owed) == (SERVER, Standing.UNTOUCHED, False)
