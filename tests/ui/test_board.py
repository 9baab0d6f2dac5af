import pytest

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.schedule import State
from orchestrator.planning.plan import Plan
from orchestrator.ui.board import Board, Row, board_of
from tests.ui.values import GONE, KKO, SERVER, plan_of, problem, restart_all, step_of, unit_plan

PLAN = restart_all()


def after(plan: Plan, *events: Event) -> Board:
    board = board_of(plan)
    for event in events:
        board = board.after(event)
    return board


def ready(plan: Plan) -> list[Event]:
    """Finish preflight at second 10."""
    early = [step for step in plan.steps if step.id.startswith(("examine", "prepare", "gate"))]
    return [StepDone(at=10.0, step=step, words="", seconds=1.0) for step in early]


def started(name: str, at: float) -> StepStarted:
    return StepStarted(at=at, step=step_of(PLAN, name))


def done(name: str, at: float) -> StepDone:
    return StepDone(at=at, step=step_of(PLAN, name), words="", seconds=1.0)


def row(board: Board, name: str, now: float) -> Row:
    return {row.name: row for row in board.rows(now)}[name]


def test_sites_are_shown_until_preflight_is_over_and_units_after_it() -> None:
    board = after(PLAN, started("examine kko", 1.0))
    assert [r.name for r in board.rows(2.0)] == ["chime", "outrigger-buffer", "kko", "gbo"]
    assert [r.name for r in after(PLAN, *ready(PLAN)).rows(2.0)] == [
        str(item.unit) for item in PLAN.units
    ]


def test_a_site_found_unfit_stays_on_the_board() -> None:
    failed = StepFailed(
        at=2.0, step=step_of(PLAN, "examine kko"), problems=(problem(),), seconds=1.0
    )
    shown = row(after(PLAN, *ready(PLAN), failed), "kko", 3.0)
    assert (shown.words, shown.waiting_for) == ("NOT FIT", "the manager does not answer")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "waiting"),
        ([started("remove datatrail@chime", 11.0)], "going down"),
        ([done("remove datatrail@chime", 12.0)], "gone"),
        (
            [done("remove datatrail@chime", 12.0), started("deploy datatrail@chime", 13.0)],
            "coming up",
        ),
        ([done("deploy datatrail@chime", 15.0)], "healthy"),
        ([started("settle datatrail@chime", 15.0)], "watching"),
        ([done("deploy datatrail@chime", 15.0), done("settle datatrail@chime", 25.0)], "stable"),
    ],
)
def test_a_unit_is_told_by_its_latest_step(events: list[Event], words: str) -> None:
    assert row(after(PLAN, *ready(PLAN), *events), "datatrail@chime", 30.0).words == words


def test_the_clock_of_an_outage_runs_from_removal_to_health() -> None:
    board = after(PLAN, *ready(PLAN), started("remove datatrail@chime", 11.0))
    assert board.down_seconds(SERVER, 14.0) == 3.0
    board = board.after(done("remove datatrail@chime", 15.0))
    board = board.after(started("deploy datatrail@chime", 15.0))
    assert board.down_seconds(SERVER, 18.0) == 7.0
    assert board.after(done("deploy datatrail@chime", 18.5)).down_seconds(SERVER, 20.0) is None


def test_a_refused_removal_is_no_outage() -> None:
    refused = StepFailed(
        at=12.0,
        step=step_of(PLAN, "remove datatrail@chime"),
        problems=(problem("removal.refused", "not removed"),),
        seconds=1.0,
    )
    board = after(PLAN, *ready(PLAN), started("remove datatrail@chime", 11.0), refused)
    assert board.down_seconds(SERVER, 20.0) is None
    assert row(board, "datatrail@chime", 20.0).words == "NOT REMOVED"


def test_a_unit_that_was_gone_before_has_no_outage() -> None:
    plan = plan_of(unit_plan(KKO, before=GONE))
    board = after(plan, StepStarted(at=1.0, step=step_of(plan, f"remove {KKO}")))
    assert board.down_seconds(KKO, 9.0) is None


def test_what_a_step_waits_for_is_shown_until_it_ends() -> None:
    waits = StepWaits(
        at=12.0,
        step=step_of(PLAN, "remove datatrail@chime"),
        waiting_for="tasks to end",
        items=("server/1",),
        deadline=50.0,
    )
    board = after(PLAN, *ready(PLAN), started("remove datatrail@chime", 11.0), waits)
    shown = row(board, "datatrail@chime", 13.0)
    assert (shown.waiting_for, shown.items, shown.seconds) == ("tasks to end", ("server/1",), 2.0)
    shown = row(board.after(done("remove datatrail@chime", 14.0)), "datatrail@chime", 15.0)
    assert (shown.waiting_for, shown.items, shown.seconds) == ("", (), None)


def test_a_failure_outweighs_what_was_skipped_because_of_it() -> None:
    deploy = step_of(PLAN, "deploy datatrail@chime")
    settle = step_of(PLAN, "settle datatrail@chime")
    board = after(
        PLAN,
        *ready(PLAN),
        done("remove datatrail@chime", 12.0),
        StepFailed(at=13.0, step=deploy, problems=(problem(what="broken"),), seconds=1.0),
        StepSkipped(at=13.0, step=settle, because=deploy.id),
    )
    shown = row(board, "datatrail@chime", 14.0)
    assert (shown.words, shown.state, shown.waiting_for) == ("NOT HEALTHY", State.FAILED, "broken")


def test_a_unit_left_down_says_because_of_what() -> None:
    skipped = StepSkipped(
        at=13.0, step=step_of(PLAN, f"deploy {KKO}"), because="deploy datatrail@chime"
    )
    board = after(PLAN, *ready(PLAN), done(f"remove {KKO}", 12.0), skipped)
    shown = row(board, str(KKO), 14.0)
    assert (shown.words, shown.waiting_for) == ("gone", "skipped because of deploy datatrail@chime")


def test_steps_are_counted_without_gates() -> None:
    board = after(PLAN, *ready(PLAN))
    assert board.finished() == 8
    assert len(board.steps) == len(PLAN.steps) - 2


def test_stopping_and_stopped_are_shown() -> None:
    stopped = StepStopped(at=14.0, step=step_of(PLAN, f"remove {KKO}"), words="left in the middle")
    board = after(PLAN, *ready(PLAN), started(f"remove {KKO}", 11.0), RunStopping(at=13.0), stopped)
    assert board.stopping
    assert row(board, str(KKO), 15.0).words == "stopped"


def test_what_the_run_waits_for_is_shown_where_no_step_says_why_nothing_moves() -> None:
    waits = RunWaits(at=11.0, waiting_for="the lock", seconds=6.0)
    still = RunWaits(at=17.0, waiting_for="the lock", seconds=12.0)
    running = started("deploy datatrail@chime", 10.0)
    assert after(PLAN, *ready(PLAN), waits).shown_waits() == waits
    assert after(PLAN, *ready(PLAN), running, waits).shown_waits() is None
    assert after(PLAN, *ready(PLAN), running, still).shown_waits() == still
    assert after(PLAN, *ready(PLAN), still, running).shown_waits() is None


def test_a_board_is_never_changed_only_followed() -> None:
    before = board_of(PLAN)
    before.after(started("examine kko", 1.0))
    assert before == board_of(PLAN)
