"""Virtual time that passes as real time does, for those who want to watch a rehearsal."""

from collections.abc import Callable

from orchestrator.procedures.effects import Effect
from orchestrator.simulation.backend import SimulatedBackend

_STRETCH = 0.2
"""So many seconds are slept at once: to be woken is noticed in between."""


class PacedBackend:
    """A simulated backend that takes its time.

    Args:
        backend: decides what happens, and when.
        sleep: lets so many seconds pass.

    """

    def __init__(self, backend: SimulatedBackend, sleep: Callable[[float], None]) -> None:
        self._backend = backend
        self._sleep = sleep

    def now(self) -> float:
        """Return virtual time in seconds."""
        return self._backend.now()

    def submit(self, token: int, effect: Effect) -> None:
        """Send an effect on its way."""
        self._backend.submit(token, effect)

    def wake(self) -> None:
        """Make a `wait` that goes on return None."""
        self._backend.wake()

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Let time pass until an answer is there, or until `until`."""
        began = self._backend.now()
        answer = self._backend.wait(until)
        left = self._backend.now() - began
        while left > 0:
            self._sleep(min(left, _STRETCH))
            left -= _STRETCH
        return answer
