"""What a process waits for, kept where another thread can read it: whoever waits may be stuck."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.engine.deadlines import longest_seconds, words_of
from orchestrator.engine.journal import Entry, Journal
from orchestrator.engine.pool import UnderWay
from orchestrator.engine.ports import Backend
from orchestrator.procedures.effects import Effect

STALLED_SECONDS = 60.0
"""A run that made no step, look or answer for so long stands still. Every effect that asks the
lock is bounded below it, and a run asks its lock every five seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something that is waited for: since when on the watch's clock, and for how long at most."""

    words: str
    since: float
    at_most: float | None = None


class Watch:
    """Keeps what is waited for and when anything came last; any thread may ask.

    `clock` is real time, in seconds; `under_way` are the effects that are not answered yet, whose
    times are on the backend's clock, `now`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        under_way: Callable[[], tuple[UnderWay, ...]] = tuple,
        now: Callable[[], float] = float,
    ) -> None:
        self._clock = clock
        self._under_way = under_way
        self._now = now
        self._waits: list[Wait] = []
        self._came = 0

    @contextmanager
    def waiting(self, words: str, *, at_most: float | None = None) -> Iterator[None]:
        """Let it be known, while the block runs, that `words` is waited for; seconds `at_most`."""
        wait = Wait(words=words, since=self._clock(), at_most=at_most)
        self._waits.append(wait)
        try:
            yield
        finally:
            self._waits.remove(wait)

    def came(self) -> None:
        """Let it be known that a step, a look or an answer came."""
        self._came += 1

    @property
    def count(self) -> int:
        """How often anything came: whoever sees it stand still counts the seconds himself.

        No clock tells a process that does nothing from one that was stopped for a while.
        """
        return self._came

    def longest(self) -> Wait | None:
        """Return what is waited for: what was named last, else the oldest effect, None: nothing."""
        named = list(self._waits)
        if named:
            return named[-1]
        begun = [each for each in self._under_way() if each.since is not None]
        if not begun:
            return None
        oldest = min(begun, key=lambda each: each.since or 0.0)
        ago = self._now() - (oldest.since or 0.0)
        return Wait(
            words=words_of(oldest.effect),
            since=self._clock() - ago,
            at_most=longest_seconds(oldest.effect),
        )

    def now(self) -> float:
        """Return the clock by which waits are counted, in seconds."""
        return self._clock()

    def seconds_of(self, wait: Wait) -> float:
        """Return for how many seconds something has been waited for."""
        return self._clock() - wait.since


class WatchedBackend:
    """A backend whose every answer is noted by a watch."""

    def __init__(self, backend: Backend, watch: Watch) -> None:
        self._backend = backend
        self._watch = watch

    def now(self) -> float:
        """Return the backend's clock, in seconds."""
        return self._backend.now()

    def submit(self, token: int, effect: Effect) -> None:
        """Hand an effect on."""
        self._backend.submit(token, effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Return the next answer, or None at `until`."""
        happened = self._backend.wait(until)
        if happened is not None:
            self._watch.came()
        return happened


class WatchedJournal:
    """A journal whose every write is known to be waited for: a disk may never come back."""

    def __init__(self, journal: Journal, watch: Watch) -> None:
        self._journal = journal
        self._watch = watch

    def write(self, entry: Entry) -> None:
        """Append an entry; as of the journal."""
        with self._watch.waiting("writing the journal on this machine's disk"):
            self._journal.write(entry)
