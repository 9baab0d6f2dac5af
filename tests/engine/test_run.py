"""The loop, with procedures made up for the test and a backend that answers in a given order."""

import heapq
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.engine.custodian import Custodian
from orchestrator.engine.events import Event, RunStopping, StepSkipped, StepStopped, StepWaits
from orchestrator.engine.journal import EntryKind
from orchestrator.engine.keeper import Keeper
from orchestrator.engine.report import RunReport
from orchestrator.engine.run import run_plan
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import TcpProbe
from orchestrator.planning.plan import Command, Plan, Step, StepKind
from orchestrator.procedures.asking import (
    ask_logs,
    ask_mutate,
    ask_observe,
    ask_observe_all,
    ask_sleep,
    ask_tell,
)
from orchestrator.procedures.custody import FRESH_SECONDS, in_custody
from orchestrator.procedures.effects import (
    CheckLock,
    ConfigAnswer,
    Done,
    Effect,
    Failed,
    Intend,
    Observe,
    Procedure,
    ReadLogs,
    RemoveServices,
    RunProbe,
    WriteAudit,
    Written,
)
from orchestrator.procedures.hold import LOCK, Hold, Holder, to_labels
from tests import build
from tests.build import CLIENT, sight
from tests.configs import ConfigEffect, Configs, happens, meanwhile
from tests.engine.desk import FULL, Desk, Notes

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


class Probed(Backend):
    """Answers anything, each after a second."""

    def wait(self, until: float | None) -> tuple[int, object] | None:
        if self.pending and (until is None or until >= self.pending[0][0]):
            self.time, token, effect = heapq.heappop(self.pending)
            return token, Written() if isinstance(effect, ReadLogs) else effect
        assert until is not None
        self.time = max(self.time, until)
        return None


@pytest.mark.parametrize(("stop", "reads"), [(False, 1), (True, 0)])
def test_what_fails_while_the_run_stops_is_told_without_more_ado(*, stop: bool, reads: int) -> None:
    """To read what its tasks wrote is left out; to leave it in the middle would hide why."""
    probe = RunProbe(site="home", probe=TcpProbe(name="p", host="h", port=1))

    def failing() -> Procedure:
        yield probe
        yield from ask_logs(ReadLogs(site="home", queries=()))
        return Failed(problems=(PROBLEM,))

    backend = Probed()
    report = run_plan(
        plan(step("a")),
        backend,
        lambda _: failing(),
        lambda _: None,
        lambda: stop and bool(backend.submitted),
    )
    assert report.problems == (PROBLEM,)
    assert sum(isinstance(effect, ReadLogs) for _, effect in backend.submitted) == reads


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


