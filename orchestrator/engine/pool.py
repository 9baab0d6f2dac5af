"""Effects performed by a bounded pool of threads; answers come back to the one loop."""

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from orchestrator.procedures.effects import Effect


class Performer(Protocol):
    """Performs one effect, blocking; safe to call from several threads."""

    def perform(self, effect: Effect) -> object:
        """Return the effect's answer; expected failures are answers, not exceptions."""
        ...


class ThreadedBackend:
    """The engine's world: a performer behind a pool, and a monotonic clock.

    `wake` may be called from a signal handler: it makes `wait` return at once.
    """

    def __init__(self, performer: Performer, clock: Callable[[], float], *, workers: int) -> None:
        self._performer = performer
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="effect")
        # SimpleQueue.put is reentrant, which a signal handler needs.
        self._answers: queue.SimpleQueue[tuple[int, Future[object]] | None] = queue.SimpleQueue()

    def now(self) -> float:
        """Return the clock, in seconds."""
        return self._clock()

    def submit(self, token: int, effect: Effect) -> None:
        """Hand an effect to the pool."""
        future = self._pool.submit(self._performer.perform, effect)
        future.add_done_callback(lambda done: self._answers.put((token, done)))

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Return the next answer, or None at `until`. A bug in a performer is raised here."""
        timeout = None if until is None else max(0.0, until - self._clock())
        try:
            item = self._answers.get(timeout=timeout)
        except queue.Empty:
            return None
        return None if item is None else (item[0], item[1].result())

    def wake(self) -> None:
        """Make a waiting loop look round at once."""
        self._answers.put(None)

    def close(self) -> None:
        """Start nothing more; threads still in an effect are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
