"""The way to one site: a connection opened when first needed, and again after a loss."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)

from orchestrator.errors import FleetError, Problem
from orchestrator.inventory.model import Manager
from orchestrator.swarm import dial_stdio, problems, ssh_config
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.engine_api import TURN_SECONDS, EngineApi, info_through
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.race import race
from orchestrator.swarm.remote_command import Clock
from orchestrator.swarm.roster import Roster
from orchestrator.swarm.ssh_config import SshDefaults
from orchestrator.swarm.ssh_program import SshProgram
from orchestrator.swarm.turns import Turns

T = TypeVar("T")
log = structlog.get_logger()

_PASSING = frozenset({"site.unreachable", "docker.not-running"})
"""What may pass by itself within moments: a link that blinks, a daemon that restarts."""
_ELSEWHERE = frozenset(
    {
        *("docker.not-running", "docker.no-answer", "docker.not-installed"),
        *("swarm.no-quorum", "swarm.inactive", "swarm.locked", "swarm.not-manager"),
        "swarm.certificates-expired",
    }
)
"""What is wrong with one manager, and may not be with the next."""
_LONG_SECONDS = 5.0
"""An attempt to connect that took this long ran into its time-out: whoever asks within as long
again is told the same, instead of waiting for the next time-out."""


HEAD_START_SECONDS = 2.5
"""How long a manager may be silent before the next one of its site is asked as well."""
_PAUSE_SECONDS = 2.0
"""For so long it is believed that none of a site's managers is any better."""


