"""Several operators on one fleet: plain blocking code, taking turns on one virtual clock.

    operators = Operators(fleet)
    first = operators.start("first", lambda backend: restart(backend))
    second = operators.start("second", lambda backend: restart(backend), at=2.0)
    first.kill(at=7.5)
    operators.run()

Each runs in a greenlet of its own and gives way where its backend waits. So there is no chance
in it: the same calls on a fleet of the same seed give the same happenings. Whoever leaves
somebody waiting, by `run(until=...)`, has to `close` it in the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet

from orchestrator.procedures.effects import Effect
from orchestrator.simulation.backend import Killed, SimulatedBackend, SimulationStalledError
from orchestrator.simulation.clock import EPOCH_SECONDS, VirtualClock
from orchestrator.simulation.fleet import SimulatedFleet

T = TypeVar("T")


@dataclass(slots=True)
class WallClock:
    """What one operator's machine believes the time is; it can be wrong, and jump."""

    clock: VirtualClock
    ahead: float = 0.0
    jumps: list[tuple[float, float]] = field(default_factory=list)

    def jump(self, at: float, seconds: float) -> None:
        """Let it be set forward (or, if negative, back) at `at` seconds of virtual time."""
        self.jumps.append((at, seconds))

    def wall(self) -> float:
        """Return seconds since 1970, as this machine has it."""
        now = self.clock.now
        jumped = sum(seconds for at, seconds in self.jumps if at <= now)
        return EPOCH_SECONDS + now + self.ahead + jumped


class _TakingTurns(SimulatedBackend):
    """A backend that gives way to other operators, and can be stopped at any of its calls."""

    def __init__(self, fleet: SimulatedFleet, own: "Operator[Any]") -> None:
        super().__init__(fleet, operator=own.name)
        self._own = own

    def submit(self, token: int, effect: Effect) -> None:
        if self.dead:
            return
        self._own.sends(effect)
        super().submit(token, effect)
        self._own.has_sent()

    def wait(self, until: float | None) -> tuple[int, object] | None:
        news = super().wait(until)
        if news is not None:
            self._own.is_answered()
        return news

    def idle(self, until: float | None) -> None:
        self._own.give_way(until)


class Operator(Generic[T]):
    """One process of dtdeploy on one machine: how it is doing, and what befalls it.

    `result` is what its work returned, `error` what it raised. `sent` is every effect that it
    submitted, in order, `answers` how many answers it was given: the points to kill it at. Once
    `killed` it has neither result nor error.
    """

    def __init__(
        self, turns: "Operators", name: str, work: Callable[[SimulatedBackend], T], at: float
    ) -> None:
        self.name = name
        self.result: T | None = None
        self.error: Exception | None = None
        self.over = False
        self.killed = False
        self.ended: float | None = None
        self.sent: list[Effect] = []
        self.answers = 0
        self.until: float | None = at
        self.backend = _TakingTurns(turns.fleet, self)
        self._turns = turns
        self._clock = turns.fleet.clock
        self._others = getcurrent()
        self._greenlet = greenlet(lambda: self._live(work))
        self._halted_until = 0.0
        self._dies_at_submit = self._dies_after_submit = self._dies_at_answer = 0
        self._halts_at_submit: dict[int, float] = {}

    def kill(self, at: float) -> None:
        """SIGKILL at `at`: it does nothing from then on; what is under way at sites goes on."""
        self._clock.at(at, self.die)

    def kill_at_submit(self, number: int, *, sent: bool = False) -> None:
        """Kill it as it submits its effect of this number, from 1: before it is sent, or right
        after.
        """
        if sent:
            self._dies_after_submit = number
        else:
            self._dies_at_submit = number

    def kill_at_answer(self, number: int) -> None:
        """Kill it when it is given the answer of this number, from 1, before it can use it."""
        self._dies_at_answer = number

    def pause(self, at: float, for_seconds: float) -> None:
        """SIGSTOP at `at`, SIGCONT `for_seconds` later: answers wait, its clocks go on."""
        self._clock.at(at, self._halt, for_seconds)

    def pause_at_submit(self, number: int, for_seconds: float) -> None:
        """Let it stand still between asking for its effect of this number and sending it."""
        self._halts_at_submit[number] = for_seconds

    def outcome(self) -> T:
        """Return what its work returned, or raise what it raised; it must be over."""
        if self.error is not None:
            raise self.error
        if not self.over or self.killed:
            raise AssertionError(f"{self.name} has no result: killed={self.killed}")
        return self.result  # type: ignore[return-value]  # set when it is over, alive and well

    # What follows is for the backend and for Operators alone.

    def sends(self, effect: Effect) -> None:
        self.sent.append(effect)
        if len(self.sent) == self._dies_at_submit:
            self.die()
        seconds = self._halts_at_submit.pop(len(self.sent), 0.0)
        if seconds:
            self._halt(seconds)
            self.give_way(self._clock.now)

    def has_sent(self) -> None:
        if len(self.sent) == self._dies_after_submit:
            self.die()

    def is_answered(self) -> None:
        self.answers += 1
        if self.answers == self._dies_at_answer:
            self.die()

    @property
    def awake(self) -> bool:
        return not (self.over or self.backend.halted)

    def may_go_on(self) -> bool:
        come = self.until is not None and self.until <= self._clock.now
        return (come or self.backend.news) and self.awake

    def go_on(self) -> None:
        self._others = getcurrent()
        if self._greenlet.parent is not self._others:
            self._greenlet.parent = self._others
        self._greenlet.switch()

    def give_way(self, until: float | None) -> None:
        if getcurrent() is not self._greenlet:
            raise RuntimeError(f"only the work of {self.name} may wait for it")
        self.until = until
        self._others.switch()

    def _live(self, work: Callable[[SimulatedBackend], T]) -> None:
        try:
            result = work(self.backend)
            if not self.killed:
                self.result = result
        except Killed:
            self._note_death()
        except Exception as error:  # noqa: BLE001 - whoever asks for the result is to meet it
            self.error = None if self.killed else error
        finally:
            self.over = self._turns.changed = True
            self.ended = self._clock.now

    def _note_death(self) -> None:
        self.killed = True
        self.backend.die()

    def die(self) -> None:
        if self.over:
            return
        self._note_death()
        self._turns.changed = True
        if getcurrent() is self._greenlet:
            raise Killed(self.name)
        if self._greenlet:
            self._greenlet.parent = getcurrent()
            self._greenlet.throw(Killed(self.name))
        self.over = True

    def _halt(self, seconds: float) -> None:
        self.backend.halted = self._turns.changed = True
        self._halted_until = max(self._halted_until, self._clock.now + seconds)
        self._clock.at(self._halted_until, self._continue)

    def _continue(self) -> None:
        if self._clock.now >= self._halted_until:
            self.backend.halted = False
            self._turns.changed = True


