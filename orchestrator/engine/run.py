"""The loop that carries out a plan: one thread that parks waiting procedures.

It knows steps, effects and time; it judges nothing. Live and simulated runs share it and
differ in the backend alone.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.engine.events import (
    Listener,
    RunStopping,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.ports import Backend
from orchestrator.engine.schedule import State, schedule
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.planning.plan import Plan, Step
from orchestrator.procedures.effects import (
    Done,
    Effect,
    Failed,
    Observe,
    ObserveAll,
    Outcome,
    Procedure,
    Sleep,
    Tell,
)

_STOP_SECONDS = 10.0
"""How long effects in flight are awaited once the run was asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How a step ended. `because` names the failed step a skipped one is owed to."""

    step: Step
    state: State
    started: float | None = None
    ended: float | None = None
    words: str = ""
    problems: tuple[Problem, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended, step by step. Times are seconds on the backend's clock."""

    steps: tuple[StepReport, ...]
    began: float
    ended: float
    interrupted: bool

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem of every step, in the plan's order."""
        return tuple(problem for report in self.steps for problem in report.problems)

    @property
    def exit_code(self) -> ExitCode:
        """The code of the worst problem, INTERRUPTED when the run was stopped."""
        if self.problems:
            return worst(self.problems)
        return ExitCode.INTERRUPTED if self.interrupted else ExitCode.DONE


@dataclass(slots=True, kw_only=True)
class _Active:
    """A procedure under way: what it waits for, and what it has been told so far."""

    step: Step
    procedure: Procedure
    started: float
    effect: Effect | None = None
    wanted: tuple[str, ...] = ()
    looks: dict[str, object] = field(default_factory=dict)


def run_plan(
    plan: Plan,
    backend: Backend,
    start: Callable[[Step], Procedure],
    listen: Listener,
    stop_asked: Callable[[], bool],
) -> RunReport:
    """Carry out `plan`.

    Args:
        plan: what to do.
        backend: performs effects and keeps time.
        start: returns the procedure of a step.
        listen: is told what happens.
        stop_asked: asked after everything that happens; once true no step starts any more,
            effects in flight are awaited for a bounded time, and the rest is left as it is.

    """
    return _Run(plan, backend, start, listen, stop_asked).carry_out()


