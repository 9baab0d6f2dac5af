import heapq
from collections.abc import Iterator


class Sleepers:
    """Who waits for which moment; of those that wait for the same one, the first came first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, str]] = []
        self._count = 0

    def add(self, until: float, name: str) -> None:
        """Let `name` be due at `until`."""
        self._count += 1
        heapq.heappush(self._waiting, (until, self._count, name))

    def due(self, now: float) -> Iterator[str]:
        """Take out and yield, one by one, those whose moment has come."""
        while self._waiting and self._waiting[0][0] <= now:
            yield heapq.heappop(self._waiting)[2]

    def next(self) -> tuple[float, ...]:
        """Return when the next one is due, () if nobody waits."""
        return (self._waiting[0][0],) if self._waiting else ()
