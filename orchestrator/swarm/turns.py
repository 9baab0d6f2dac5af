"""Taking turns at a host that many sites are reached through.

sshd drops connections at random once ten are not yet logged in (MaxStartups 10:30:100,
sshd_config(5)); all sites behind one jump host are looked at at once.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from orchestrator.errors import FleetError, Problem
from orchestrator.swarm import problems

log = structlog.get_logger()

AT_ONCE = 4
"""So many of ours are on their way into one host: others have ways through it, too."""
_NOTED_SECONDS = 0.5


@dataclass(slots=True)
class _Place:
    free: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    failed: tuple[float, tuple[Problem, ...]] = (float("-inf"), ())


def _fail_with(place: _Place, site: str, asked: float) -> None:
    when, found = place.failed
    if when > asked:
        raise FleetError([replace(p, where=replace(p.where, site=site)) for p in found])


class DroppedError(FleetError):
    """A server closed a connection before it said who it is; it may let another one in."""


class Turns:
    """The turns at all such hosts, of one process. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Give all turns free; `clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    @contextmanager
    def taken(self, site: str, host: str, seconds: float) -> Iterator[None]:
        """Hold a turn at `host`; one that fails there fails for all who wait by then.

        Args:
            site: who waits, for problems.
            host: where to.
            seconds: how long to wait for a turn.

        Raises:
            FleetError: no turn came, or whoever had one found that the host does not answer.

        """
        with self._lock:
            place = self._places.setdefault(host, _Place())
        asked = self._clock()
        if not place.free.acquire(timeout=seconds):
            raise FleetError(problems.in_use(site, f"the way into {host}", seconds))
        try:
            waited = self._clock() - asked
            if waited >= _NOTED_SECONDS:
                log.info("ssh.queued", site=site, host=host, seconds=round(waited, 3))
            _fail_with(place, site, asked)
            yield
        except DroppedError:
            raise
        except FleetError as error:
            if all(problem.code == "site.unreachable" for problem in error.problems):
                place.failed = (self._clock(), tuple(error.problems))
            raise
        finally:
            place.free.release()
