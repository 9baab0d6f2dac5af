from dataclasses import replace
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

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
from orchestrator.ui.consoles import open_console
from orchestrator.ui.lines import LineWriter
from tests.ui.golden import assert_golden
from tests.ui.values import (
    CRASH,
    Clock,
    failing_run,
    problem,
    restart_all,
    step_of,
    with_secret,
)

PLAN = restart_all()
REMOVE = step_of(PLAN, "remove datatrail@chime")
DEPLOY = step_of(PLAN, "deploy datatrail@chime")


def written(*events: Event, only_ends: bool = False) -> list[str]:
    out = StringIO()
    writer = LineWriter(open_console(out, {}), Clock(), only_ends=only_ends)
    for event in events:
        writer(event)
    writer.close()
    return out.getvalue().splitlines()


def waits(at: float, *items: str) -> StepWaits:
    return StepWaits(
        at=at, step=DEPLOY, waiting_for="1 of 3 tasks to run", items=items, deadline=at + 125
    )


def test_a_run_reads_well_in_a_log() -> None:
    assert_golden("lines-failing-run", written(*failing_run(PLAN)))


def test_a_wait_is_one_line_with_time_step_and_what_is_missing() -> None:
    start = StepStarted(at=100.0, step=DEPLOY)
    (_, line) = written(start, waits(112.34, "datatrail_server/1: starting"))
    assert line == (
        "03:00:02 +12.3s deploy datatrail@chime  waits: 1 of 3 tasks to run "
        "(datatrail_server/1: starting), 2 min 5 s left"
    )


def test_a_wait_that_says_nothing_new_is_left_out() -> None:
    events = [waits(100.0 + 3 * number, "a: starting") for number in range(4)]
    assert len(written(*events)) == 1


def test_a_wait_that_says_nothing_new_is_said_again_every_twelve_seconds() -> None:
    events = [waits(100.0 + number, "a: starting") for number in range(50)]
    assert [line.split()[1] for line in written(*events)] == [
        "+0.0s",
        "+12.0s",
        "+24.0s",
        "+36.0s",
        "+48.0s",
    ]


def test_while_others_have_something_to_say_it_is_not_said_again() -> None:
    other = replace(DEPLOY, id="deploy other@far")
    events: list[Event] = [waits(100.0, "a: starting")]
    for number in range(1, 40):
        events.append(waits(100.0 + number, "a: starting"))
        if number % 10 == 0:
            events.append(StepStarted(at=100.0 + number, step=other))
    assert sum("a: starting" in line for line in written(*events)) == 1


def test_what_the_run_as_a_whole_waits_for_is_said_every_twelve_seconds() -> None:
    events = [
        RunWaits(at=100.0 + n, waiting_for="the lock\x1b[31m", seconds=5.0 + n, at_most=30.0)
        for n in range(25)
    ]
    first, second = written(*events)
    assert first == "03:00:01 +12.0s waits: the lock, 17 s of at most 30 s"
    assert second.split()[1] == "+24.0s"


def test_changing_waits_come_at_most_every_three_seconds() -> None:
    events = [waits(100.0 + number / 2, f"{number}: starting") for number in range(21)]
    assert [line.split()[1] for line in written(*events)] == ["+0.0s", "+3.0s", "+6.0s", "+9.0s"]


def test_what_is_over_at_once_waits_silently() -> None:
    start = StepStarted(at=100.0, step=DEPLOY)
    done = StepDone(at=102.0, step=DEPLOY, words="healthy", seconds=2.0)
    assert [line.split()[4] for line in written(start, waits(101.0, "a"), done)] == [
        "started",
        "done",
    ]


def test_a_failure_is_told_at_once_with_every_reason() -> None:
    lines = written(StepFailed(at=100.0, step=DEPLOY, problems=(CRASH, problem()), seconds=61.0))
    assert lines[0].endswith(
        "FAILED after 61 s: datatrail-client@kko will not become healthy [deploy.unhealthy]"
    )
    assert lines[1].endswith("| " + CRASH.evidence[0])
    assert lines[-1].endswith("the manager does not answer [site.unreachable]")
    assert all("deploy datatrail@chime" in line for line in lines)


def test_steps_skipped_for_one_reason_are_counted() -> None:
    steps = [step for step in PLAN.steps if step.id.startswith(("gate", "deploy"))]
    skips = [StepSkipped(at=101.0, step=step, because="remove datatrail@chime") for step in steps]
    failed = StepFailed(at=101.0, step=REMOVE, problems=(problem(),), seconds=1.0)
    lines = written(failed, *skips, RunStopping(at=102.0))
    assert len(lines) == 3
    assert lines[1].endswith("skipped 6 steps because of remove datatrail@chime")
    assert lines[2].endswith("stopping: no new step starts, what is under way is awaited")


def test_skips_for_different_reasons_are_told_apart() -> None:
    skips = [StepSkipped(at=1.0, step=DEPLOY, because=because) for because in ("a", "b")]
    assert [line.split("  ")[1] for line in written(*skips)] == [
        "skipped because of a",
        "skipped because of b",
    ]


def test_gates_only_say_that_they_are_passed() -> None:
    gate = step_of(PLAN, "gate: preflight passed")
    lines = written(
        StepStarted(at=1.0, step=gate), StepDone(at=1.0, step=gate, words="", seconds=0.0)
    )
    assert lines == ["03:00:01 +0.0s preflight passed"]


def test_what_is_under_way_is_left_out_for_a_board() -> None:
    start = StepStarted(at=100.0, step=DEPLOY)
    stopped = StepStopped(at=120.0, step=DEPLOY, words="left in the middle")
    lines = written(start, waits(110.0, "x"), stopped, only_ends=True)
    assert lines == ["03:00:01 +20.0s deploy datatrail@chime  stopped: left in the middle"]


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=200))
def test_an_event_is_a_line_whatever_docker_says(words: str) -> None:
    lines = written(waits(100.0, words), StepDone(at=101.0, step=DEPLOY, words=words, seconds=1.0))
    assert len(lines) == 2


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    dirty = problem(what=with_secret("what"), evidence=(with_secret("evidence"),))
    text = "\n".join(
        written(
            waits(100.0, with_secret("item")),
            StepDone(at=101.0, step=DEPLOY, words=with_secret("done"), seconds=1.0),
            StepFailed(at=101.0, step=DEPLOY, problems=(dirty,), seconds=1.0),
        )
    )
    assert "\x1b" not in text
    assert "hunter2" not in text
    assert text.count("[bold]") == 4
