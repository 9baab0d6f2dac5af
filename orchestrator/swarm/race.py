"""Trying several ways at once, each a moment after the one before, as browsers do (RFC 8305)."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from orchestrator.errors import FleetError, Problem

T = TypeVar("T")


def race(
    attempts: Sequence[Callable[[], T]],
    *,
    head_start_seconds: float,
    longest: tuple[float, Problem],
    discard: Callable[[T], None],
    over: Callable[[FleetError], bool],
) -> T:
    """Return what the first attempt that succeeds returns.

    Args:
        attempts: in the order in which they begin: the next one as soon as one fails, or none
            has said anything for `head_start_seconds`.
        head_start_seconds: see there.
        longest: for how many seconds any word is waited for once all have begun, and what is
            wrong if none comes.
        discard: is given what an attempt returns after another has won.
        over: tells of a failure, once all have begun, that no other attempt can do better.

    Raises:
        FleetError: none succeeded; with the problems of all that failed, in their order.

    """
    if len(attempts) == 1:
        return attempts[0]()
    run = _Race(attempts, discard)
    failed: dict[int, FleetError] = {}
    begun = 0
    try:
        while len(failed) < len(attempts):
            if begun < len(attempts):
                run.begin(begun)
                begun += 1
            last = begun == len(attempts)
            word = run.word(longest[0] if last else head_start_seconds)
            if word is None:
                if last:
                    break
                continue
            number, outcome = word
            if not isinstance(outcome, BaseException):
                return outcome
            if not isinstance(outcome, FleetError):
                raise outcome
            failed[number] = outcome
            if last and over(outcome):
                break
    finally:
        run.end()
    found = [problem for _, error in sorted(failed.items()) for problem in error.problems]
    raise FleetError(found or longest[1])


@dataclass(slots=True)
class _Race(Generic[T]):
    attempts: Sequence[Callable[[], T]]
    discard: Callable[[T], None]
    _words: "SimpleQueue[tuple[int, T | BaseException]]" = field(default_factory=SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: bool = False

    def begin(self, number: int) -> None:
        threading.Thread(target=self._try, args=(number,), daemon=True).start()

    def _try(self, number: int) -> None:
        outcome: T | BaseException
        try:
            outcome = self.attempts[number]()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            outcome = error
        with self._lock:
            if not self._over:
                self._words.put((number, outcome))
                return
        self._drop(outcome)

    def word(self, seconds: float) -> tuple[int, T | BaseException] | None:
        try:
            return self._words.get(timeout=seconds)
        except Empty:
            return None

    def end(self) -> None:
        with self._lock:
            self._over = True
        while not self._words.empty():
            self._drop(self._words.get_nowait()[1])

    def _drop(self, outcome: T | BaseException) -> None:
        if not isinstance(outcome, BaseException):
            self.discard(outcome)
