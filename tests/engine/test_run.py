"""The loop, with procedures made up for the test and a backend that answers in a given order."""

import heapq
from collections.abc import Callable

import pytest

from orchestrator.engine.events import Event, RunStopping, StepSkipped, StepStopped, StepWaits
from orchestrator.engine.report import RunReport
from orchestrator.engine.run import run_plan
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.plan import Command, Plan, Step, StepKind
from orchestrator.procedures.asking import ask_observe, ask_observe_all, ask_sleep, ask_tell
from orchestrator.procedures.effects import Done, Effect, Failed, Observe, Procedure
from tests.build import sight

PROBLEM = Problem(code="x.y", what="it broke", exit_code=ExitCode.UNHEALTHY)


class Backend:
    """Answers every look after a second; keeps what was submitted."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pending: list[tuple[float, int, Effect]] = []
        self.submitted: list[tuple[float, Effect]] = []

    def now(self) -> float:
        return self.time

    def submit(self, token: int, effect: Effect) -> None:
        self.submitted.append((self.time, effect))
        heapq.heappush(self.pending, (self.time + 1.0, token, effect))

    def wait(self, until: float | None) -> tuple[int, object] | None:
        if not self.pending or (until is not None and until < self.pending[0][0]):
            assert until is not None, "the loop would wait for ever"
            self.time = max(self.time, until)
            return None
        self.time, token, effect = heapq.heappop(self.pending)
        assert isinstance(effect, Observe)
        return token, sight(effect.site, self.time)


def plan(*steps: Step) -> Plan:
    return Plan(
        command=Command.RESTART,
        selection="",
        coordinator="home",
        revisions=(),
        units=(),
        steps=steps,
    )


def step(name: str, *needs: str) -> Step:
    return Step(id=name, kind=StepKind.GATE, site="home", needs=needs)


def carried_out(
    steps: tuple[Step, ...],
    procedures: dict[str, Callable[[], Procedure]],
    stop_at: float = float("inf"),
) -> tuple[RunReport, list[Event], Backend]:
    backend = Backend()
    events: list[Event] = []
    report = run_plan(
        plan(*steps),
        backend,
        lambda s: procedures[s.id](),
        events.append,
        lambda: backend.time >= stop_at,
    )
    return report, events, backend


def sleeper(seconds: float, *, log: list[str] | None = None, name: str = "") -> Procedure:
    yield from ask_sleep(seconds)
    if log is not None:
        log.append(name)
    return Done(words="slept")


def failing() -> Procedure:
    yield from ask_sleep(1)
    return Failed(problems=(PROBLEM,))


def states(report: RunReport) -> dict[str, State]:
    return {entry.step.id: entry.state for entry in report.steps}


def test_independent_steps_run_side_by_side_and_order_is_kept() -> None:
    log: list[str] = []
    steps = (step("a"), step("b"), step("c", "a", "b"))
    report, _, backend = carried_out(
        steps,
        {
            "a": lambda: sleeper(5, log=log, name="a"),
            "b": lambda: sleeper(3, log=log, name="b"),
            "c": lambda: sleeper(1, log=log, name="c"),
        },
    )
    assert log == ["b", "a", "c"]
    assert backend.time == 6.0
    assert report.exit_code is ExitCode.DONE


def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    steps = (step("a"), step("b", "a"), step("c"))
    report, events, _ = carried_out(
        steps, {"a": failing, "b": lambda: sleeper(1), "c": lambda: sleeper(9)}
    )
    assert states(report) == {"a": State.FAILED, "b": State.SKIPPED, "c": State.DONE}
    assert [e.because for e in events if isinstance(e, StepSkipped)] == ["a"]
    assert report.exit_code is ExitCode.UNHEALTHY
    assert report.problems == (PROBLEM,)


def looker(looks: list[float]) -> Procedure:
    look = yield from ask_observe("home")
    looks.append(look.at)
    return Done()


def test_a_look_is_shared_but_never_older_than_the_question() -> None:
    """Whoever asks while a look is under way gets the next one: that one began too early."""
    looks: list[float] = []

    def late() -> Procedure:
        yield from ask_sleep(0.5)
        return (yield from looker(looks))

    steps = (step("a"), step("b"), step("c"), step("d"))
    _, _, backend = carried_out(
        steps, {"a": lambda: looker(looks), "b": late, "c": late, "d": late}
    )
    assert sorted(looks) == [1.0, 2.0, 2.0, 2.0]
    assert [at for at, _ in backend.submitted] == [0.0, 1.0]


def test_looks_at_several_sites_come_in_the_order_asked() -> None:
    seen: list[tuple[str, ...]] = []

    def both() -> Procedure:
        looks = yield from ask_observe_all(("far", "home", "far"))
        seen.append(tuple(look.site for look in looks))
        return Done()

    carried_out((step("a"),), {"a": both})
    assert seen == [("far", "home", "far")]


def test_stopping_starts_nothing_more_and_says_what_was_left_in_the_middle() -> None:
    closed: list[str] = []

    def waiting() -> Procedure:
        try:
            yield from ask_sleep(100)
        finally:
            closed.append("waiting")
        return Done()

    steps = (step("a"), step("b"), step("c", "a"))
    report, events, backend = carried_out(
        steps, {"a": lambda: sleeper(5), "b": waiting, "c": lambda: sleeper(1)}, stop_at=5
    )
    assert states(report)["b"] is State.STOPPED
    assert states(report)["c"] in (State.WAITING, State.SKIPPED)
    assert closed == ["waiting"]
    assert report.exit_code is ExitCode.INTERRUPTED
    assert backend.time <= 5.0
    assert any(isinstance(event, RunStopping) for event in events)
    assert any(isinstance(event, StepStopped) for event in events)


def test_what_a_step_waits_for_is_told() -> None:
    def telling() -> Procedure:
        yield from ask_tell("two tasks to end", ("web.1",), 30.0)
        return Done()

    _, events, _ = carried_out((step("a"),), {"a": telling})
    told = [event for event in events if isinstance(event, StepWaits)]
    assert [(event.waiting_for, event.items, event.deadline) for event in told] == [
        ("two tasks to end", ("web.1",), 30.0)
    ]


def test_a_bug_in_a_procedure_is_not_swallowed() -> None:
    def broken() -> Procedure:
        yield from ask_sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carried_out((step("a"),), {"a": broken})
