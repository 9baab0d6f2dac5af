"""The loop that carries out a plan: one thread that parks waiting procedures.

It knows steps, effects and time; it judges nothing. Live and simulated runs share it and
differ in the backend alone.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from orchestrator.engine.active import Active
from orchestrator.engine.custodian import Custodian
from orchestrator.engine.events import (
    Event,
    Listener,
    RunStopping,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.ports import Backend, new_token
from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State, schedule
from orchestrator.engine.sleepers import Sleepers
from orchestrator.errors import Problem
from orchestrator.planning.plan import Plan, Step
from orchestrator.procedures.effects import (
    CheckLock,
    ConfigAnswer,
    Done,
    Effect,
    Failed,
    Intend,
    Observe,
    ObserveAll,
    Outcome,
    Procedure,
    ReadLogs,
    Saw,
    Sleep,
    Tell,
    Written,
)

_STOP_SECONDS = 10.0
"""How long effects in flight are awaited once the run was asked to stop."""
_LAST_SECONDS = 2.0
"""How long audit lines under way are awaited at the end: they must never cost the run more."""


def run_plan(
    plan: Plan,
    backend: Backend,
    start: Callable[[Step], Procedure],
    listen: Listener,
    stop_asked: Callable[[], bool],
    *,
    custodian: Custodian | None = None,
    done: AbstractSet[str] = frozenset(),
) -> RunReport:
    """Carry out `plan`.

    Args:
        plan: what to do.
        backend: performs effects and keeps time.
        start: returns the procedure of a step.
        listen: is told what happens.
        stop_asked: asked after everything that happens; once true no step starts any more,
            effects in flight are awaited for a bounded time, and the rest is left as it is.
        custodian: the lock and the journal; without one nothing may be changed.
        done: ids of steps that an earlier life of this run finished.

    """
    run = _Run(
        plan,
        backend,
        start,
        listen=listen,
        stop_asked=stop_asked,
        custodian=custodian,
        done=done,
    )
    return run.carry_out()


class _Run:
    def __init__(
        self,
        plan: Plan,
        backend: Backend,
        start: Callable[[Step], Procedure],
        *,
        listen: Listener,
        stop_asked: Callable[[], bool],
        custodian: Custodian | None,
        done: AbstractSet[str],
    ) -> None:
        self._plan = plan
        self._backend = backend
        self._start = start
        self._listen = listen
        self._stop_asked = stop_asked
        self._by_id = {step.id: step for step in plan.steps}
        self._custodian = custodian
        self._states = {step.id: State.DONE for step in plan.steps if step.id in done}
        self._reports = {
            step.id: StepReport(step=step, state=State.DONE, words="done before")
            for step in plan.steps
            if step.id in done
        }
        self._active: dict[str, Active] = {}
        self._tokens: dict[int, tuple[str, ...]] = {}
        self._looking: dict[str, int] = {}
        self._wanting: dict[str, list[str]] = {}
        self._sleepers = Sleepers()
        self._lock_token: int | None = None
        self._audits: set[int] = set()
        self._stopping_since: float | None = None
        self._moved = True

    def carry_out(self) -> RunReport:
        began = self._backend.now()
        self._advance()
        while self._active and not self._given_up():
            self._keep_lock()
            happened = self._backend.wait(self._next_time())
            self._check_stop()
            if happened is not None:
                self._answer(*happened)
            self._wake()
            self._advance()
        self._leave_the_rest()
        self._await_the_last()
        return RunReport(
            steps=tuple(self._report(step) for step in self._plan.steps),
            began=began,
            ended=self._backend.now(),
            interrupted=self._stopping_since is not None,
            beyond=self._beyond(),
        )

    def _beyond(self) -> tuple[Problem, ...]:
        lost = self._custodian.keeper.lost if self._custodian is not None else None
        return () if lost is None else (lost,)

    def _say(self, event: Event) -> None:
        if self._custodian is not None:
            self._custodian.note(event)
        self._listen(event)

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
        self._say(StepStarted(at=now, step=step))
        self._active[step.id] = Active(step=step, procedure=self._start(step), started=now)
        self._resume(step.id, None)

    def _skip(self, name: str, because: str) -> None:
        step = self._by_id[name]
        self._states[name] = State.SKIPPED
        self._moved = True
        self._reports[name] = StepReport(step=step, state=State.SKIPPED, because=because)
        self._say(StepSkipped(at=self._backend.now(), step=step, because=because))

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
            if self._stopping_since is not None and not isinstance(effect, Tell | Saw):
                if isinstance(effect, ReadLogs):
                    # It has failed, and that is told all the same.
                    answer = Written()
                    continue
                self._stop(active)
                return
            known, answer = self._at_once(active, effect)
            if not known:
                self._dispatch(active, effect)
                return

    def _at_once(self, active: Active, effect: Effect) -> tuple[bool, object]:
        """Return whether an effect is answered without waiting, and the answer."""
        now = self._backend.now()
        if isinstance(effect, Tell):
            self._tell(active, effect)
            return True, None
        if isinstance(effect, Sleep) and effect.seconds <= 0:
            return True, now
        if isinstance(effect, CheckLock):
            holding = self._in_charge().keeper.ask(active.step.id, now)
            return holding is not None, holding
        if isinstance(effect, Intend):
            problem = self._in_charge().intend(active.step, effect.effect)
            if problem is None:
                self._audit(active.step, effect)
            return True, problem
        if isinstance(effect, Saw):
            return True, self._in_charge().saw(active.step, effect)
        return False, None

    def _in_charge(self) -> Custodian:
        if self._custodian is None:
            raise PermissionError("a run without lock and journal may change nothing")
        return self._custodian

    def _audit(self, step: Step, effect: Intend) -> None:
        audit = self._in_charge().audit_line(step, effect.effect)
        self._audits.add(self._submit(audit, ()))

    def _await_the_last(self) -> None:
        """Give audit lines and a write to the lock a moment, so that its version is known.

        What is not answered by then is not waited for.
        """
        until = self._backend.now() + _LAST_SECONDS
        while (self._audits or self._lock_token) and self._backend.now() < until:
            happened = self._backend.wait(until)
            if happened is not None:
                self._answer(*happened)

    def _keep_lock(self) -> None:
        """Send the lock's next write or read, if its time has come."""
        if self._custodian is None or self._lock_token is not None:
            return
        effect = self._custodian.next_for_lock(self._backend.now())
        if effect is not None:
            self._lock_token = self._submit(effect, ())

    def _lock_answered(self, answer: object) -> None:
        self._lock_token = None
        if not isinstance(answer, ConfigAnswer):
            raise TypeError(f"the lock was answered with {type(answer).__name__}")
        told = self._in_charge().keeper.answered(answer, self._backend.now())
        for name, holding in told.items():
            if name in self._active:
                self._resume(name, holding)

    def _dispatch(self, active: Active, effect: Effect) -> None:
        name = active.step.id
        if isinstance(effect, Sleep):
            self._sleepers.add(self._backend.now() + effect.seconds, name)
        elif isinstance(effect, Observe | ObserveAll):
            sites = effect.sites if isinstance(effect, ObserveAll) else (effect.site,)
            active.wanted, active.looks = tuple(dict.fromkeys(sites)), {}
            for site in active.wanted:
                self._want_look(site, name)
        elif not isinstance(effect, CheckLock):
            self._submit(effect, (name,))

    def _submit(self, effect: Effect, waiters: tuple[str, ...]) -> int:
        token = new_token()
        self._tokens[token] = waiters
        self._backend.submit(token, effect)
        return token

    def _want_look(self, site: str, name: str) -> None:
        """Share looks: all that ask while one is under way get the next one, which is fresh."""
        if site in self._looking:
            self._wanting.setdefault(site, []).append(name)
        else:
            self._looking[site] = self._submit(Observe(site=site), (name,))

    def _answer(self, token: int, answer: object) -> None:
        waiters = self._tokens.pop(token, ())
        self._audits.discard(token)
        if token == self._lock_token:
            self._lock_answered(answer)
            return
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

    def _give_look(self, active: Active, site: str, look: object) -> None:
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
        for name in self._sleepers.due(now):
            if name in self._active:
                self._resume(name, now)

    def _tell(self, active: Active, effect: Tell) -> None:
        self._say(
            StepWaits(
                at=self._backend.now(),
                step=active.step,
                waiting_for=effect.waiting_for,
                items=effect.items,
                deadline=effect.deadline,
            )
        )

    def _end(self, active: Active, outcome: Outcome) -> None:
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
            self._say(StepFailed(at=now, step=step, problems=outcome.problems, seconds=seconds))
        else:
            self._say(StepDone(at=now, step=step, words=outcome.words, seconds=seconds))

    def _check_stop(self) -> None:
        if self._stopping_since is None and (self._stop_asked() or self._beyond()):
            self._stopping_since = self._backend.now()
            self._say(RunStopping(at=self._stopping_since))
            for active in list(self._active.values()):
                if isinstance(active.effect, Sleep | Observe | ObserveAll | CheckLock):
                    self._stop(active)

    def _stop(self, active: Active) -> None:
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
        self._say(StepStopped(at=now, step=active.step, words=words))

    def _given_up(self) -> bool:
        since = self._stopping_since
        # The same sum as in _next_time: the difference may round to just below the bound.
        return since is not None and self._backend.now() >= since + _STOP_SECONDS

    def _leave_the_rest(self) -> None:
        for active in list(self._active.values()):
            self._stop(active)

    def _next_time(self) -> float | None:
        times = list(self._sleepers.next())
        if self._stopping_since is not None:
            times.append(self._stopping_since + _STOP_SECONDS)
        if self._custodian is not None and self._custodian.keeper.due is not None:
            times.append(self._custodian.keeper.due)
        return min(times, default=None)