class _Run:
    def __init__(
        self,
        plan: Plan,
        backend: Backend,
        start: Callable[[Step], Procedure],
        listen: Listener,
        stop_asked: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._backend = backend
        self._start = start
        self._listen = listen
        self._stop_asked = stop_asked
        self._by_id = {step.id: step for step in plan.steps}
        self._states: dict[str, State] = {}
        self._reports: dict[str, StepReport] = {}
        self._active: dict[str, _Active] = {}
        self._tokens: dict[int, tuple[str, ...]] = {}
        self._looking: dict[str, int] = {}
        self._wanting: dict[str, list[str]] = {}
        self._sleepers: list[tuple[float, int, str]] = []
        self._count = 0
        self._stopping_since: float | None = None
        self._moved = True

    def carry_out(self) -> RunReport:
        began = self._backend.now()
        self._advance()
        while self._active and not self._given_up():
            self._check_stop()
            happened = self._backend.wait(self._next_time())
            if happened is not None:
                self._answer(*happened)
            self._wake()
            self._advance()
        self._leave_the_rest()
        return RunReport(
            steps=tuple(self._report(step) for step in self._plan.steps),
            began=began,
            ended=self._backend.now(),
            interrupted=self._stopping_since is not None,
        )

    def _report(self, step: Step) -> StepReport:
        return self._reports.get(step.id, StepReport(step=step, state=State.WAITING))

    def _advance(self) -> None:
        """Start and skip until nothing more changes: a gate ends the moment it starts."""
        self._check_stop()
        while self._moved:
            self._moved = False
            causes = {r.step.id: r.because for r in self._reports.values() if r.because}
            stopping = self._stopping_since is not None
            decision = schedule(self._plan.steps, self._states, causes, stopping=stopping)
            for skip in decision.skip:
                self._skip(skip.step, skip.because)
            for name in decision.start:
                self._begin(self._by_id[name])

    def _begin(self, step: Step) -> None:
        now = self._backend.now()
        self._states[step.id] = State.RUNNING
        self._listen(StepStarted(at=now, step=step))
        self._active[step.id] = _Active(step=step, procedure=self._start(step), started=now)
        self._resume(step.id, None)

    def _skip(self, name: str, because: str) -> None:
        step = self._by_id[name]
        self._states[name] = State.SKIPPED
        self._moved = True
        self._reports[name] = StepReport(step=step, state=State.SKIPPED, because=because)
        self._listen(StepSkipped(at=self._backend.now(), step=step, because=because))

    def _resume(self, name: str, answer: object) -> None:
        """Send an answer to a procedure and carry on until it has to wait."""
        active = self._active[name]
        while True:
            try:
                effect = active.procedure.send(answer)
            except StopIteration as end:
                self._end(active, end.value)
                return
            active.effect = effect
            if self._stopping_since is not None and not isinstance(effect, Tell):
                self._stop(active)
                return
            if isinstance(effect, Tell):
                self._tell(active, effect)
                answer = None
            elif isinstance(effect, Sleep) and effect.seconds <= 0:
                answer = self._backend.now()
            else:
                self._dispatch(active, effect)
                return

    def _dispatch(self, active: _Active, effect: Effect) -> None:
        name = active.step.id
        if isinstance(effect, Sleep):
            self._count += 1
            heapq.heappush(
                self._sleepers, (self._backend.now() + effect.seconds, self._count, name)
            )
        elif isinstance(effect, Observe | ObserveAll):
            sites = effect.sites if isinstance(effect, ObserveAll) else (effect.site,)
            active.wanted, active.looks = tuple(dict.fromkeys(sites)), {}
            for site in active.wanted:
                self._want_look(site, name)
        else:
            self._submit(effect, (name,))

    def _submit(self, effect: Effect, waiters: tuple[str, ...]) -> int:
        self._count += 1
        self._tokens[self._count] = waiters
        self._backend.submit(self._count, effect)
        return self._count

    def _want_look(self, site: str, name: str) -> None:
        """Share looks: all that ask while one is under way get the next one, which is fresh."""
        if site in self._looking:
            self._wanting.setdefault(site, []).append(name)
        else:
            self._looking[site] = self._submit(Observe(site=site), (name,))

    def _answer(self, token: int, answer: object) -> None:
        waiters = self._tokens.pop(token, ())
        site = next((s for s, look in self._looking.items() if look == token), None)
        if site is None:
            for name in waiters:
                if name in self._active:
                    self._resume(name, answer)
            return
        del self._looking[site]
        if later := self._wanting.pop(site, []):
            self._looking[site] = self._submit(Observe(site=site), tuple(later))
        for name in waiters:
            if name in self._active:
                self._give_look(self._active[name], site, answer)

    def _give_look(self, active: _Active, site: str, look: object) -> None:
        active.looks[site] = look
        if any(wanted not in active.looks for wanted in active.wanted):
            return
        if isinstance(active.effect, ObserveAll):
            answer: object = tuple(active.looks[wanted] for wanted in active.effect.sites)
        else:
            answer = look
        self._resume(active.step.id, answer)

    def _wake(self) -> None:
        now = self._backend.now()
        while self._sleepers and self._sleepers[0][0] <= now:
            _, _, name = heapq.heappop(self._sleepers)
            if name in self._active:
                self._resume(name, now)

    def _tell(self, active: _Active, effect: Tell) -> None:
        self._listen(
            StepWaits(
                at=self._backend.now(),
                step=active.step,
                waiting_for=effect.waiting_for,
                items=effect.items,
                deadline=effect.deadline,
            )
        )

    def _end(self, active: _Active, outcome: Outcome) -> None:
        now = self._backend.now()
        step = active.step
        del self._active[step.id]
        failed = isinstance(outcome, Failed)
        self._states[step.id] = State.FAILED if failed else State.DONE
        self._moved = True
        self._reports[step.id] = StepReport(
            step=step,
            state=self._states[step.id],
            started=active.started,
            ended=now,
            words=outcome.words if isinstance(outcome, Done) else "",
            problems=outcome.problems if isinstance(outcome, Failed) else (),
        )
        seconds = now - active.started
        if isinstance(outcome, Failed):
            self._listen(StepFailed(at=now, step=step, problems=outcome.problems, seconds=seconds))
        else:
            self._listen(StepDone(at=now, step=step, words=outcome.words, seconds=seconds))

    def _check_stop(self) -> None:
        if self._stopping_since is None and self._stop_asked():
            self._stopping_since = self._backend.now()
            self._listen(RunStopping(at=self._stopping_since))
            for active in list(self._active.values()):
                if isinstance(active.effect, Sleep | Observe | ObserveAll):
                    self._stop(active)

    def _stop(self, active: _Active) -> None:
        """Leave a procedure where it stands: between two effects, nothing is half done by us."""
        now = self._backend.now()
        active.procedure.close()
        del self._active[active.step.id]
        words = "left in the middle"
        self._states[active.step.id] = State.STOPPED
        self._moved = True
        self._reports[active.step.id] = StepReport(
            step=active.step, state=State.STOPPED, started=active.started, ended=now, words=words
        )
        self._listen(StepStopped(at=now, step=active.step, words=words))

    def _given_up(self) -> bool:
        since = self._stopping_since
        return since is not None and self._backend.now() - since >= _STOP_SECONDS

    def _leave_the_rest(self) -> None:
        for active in list(self._active.values()):
            self._stop(active)

    def _next_time(self) -> float | None:
        times = [self._sleepers[0][0]] if self._sleepers else []
        if self._stopping_since is not None:
            times.append(self._stopping_since + _STOP_SECONDS)
        return min(times, default=None)