class Unanswering(Backend):
    """Begins at a given time, and never answers; counts how often it is waited for."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self.time = began
        self.waits = 0

    def wait(self, until: float | None) -> None:
        self.waits += 1
        assert self.waits < 100, "the loop goes round, and no time passes"
        self.time = max(self.time, until or 0.0)


@given(st.floats(min_value=0.0, max_value=1e6))
@example(29.891352473927856)
def test_what_is_not_answered_is_not_awaited_for_ever_whenever_it_began(began: float) -> None:
    backend = Unanswering(began)
    report = run_plan(
        plan(step("a")),
        backend,
        lambda _: removing(),
        lambda _: None,
        lambda: backend.waits > 0,
    )
    assert states(report) == {"a": State.STOPPED}
    assert backend.time - began == pytest.approx(10.0)


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


def test_every_report_stands_in_the_plans_order() -> None:
    steps = (step("a"), step("b", "a"), step("c"))
    report, _, _ = carried_out(
        steps, {"a": lambda: sleeper(5), "b": lambda: sleeper(1), "c": lambda: sleeper(1)}
    )
    assert [entry.step.id for entry in report.steps] == ["a", "b", "c"]
    first = report.steps[0]
    assert (first.started, first.ended, first.words) == (0.0, 5.0, "slept")
    assert (report.began, report.ended) == (0.0, 6.0)


def test_what_was_done_before_is_not_done_again() -> None:
    backend = Backend()
    log: list[Event] = []
    started: list[str] = []

    def start(s: Step) -> Procedure:
        started.append(s.id)
        return sleeper(1)

    report = run_plan(
        plan(step("a"), step("b", "a")), backend, start, log.append, lambda: False, done={"a"}
    )
    assert started == ["b"]
    assert report.finished
    assert report.steps[0].words == "done before"


def test_a_step_that_is_skipped_passes_its_cause_on() -> None:
    steps = (step("a"), step("slow"), step("b", "slow", "a"), step("c", "b"))
    report, _, _ = carried_out(
        steps,
        {"a": failing, "slow": lambda: sleeper(5), "b": lambda: sleeper(1), "c": failing},
    )
    assert [entry.because for entry in report.steps] == ["", "", "a", "a"]


def test_a_pause_of_nothing_is_only_the_time() -> None:
    def asking() -> Procedure:
        now = yield from ask_sleep(0)
        return Done(words=f"{now}")

    report, _, backend = carried_out((step("a"),), {"a": asking})
    assert report.steps[0].words == "0.0"
    assert backend.time == 0.0


REMOVES = RemoveServices(unit=CLIENT, ids=("s",))


def removing() -> Procedure:
    answer = yield from ask_mutate(REMOVES)
    return Done(words=answer.result.value)


@pytest.mark.parametrize("kind", [CheckLock(), Intend(effect=REMOVES)])
def test_without_lock_and_journal_nothing_may_be_changed(kind: Effect) -> None:
    def careful() -> Procedure:
        yield kind
        return Done()

    with pytest.raises(PermissionError):
        carried_out((step("a"),), {"a": careful})


def test_what_was_asked_to_stop_at_once_starts_nothing() -> None:
    report, events, _ = carried_out((step("a"),), {"a": lambda: sleeper(1)}, stop_at=0.0)
    assert states(report) == {"a": State.WAITING}
    assert report.exit_code is ExitCode.INTERRUPTED
    assert [type(event) for event in events] == [RunStopping]


# Under a lock

ME = Holder(owner="ann", host="desk", pid=7, session="mine")
HOLD = Hold(run="r1", words="restart --all", holder=ME, started=1000.0, beat=1000.0)


class Life:
    """A run under its lock; its steps are procedures in custody."""

    def __init__(self, **procedures: Callable[[], Procedure]) -> None:
        self.desk, self.notes = Desk(), Notes()
        self.procedures = procedures
        self.events: list[Event] = []
        self.stop_at = float("inf")
        self.steps = tuple(
            Step(id=name, kind=StepKind.REMOVE, site="far", unit=CLIENT) for name in procedures
        )
        lock = self.desk.configs.put(LOCK, *to_labels(HOLD, self.steps))
        keeper = Keeper("home", lock, HOLD, self.steps)
        whole = build.plan(build.unit_plan(CLIENT), steps=self.steps)
        self.custodian = Custodian(whole, keeper, self.notes, lambda: 5000.0 + self.desk.time)

    def carried_out(self) -> RunReport:
        return run_plan(
            build.plan(build.unit_plan(CLIENT), steps=self.steps),
            self.desk,
            lambda s: in_custody(self.procedures[s.id]()),
            self.events.append,
            lambda: self.desk.time >= self.stop_at,
            custodian=self.custodian,
        )

    def kinds(self) -> list[tuple[float, str]]:
        return [(at, type(effect).__name__) for at, effect in self.desk.submitted]


def test_a_mutation_is_sent_after_its_intent_and_a_fresh_write_to_the_lock() -> None:
    life = Life(a=removing)
    report = life.carried_out()
    assert report.exit_code is ExitCode.DONE, report
    assert [name for _, name in life.kinds()] == ["WriteAudit", "UpdateConfig", "RemoveServices"]
    assert [kind for kind, _, _ in life.notes.told()] == ["step", "intended", "observed", "step"]
    (sent,) = life.desk.sent(RemoveServices)
    assert sent.not_after == FRESH_SECONDS


def test_the_lock_is_kept_alive_while_steps_wait() -> None:
    life = Life(a=lambda: sleeper(12))
    life.carried_out()
    assert life.kinds() == [(0.0, "UpdateConfig"), (5.0, "UpdateConfig"), (10.0, "UpdateConfig")]


def test_a_journal_that_is_full_stops_the_step_not_the_lock() -> None:
    life = Life(a=removing, b=lambda: sleeper(7))
    life.notes.full = lambda entry: entry.kind is EntryKind.INTENDED
    report = life.carried_out()
    assert states(report) == {"a": State.FAILED, "b": State.DONE}
    assert report.problems == (FULL,)
    assert {name for _, name in life.kinds()} == {"UpdateConfig"}


def stolen(life: Life) -> None:
    other = replace(HOLD, holder=replace(ME, owner="bob", session="his"))
    life.desk.configs.put(LOCK, *to_labels(other, life.steps))


def test_a_lost_lock_stops_everything_and_is_told() -> None:
    def waiting() -> Procedure:
        yield from ask_sleep(60)
        return (yield from removing())

    life = Life(a=waiting, b=lambda: sleeper(100))
    life.desk.configs.faults = [happens, meanwhile(lambda _: stolen(life))]
    report = life.carried_out()
    assert states(report) == {"a": State.STOPPED, "b": State.STOPPED}
    assert [problem.code for problem in report.beyond] == ["lock.lost"]
    assert report.exit_code is ExitCode.LOCK_HELD
    assert report.interrupted
    assert life.desk.sent(RemoveServices) == []
    assert life.desk.time < 10.0


def test_who_waits_for_a_proof_when_the_lock_is_lost_fails_with_that() -> None:
    life = Life(a=removing)
    life.desk.configs.faults = [meanwhile(lambda _: stolen(life))]
    report = life.carried_out()
    assert states(report) == {"a": State.FAILED}
    assert [problem.code for problem in report.problems] == ["lock.lost"]
    assert life.desk.sent(RemoveServices) == []


def test_a_proof_for_a_step_that_was_left_goes_nowhere() -> None:
    life = Life(a=removing)
    life.stop_at = 0.5
    life.desk.seconds = lambda effect: 0.5 if isinstance(effect, WriteAudit) else 1.5
    report = life.carried_out()
    assert states(report) == {"a": State.STOPPED}
    assert life.desk.sent(RemoveServices) == []
    assert life.custodian.keeper.lock == life.desk.configs.kept[LOCK], "its last write is known"


def test_nonsense_for_the_lock_is_met_at_once() -> None:
    life = Life(a=removing)
    life.desk.configs = Nonsense()
    with pytest.raises(TypeError, match="the lock was answered with str"):
        life.carried_out()


class Nonsense(Configs):
    def perform(self, _effect: ConfigEffect, _now: float = 0.0) -> ConfigAnswer:
        return "nonsense"  # type: ignore[return-value]  # that is the point


# Stopping in the middle


def test_an_effect_under_way_is_awaited_and_written_down() -> None:
    life = Life(a=removing)
    life.desk.seconds = lambda effect: 8.0 if isinstance(effect, RemoveServices) else 1.0
    life.stop_at = 2.0
    report = life.carried_out()
    assert states(report) == {"a": State.DONE}
    assert "observed" in [kind for kind, _, _ in life.notes.told()]
    assert life.desk.time == 9.0


def test_after_it_nothing_more_is_begun() -> None:
    def twice() -> Procedure:
        yield from removing()
        return (yield from removing())

    life = Life(a=twice)
    life.desk.seconds = lambda effect: 4.0 if isinstance(effect, RemoveServices) else 1.0
    life.stop_at = 2.0
    report = life.carried_out()
    assert states(report) == {"a": State.STOPPED}
    assert len(life.desk.sent(RemoveServices)) == 1
    assert [kind for kind, _, _ in life.notes.told()].count("intended") == 1


def test_what_takes_too_long_is_not_awaited() -> None:
    life = Life(a=removing)
    life.desk.seconds = lambda effect: 60.0 if isinstance(effect, RemoveServices) else 1.0
    life.stop_at = 2.0
    report = life.carried_out()
    assert states(report) == {"a": State.STOPPED}
    # It sees at the next heartbeat that it is to stop; a signal would have woken it.
    assert life.desk.time == 15.0


def test_what_comes_after_it_was_left_is_let_go() -> None:
    life = Life(a=removing)
    seconds = {RemoveServices: 15.0, WriteAudit: 60.0}
    life.desk.seconds = lambda effect: seconds.get(type(effect), 1.0)
    life.stop_at = 2.0
    report = life.carried_out()
    assert states(report) == {"a": State.STOPPED}
    assert [kind for kind, _, _ in life.notes.told()] == ["step", "intended", "step"]
    assert life.desk.time == 17.0


def test_looks_and_pauses_of_steps_that_were_left_go_nowhere() -> None:
    """One step is still awaited; what the others had asked for comes in meanwhile."""

    def looking() -> Procedure:
        yield from ask_observe_all(("far", "home"))
        return Done()

    def late() -> Procedure:
        yield from ask_observe("far")
        return Done()

    life = Life(a=removing, b=looking, c=late, d=lambda: sleeper(3))
    life.desk.seconds = lambda effect: (
        6.0 if isinstance(effect, RemoveServices) else 2.5 if isinstance(effect, Observe) else 1.0
    )
    life.stop_at = 2.0
    report = life.carried_out()
    assert states(report) == {
        "a": State.DONE,
        "b": State.STOPPED,
        "c": State.STOPPED,
        "d": State.STOPPED,
    }


def test_audit_lines_are_given_a_moment_and_no_more() -> None:
    def ended(seconds: float) -> float:
        life = Life(a=removing)
        life.desk.seconds = lambda effect: seconds if isinstance(effect, WriteAudit) else 1.0
        return life.carried_out().ended

    assert [ended(1.5), ended(2.5), ended(60.0)] == [2.0, 2.5, 4.0]


def test_an_answer_that_comes_for_nobody_is_let_go() -> None:
    """Of an effect that an earlier loop on the same port did not wait for."""
    life = Life(a=lambda: sleeper(3))
    life.desk.submit(10**9, REMOVES)
    assert life.carried_out().finished


def test_a_run_without_waiting_needs_no_time() -> None:
    def at_once() -> Procedure:
        yield from ()
        return Done()

    report = Life(a=at_once).carried_out()
    assert (report.began, report.ended) == (0.0, 0.0)
