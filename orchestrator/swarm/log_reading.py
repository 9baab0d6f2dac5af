"""Reads logs at every site, over as many connections as it takes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from orchestrator.fleet.logs import LogLine, LogQuery
from orchestrator.swarm.link import SiteLink
from orchestrator.swarm.log_stream import Patience, read_log
from orchestrator.swarm.redaction import Redaction

_CHANNELS = 5
"""Logs read at once over one connection: with one for looks, 6 of the 10 sessions sshd grants."""


@dataclass(slots=True, eq=False)
class _Way:
    link: SiteLink
    used: int = 0


class LogReading:
    """What services write, line by line. Thread-safe.

    Args:
        link: returns the connection to a site that is there anyway.
        another: opens one more to a site; each costs sshd a login.
        redaction: takes out what is secret.
        patience: how long a read may take.

    """

    def __init__(
        self,
        link: Callable[[str], SiteLink],
        another: Callable[[str], SiteLink],
        redaction: Redaction,
        patience: Patience,
    ) -> None:
        self._link = link
        self._another = another
        self._redaction = redaction
        self._patience = patience
        self._lock = threading.Lock()
        self._ways: dict[str, list[_Way]] = {}

    def read(self, query: LogQuery, *, seconds: float | None = None) -> Iterator[LogLine]:
        """Yield the lines that are asked for, without secrets.

        `seconds`: until when all of it must have come; the connection must stand already then.

        Raises:
            FleetError: they cannot be read, or not all of them.

        """
        with self._way(query.unit.site) as link:
            patience = self._patience
            if seconds is None:
                link.reading(link.connection)
            elif link.connected and seconds > 0:
                patience = replace(patience, seconds=seconds)
            else:
                return
            for line in read_log(link.api, query, patience):
                yield replace(line, text=self._redaction.words(line.text))

    @contextmanager
    def _way(self, site: str) -> Iterator[SiteLink]:
        way = self._taken(site)
        try:
            yield way.link
        finally:
            with self._lock:
                way.used -= 1

    def _taken(self, site: str) -> _Way:
        with self._lock:
            ways = self._ways.setdefault(site, [_Way(self._link(site))])
            way = next((way for way in ways if way.used < _CHANNELS), None)
            if way is None:
                way = _Way(self._another(site))
                ways.append(way)
            way.used += 1
            return way

    def close(self) -> None:
        """End the connections that were opened for logs alone."""
        with self._lock:
            for way in (way for ways in self._ways.values() for way in ways[1:]):
                way.link.close()
