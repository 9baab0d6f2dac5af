"""Effects performed by a bounded pool of threads; answers come back to the one loop."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import structlog

from orchestrator.engine.deadlines import longest_seconds, unanswered, words_of
from orchestrator.engine.gather import LostAnswerError
from orchestrator.procedures.effects import Effect

_GLANCE_SECONDS = 1.0
"""So often a waiting loop sees whether an effect is overdue: none knows when it will begin."""
_ASLEEP_SECONDS = 3.0
"""A loop that was not heard of for longer was stopped (SIGSTOP, a laptop's lid, a stuck disk)."""

log = structlog.get_logger()


class Performer(Protocol):
    """Performs one effect, blocking; safe to call from several threads."""

    def perform(self, effect: Effect) -> object:
        """Return the effect's answer; expected failures are answers, not exceptions."""
        ...

    def give_up(self, effect: Effect) -> None:
        """Be told that nobody waits for `effect` any more, and that its thread is lost.

        What it may hold must not stop those that follow. Never blocks.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An effect that has not been answered; `since` is when a thread began it, None: not yet."""

    effect: Effect
    since: float | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    token: int
    effect: Effect
    answer: Future[object]


class ThreadedBackend:
    """The engine's world: a performer behind a pool, and a monotonic clock.

    Every effect is answered within `longest` seconds of its beginning: what is not is given up,
    its thread is written off and replaced, and an answer that still comes is let go. Time in
    which the whole process was stopped does not count: no answer could come.

    `wake` may be called from a signal handler: it makes `wait` return at once.
    """

    def __init__(
        self,
        performer: Performer,
        clock: Callable[[], float],
        *,
        workers: int,
        longest: Callable[[Effect], float] = longest_seconds,
    ) -> None:
        self._performer = performer
        self._clock = clock
        self._longest = longest
        self._most = workers
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._closed = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._under_way: dict[int, Effect] = {}
        self._since: dict[int, tuple[float, float]] = {}
        self._seen = clock()
        self._awake = 0.0
        # SimpleQueue.put is reentrant, which a signal handler needs.
        self._answers: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    def now(self) -> float:
        """Return the clock, in seconds."""
        return self._clock()

    def under_way(self) -> tuple[UnderWay, ...]:
        """Return what has not been answered yet; may be asked from any thread."""
        return tuple(
            UnderWay(effect=effect, since=self._since.get(token, (None,))[0])
            for token, effect in list(self._under_way.items())
        )

    def submit(self, token: int, effect: Effect) -> None:
        """Hand an effect to the pool."""
        self._under_way[token] = effect
        self._jobs.put(_Job(token, effect, Future()))
        if not self._idle.acquire(blocking=False) and self._threads < self._most:
            self._start_thread()

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Return the next answer, or None at `until`. A bug in a performer is raised here.

        Raises:
            LostAnswerError: it would wait for ever, since nothing is under way.

        """
        while True:
            try:
                if self._answers.empty() and (given_up := self._overdue()):
                    return given_up
                job = self._answers.get(timeout=self._patience(until))
            except queue.Empty:
                if until is not None and self._clock() >= until:
                    return None
                if until is None and not self._under_way:
                    raise LostAnswerError("nothing is under way to wait for") from None
                continue
            if job is None:
                return None
            # One that comes in the very moment it is given up is let go.
            if job.token in self._under_way:  # pragma: no branch - no test meets that moment
                self._forget(job.token)
                return job.token, job.answer.result()

    def wake(self) -> None:
        """Make a waiting loop look round at once."""
        self._answers.put(None)

    def close(self) -> None:
        """Start nothing more; threads still in an effect are not waited for."""
        self._closed = True
        for _ in range(self._threads):
            self._jobs.put(None)

    def _patience(self, until: float | None) -> float:
        left = _GLANCE_SECONDS if until is None else max(0.0, until - self._clock())
        return min(left, _GLANCE_SECONDS)

    def _overdue(self) -> tuple[int, object] | None:
        """Give up the first effect that has been under way for too long, if there is one."""
        now = self._clock()
        self._awake += min(now - self._seen, _ASLEEP_SECONDS)
        self._seen = now
        for token, (_, begun) in list(self._since.items()):
            effect, seconds = self._under_way.get(token), self._awake - begun
            if effect is None or seconds < self._longest(effect):
                continue
            self._forget(token)
            self._most += 1
            self._start_thread()
            log.warning("effect.given-up", effect=words_of(effect), seconds=round(seconds, 1))
            self._performer.give_up(effect)
            return token, unanswered(effect, now, seconds)
        return None

    def _forget(self, token: int) -> None:
        self._under_way.pop(token, None)
        self._since.pop(token, None)

    def _start_thread(self) -> None:
        self._threads += 1
        # Not concurrent.futures': Python waits for those when it ends.
        name = f"effect-{self._threads}"
        threading.Thread(target=self._work, daemon=True, name=name).start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None or self._closed:
                return
            self._since[job.token] = (self._clock(), self._awake)
            try:
                job.answer.set_result(self._performer.perform(job.effect))
            except BaseException as error:  # noqa: BLE001 - raised again in the loop, by wait()
                job.answer.set_exception(error)
            if job.token not in self._under_way:
                # Given up meanwhile: another thread has taken this one's place.
                self._since.pop(job.token, None)
                return
            self._answers.put(job)
            self._idle.release()
