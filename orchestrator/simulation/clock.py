"""Virtual time: a queue of what happens when. Nothing here ever really waits."""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import TypeVar

T = TypeVar("T")
Process = Generator[float, None, T]
"""Something that takes time: it yields how many seconds pass before it goes on."""

EPOCH_SECONDS = 1_767_225_600.0
"""What clocks on walls show at the beginning, in seconds since 1970: 2026-01-01, midnight UTC."""

Action = Callable[..., object]


class VirtualClock:
    """Seconds since the start of the world, moved on only by performing what is due.

    Two actions due at the same time happen in the order in which they were asked for, so that
    the same calls always give the same history.
    """

    __slots__ = ("_cancelled", "_count", "_queue", "now", "performed")

    def __init__(self) -> None:
        self.now = 0.0
        self.performed = 0
        """How many actions were performed so far."""
        self._count = 0
        self._queue: list[tuple[float, int, Action, tuple[object, ...]]] = []
        self._cancelled: set[int] = set()

    def at(self, when: float, action: Action, *args: object) -> int:
        """Perform `action(*args)` at `when` (now, if that is past); returns a ticket."""
        self._count += 1
        heappush(self._queue, (max(when, self.now), self._count, action, args))
        return self._count

    def after(self, seconds: float, action: Action, *args: object) -> int:
        """Perform `action(*args)` in `seconds`; returns a ticket for `cancel`."""
        self._count += 1
        heappush(self._queue, (self.now + seconds, self._count, action, args))
        return self._count

    def cancel(self, ticket: int) -> None:
        """Drop an action that is still to come."""
        self._cancelled.add(ticket)

    def next_time(self) -> float | None:
        """Return when the next action is due, None if there is none."""
        while self._queue and self._queue[0][1] in self._cancelled:
            self._cancelled.discard(heappop(self._queue)[1])
        return self._queue[0][0] if self._queue else None

    def step(self) -> bool:
        """Perform the next action; False if there is none."""
        if self.next_time() is None:
            return False
        self.now, _, action, args = heappop(self._queue)
        self.performed += 1
        action(*args)
        return True

    def run_until(self, when: float) -> None:
        """Perform everything due up to and at `when`, and make it that time."""
        while (due := self.next_time()) is not None and due <= when:
            self.step()
        self.now = max(self.now, when)

    def spawn(self, process: Process[T], done: Callable[[T], None]) -> None:
        """Run `process` from now on, and hand `done` what it returns."""
        try:
            pause = next(process)
        except StopIteration as end:
            done(end.value)
            return
        self.after(pause, self.spawn, process, done)