def passing(error: BaseException) -> bool:
    """Tell whether asking again may help; never for host keys, logins or lost answers."""
    return isinstance(error, FleetError) and all(p.code in _PASSING for p in error.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A connection, through which manager it goes, and a stream to its daemon, fit for use.

    Where it was not asked which `swarm` the manager is of, that is "", and there is no stream.
    """

    manager: Manager
    connection: SshConnection
    swarm: str = ""
    stream: dial_stdio.DialStdio | None = None


class SiteLink:
    """One site: the SSH connection to one of its managers and its Engine API. Thread-safe.

    Where there are several, the first that answers as a manager of the site's Swarm is used, and
    another one once its connection is lost or its daemon fails.
    """

    def __init__(
        self,
        site: str,
        roster: Roster,
        *,
        program: SshProgram,
        defaults: SshDefaults,
        clock: Clock,
        read_seconds: float,
        retry_seconds: float,
        turns: Turns | None = None,
        head_start_seconds: float = HEAD_START_SECONDS,
    ) -> None:
        self.site = site
        self.roster = roster
        self._program = program
        self._defaults = defaults
        self._clock = clock
        self._read_seconds = read_seconds
        self._retry_seconds = retry_seconds
        self._turns = turns
        self._head_start_seconds = head_start_seconds
        self._lock = threading.Lock()
        self._way: _Way | None = None
        self._ready: deque[dial_stdio.DialStdio] = deque()
        self._failed: tuple[float, FleetError] | None = None
        self._believed_until = 0.0
        self._doubted = False
        self._closed = False
        self.api = EngineApi(site, self._open_stream, clock, read_seconds)

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as anyone has noticed."""
        return self._way is not None and self._way.connection.alive

    @property
    def host(self) -> str:
        """The host of the manager that is asked, "" before the first connection."""
        return "" if self._way is None else self._way.manager.host

    @property
    def via(self) -> str:
        """The host that is asked, where it is not the first of several managers; else ""."""
        return "" if self._way is None else self.roster.detour(self._way.manager)

    @property
    def looks_only(self) -> bool:
        """Whether the login may only look, as far as it has said so."""
        return self._way is not None and self._way.connection.looks_only

    def connection(self) -> SshConnection:
        """Return the connection, opened now if there is none that stands.

        Those who wait for the same attempt share its failure, instead of queueing up for
        attempts of their own.

        Raises:
            FleetError: the site cannot be reached, trusted or logged into; or, where that
                matters, none of its managers is one of the Swarm that is expected.

        """
        asked = self._clock()
        if not self._lock.acquire(timeout=TURN_SECONDS):
            raise FleetError(problems.in_use(self.site, "the way to the manager", TURN_SECONDS))
        try:
            told = self._failed is not None and max(self._failed[0], self._believed_until) >= asked
            standing = self._standing()
            if standing is not None and (told or not self._doubted):
                return standing.connection
            if self._failed is not None and told:
                raise self._failed[1]
            return self._opened(standing).connection
        finally:
            self._lock.release()

    def _standing(self) -> _Way | None:
        """Return the way that there is, if it leads to where it should."""
        if self._way is None or not self._way.connection.alive:
            return None
        return self._way if self.roster.suits(self._way.swarm) else None

    def _opened(self, standing: _Way | None) -> _Way:
        """Open a way and keep it; or keep why there is none, and what stands, if anything."""
        tried = self._clock()
        if self._way is not None:
            self.roster.put_last(self._way.manager)
        self._doubted = False
        try:
            way = self._first_that_fits()
        except FleetError as error:
            now = self._clock()
            self._failed = (now, error)
            pause = _PAUSE_SECONDS if self.roster.several else 0.0
            self._believed_until = now + (_LONG_SECONDS if now - tried >= _LONG_SECONDS else pause)
            if standing is not None:
                return standing
            if self._way is not None:
                self._way.connection.close()
            raise
        seconds = round(self._clock() - tried, 3)
        log.info("ssh.connected", site=self.site, host=way.manager.host, seconds=seconds)
        return self._keep(way, standing)

    def _keep(self, way: _Way, standing: _Way | None) -> _Way:
        """Go `way` from now on; what runs over the one that stands, to the same host, goes on."""
        if standing is not None and standing.manager == way.manager:
            way.connection.close()
            return standing
        if self._way is not None:
            self._way.connection.close()
        self._ready.clear()
        if way.stream is not None:
            self._ready.append(way.stream)
        self._way = way
        if self._closed:
            way.connection.close()
        return way

    def _first_that_fits(self) -> _Way:
        order = self.roster.order()
        nobody = f"none of {len(order)} managers said anything within {TURN_SECONDS:.0f} s"
        try:
            return race(
                [partial(self._open, manager) for manager in order],
                head_start_seconds=self._head_start_seconds,
                longest=(TURN_SECONDS, problems.unreachable(self.site, nobody)),
                discard=lambda way: way.connection.close(),
                over=lambda error: error.problems[0].code == "swarm.no-quorum",
            )
        except FleetError as error:
            raise FleetError(_in_one(error.problems)) from error

    def _open(self, manager: Manager) -> _Way:
        try:
            target = ssh_config.resolve(self.site, self._program, manager, self._defaults)
            hops = open_hops(self.site, target, self._turns)
        except PermissionError as error:  # the configuration, or a known_hosts file
            file, words = str(error.filename), str(error)
            raise FleetError(problems.config_invalid(self.site, file, words)) from error
        connection = SshConnection(self.site, target, hops, self._clock)
        if not self.roster.matters:
            return _Way(manager=manager, connection=connection)
        try:
            return self._identified(manager, connection)
        except BaseException:
            connection.close()
            raise

    def _identified(self, manager: Manager, connection: SshConnection) -> _Way:
        """Return a stream to the daemon, once it said that it is a manager of the right Swarm.

        One whose Swarm has no leader does not know the Swarm's id (moby daemon/cluster/swarm.go,
        Info).
        """
        stream = dial_stdio.open_stream(self.site, connection)
        info = info_through(self.site, stream, self._clock, self._read_seconds)
        code = ""
        if info.error:
            code = problems.docker_code(info.error)
        elif info.node_state != "active":
            code = "swarm.inactive"
        elif not info.control:
            code = "swarm.not-manager"
        if code:
            raise FleetError(problems.docker(self.site, code, f"{manager.host}: {info.error}"))
        wanted = self.roster.admit(info.cluster_id)
        if wanted != info.cluster_id:
            found = problems.other_swarm(self.site, manager.host, info.cluster_id, wanted)
            raise FleetError(found)
        return _Way(manager=manager, connection=connection, swarm=wanted, stream=stream)

    def _open_stream(self) -> dial_stdio.DialStdio:
        connection = self.connection()
        try:
            return self._ready.pop()
        except IndexError:
            return dial_stdio.open_stream(self.site, connection)

    def reading(self, read: Callable[[], T]) -> T:
        """Do something that changes nothing, again if a passing fault came between.

        Bounded: no new attempt begins once `retry_seconds` have gone by; but where another
        manager can be asked, it is, once.

        Raises:
            FleetError: the last attempt's.

        """
        several = self.roster.several

        def attempt() -> T:
            way = self._way
            if way is not None and (self._doubted or not self.roster.suits(way.swarm)):
                # What asks the daemon keeps its stream as long as that stands.
                self.connection()
                way = self._way
            try:
                return read()
            except FleetError as error:
                if several and _elsewhere(error) and way is self._way:
                    self._doubted = True
                raise

        enough = stop_after_delay(self._retry_seconds)
        attempts = Retrying(
            retry=retry_if_exception(lambda e: passing(e) or (several and _elsewhere(e))),
            stop=enough & stop_after_attempt(2) if several else enough,
            wait=wait_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )
        return attempts(attempt)

    def forsake(self) -> None:
        """Ask the manager that is in use last, from the next connection on."""
        way = self._way
        if way is not None:
            self.roster.put_last(way.manager)

    def apart(self) -> "tuple[SiteLink, ...]":
        """Return a link of its own to each of the site's managers, of the same Swarm if known."""
        return tuple(map(self._to, self.roster.named))

    def others(self) -> "tuple[SiteLink, ...]":
        """Return a link of its own to each of them but the one in use."""
        used = None if self._way is None else self._way.manager
        return tuple(self._to(manager) for manager in self.roster.named if manager != used)

    def _to(self, manager: Manager) -> "SiteLink":
        return SiteLink(
            self.site,
            self.roster.alone(manager),
            program=self._program,
            defaults=self._defaults,
            clock=self._clock,
            read_seconds=self._read_seconds,
            retry_seconds=self._retry_seconds,
        )

    def close(self) -> None:
        """End the connection; what still runs over it loses its answer."""
        self._closed = True
        way = self._way
        if way is not None:
            way.connection.close()
        self.api.close()


def _elsewhere(error: BaseException) -> bool:
    """Tell whether a manager's daemon failed, while that of another may do better."""
    return isinstance(error, FleetError) and error.problems[0].code in _ELSEWHERE


def _in_one(found: tuple[Problem, ...]) -> Problem:
    """Return the first problem of several managers, with what is wrong with the others.

    One of another Swarm comes first: to mend the way to the others may be no help.
    """
    first, *others = sorted(found, key=lambda p: p.code != "swarm.other-swarm")
    return replace(first, evidence=(*first.evidence, *(problem.what for problem in others)))
