"""Lines of many services, read side by side and put in the order of their times.

Memory is bounded: of each service the newest lines are kept, and what is followed stops its
writers when nobody takes its lines.
"""

import heapq
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from orchestrator.errors import FleetError, Problem
from orchestrator.fleet.logs import LogLine, LogQuery

_AT_ONCE = 32
_WAITING = 1000
"""Lines that wait to be taken; a reader with more stops reading until there is room."""
_LATE_SECONDS = 0.5
"""So long a followed line is held back for older ones that are still on their way."""
_FIRST_SECONDS = 1.5
"""Longer at first: what was written before comes at once, from some sites sooner than others."""

Keep = Callable[[LogLine], bool]


class LogReader(Protocol):
    """Reads what services write; safe to call from several threads."""

    def read(self, query: LogQuery) -> Iterator[LogLine]:
        """Yield the lines that are asked for; FleetError when they cannot all be read."""
        ...


class NoLogs:
    """Nothing writes anything."""

    def read(self, query: LogQuery) -> Iterator[LogLine]:
        """Yield nothing."""
        del query
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Lines in the order of their times, why some are missing, and of what there are older ones."""

    lines: tuple[LogLine, ...]
    problems: tuple[Problem, ...] = ()
    cut: tuple[LogQuery, ...] = ()


def collect(reader: LogReader, queries: Sequence[LogQuery], keep: Keep, most: int) -> Collected:
    """Read what `queries` ask for, and keep of each the `most` newest lines that `keep` lets pass.

    A service that cannot be read costs none of the others anything but its own time-out.
    """

    def one(query: LogQuery) -> tuple[list[LogLine], bool, tuple[Problem, ...]]:
        return _newest(reader, query, keep, most)

    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="logs") as pool:
        parts = list(pool.map(one, queries))
    return Collected(
        lines=tuple(heapq.merge(*(lines for lines, _, _ in parts), key=_time)),
        problems=tuple(problem for _, _, problems in parts for problem in problems),
        cut=tuple(query for query, (_, cut, _) in zip(queries, parts, strict=True) if cut),
    )


def _newest(
    reader: LogReader, query: LogQuery, keep: Keep, most: int
) -> tuple[list[LogLine], bool, tuple[Problem, ...]]:
    """Return the newest lines in order, whether older ones were let go, and what went wrong."""
    # Of lines of the same moment, the one that was read later is the newer one.
    newest: list[tuple[int, int, LogLine]] = []
    read = 0
    problems: tuple[Problem, ...] = ()
    try:
        for line in filter(keep, reader.read(query)):
            read += 1
            if len(newest) < most:
                heapq.heappush(newest, (line.at, read, line))
            else:
                heapq.heappushpop(newest, (line.at, read, line))
    except FleetError as error:
        problems = error.problems
    return [line for _, _, line in sorted(newest)], read > most, problems


def _time(line: LogLine) -> int:
    return line.at


@dataclass(frozen=True, slots=True)
class _Ended:
    """A reader has come to its end, or failed."""

    problems: tuple[Problem, ...] = ()


def follow(
    reader: LogReader,
    queries: Sequence[LogQuery],
    keep: Keep,
    clock: Callable[[], float],
) -> Iterator[LogLine | Problem]:
    """Yield lines as they come, those that come at about the same time in their order.

    Also the problem of each reader that fails; the others go on. Ends when all have ended.
    """
    came: queue.Queue[LogLine | _Ended] = queue.Queue(_WAITING)
    for query in queries:
        threading.Thread(target=_pump, args=(reader, query, keep, came), daemon=True).start()
    left = len(queries)
    window = _Window(clock)
    while left or window.holds:
        try:
            item = came.get(timeout=window.wait()) if left else None
        except queue.Empty:
            item = None
        if isinstance(item, _Ended):
            left -= 1
            yield from item.problems
        elif item is not None:
            window.take(item)
        yield from window.ripe(everything=not left)


def _pump(
    reader: LogReader, query: LogQuery, keep: Keep, came: "queue.Queue[LogLine | _Ended]"
) -> None:
    try:
        for line in reader.read(query):
            if keep(line):
                came.put(line)
    except FleetError as error:
        came.put(_Ended(error.problems))
    else:
        came.put(_Ended())


class _Window:
    """Holds lines back for a moment and gives them out in the order of their times.

    No line is held longer, however late or early the clocks of others are.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first = clock() + _FIRST_SECONDS
        self._held: list[tuple[int, int, LogLine]] = []
        self._due: deque[tuple[float, int]] = deque()
        self._given: set[int] = set()
        self._count = 0

    @property
    def holds(self) -> bool:
        return bool(self._held)

    def take(self, line: LogLine) -> None:
        self._count += 1
        heapq.heappush(self._held, (line.at, self._count, line))
        self._due.append((max(self._clock() + _LATE_SECONDS, self._first), self._count))

    def wait(self) -> float:
        """Return for how many seconds nothing has to be given out."""
        if not self._due:
            return _LATE_SECONDS
        return max(self._due[0][0] - self._clock(), 0.0) + 0.01

    def ripe(self, *, everything: bool) -> Iterator[LogLine]:
        now = self._clock()
        while self._due and (everything or self._due[0][0] <= now):
            number = self._due.popleft()[1]
            while number not in self._given:
                _, given, line = heapq.heappop(self._held)
                self._given.add(given)
                yield line
            self._given.remove(number)
