"""What the engine needs of the world: somewhere to send effects, and a clock that can wait.

Two real implementations stand behind it: `engine.pool.ThreadedBackend` (threads over the live
performer) and `simulation.backend.SimulatedBackend` (virtual time, one thread).
"""

from itertools import count
from typing import Protocol

from orchestrator.procedures.effects import Effect

_TOKENS = count(1)


def new_token() -> int:
    """Return a token that no effect had before: a late answer must never meet another's asker."""
    return next(_TOKENS)


class Backend(Protocol):
    """Performs effects side by side and tells when they are done."""

    def now(self) -> float:
        """Return the observer's clock, in seconds; it never goes back."""
        ...

    def submit(self, token: int, effect: Effect) -> None:
        """Start performing `effect`; its answer comes out of `wait` under `token`.

        Never given Sleep, Tell, ObserveAll, CheckLock, Intend or Saw: the engine's own.
        """
        ...

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Block until an answer is there, or until `until` (None: for ever).

        Returns:
            (token, answer), or None when the time came first or `wake` was called.

        """
        ...
