"""Waiting for the lock to be free before a plan is made."""

from orchestrator.cli.meeting import Found, find_run, held, holding_of
from orchestrator.cli.wiring import World
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.report import RunEnd
from orchestrator.errors import FleetError, RefusedError
from orchestrator.procedures.asking import ask_sleep
from orchestrator.words.phrases import limit

_PAUSE_SECONDS = 2.0


class Queue:
    """Stands in line for the lock, for as long as was asked for, over all of a command."""

    def __init__(self, world: World, wait_seconds: float) -> None:
        self._world = world
        self._until = world.backend.now() + wait_seconds
        self._seconds = wait_seconds
        self._told = ""

    @property
    def time_is_left(self) -> bool:
        """Whether it may go on waiting."""
        return self._world.backend.now() < self._until

    def wait(self) -> None:
        """Return once nobody holds the lock.

        A coordinator that cannot be asked is not waited for: the plan that follows says so.

        Raises:
            RefusedError: somebody holds it (exit code 10), and the time is up.

        """
        began = self._world.backend.now()
        waited = False
        while (found := self._found()) is not None:
            if not self.time_is_left:
                raise RefusedError(held(holding_of(self._world, found), may_wait=True))
            self._tell(found)
            waited = True
            left = self._until - self._world.backend.now()
            carry_alone(self._world.backend, ask_sleep(min(_PAUSE_SECONDS, left)))
        if waited:
            seconds = limit(self._world.backend.now() - began)
            self._world.talk.say(f"the lock is free, after {seconds} of waiting")

    def lost(self, end: RunEnd) -> bool:
        """Whether a run did not come about because another took the lock first, and may wait."""
        before = end.report is None and any(p.code == "lock.held" for p in end.problems)
        return before and self.time_is_left

    def _found(self) -> Found | None:
        try:
            return find_run(self._world)
        except FleetError:
            return None

    def _tell(self, found: Found) -> None:
        """Say who holds it once, and again when that changes."""
        holding = holding_of(self._world, found)
        state = f"{found.hold.run} {holding.life.value}"
        if state != self._told:
            self._told = state
            self._world.talk.met(holding)
            self._world.talk.say(f"waiting for the lock, at most {limit(self._seconds)}")