class Operators:
    """Runs several operators' blocking code interleaved, on the fleet's clock."""

    def __init__(self, fleet: SimulatedFleet) -> None:
        self.fleet = fleet
        self.changed = False
        """Whether somebody was started, killed, stopped or continued since it was looked at."""
        self._all: list[Operator[Any]] = []

    def start(
        self, name: str, work: Callable[[SimulatedBackend], T], at: float = 0.0
    ) -> Operator[T]:
        """Begin `work` at `at` seconds of virtual time, with a backend of its own.

        Happenings that it causes carry `name`. May be called while others run.
        """
        if any(name == other.name for other in self._all):
            raise ValueError(f"there is an operator {name} already")
        operator = Operator(self, name, work, at)
        self._all.append(operator)
        self.changed = True
        return operator

    def run(self, until: float | None = None) -> None:
        """Let them run until all are over, or until `until`; may be called again.

        Raises:
            SimulationStalledError: somebody waits for what nothing will bring about.

        """
        while not self._all_done(until):
            self._let_run([op for op in self._all if op.awake], until)

    def close(self) -> None:
        """Kill who is left: what a greenlet holds is never collected while it waits."""
        for operator in self._all:
            operator.die()

    def _all_done(self, until: float | None) -> bool:
        come = until is not None and self.fleet.clock.now >= until
        return come or all(operator.over for operator in self._all)

    def _let_run(self, awake: list[Operator[Any]], until: float | None) -> None:
        """Let them take turns until `until`, or until others than these are awake."""
        self.changed = False
        for operator in awake:
            if operator.may_go_on():
                operator.go_on()
        while not self.changed and not (until is not None and self.fleet.clock.now >= until):
            ends = [until, *(operator.until for operator in awake)]
            known = [end for end in ends if end is not None]
            self._let_time_pass(awake, min(known) if known else None)
            for operator in awake:
                if operator.may_go_on():
                    operator.go_on()

    def _let_time_pass(self, awake: list[Operator[Any]], end: float | None) -> None:
        """Let time pass until there are news for anybody, or until `end`."""
        clock = self.fleet.clock
        backends = [operator.backend for operator in awake]
        while not self.changed:
            for backend in backends:
                if backend.news:
                    return
            due = clock.next_time()
            if end is not None and (due is None or due > end):
                clock.run_until(end)
                return
            if due is None:
                raise SimulationStalledError("everybody waits for what nothing will bring about")
            clock.step()
