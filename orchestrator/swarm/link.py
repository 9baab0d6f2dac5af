"""The way to one site: a connection opened when first needed, and again after a loss."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from orchestrator.errors import FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm import dial_stdio, problems, ssh_config
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.engine_api import TURN_SECONDS, EngineApi
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.remote_command import Clock
from orchestrator.swarm.ssh_config import SshDefaults
from orchestrator.swarm.ssh_program import SshProgram
from orchestrator.swarm.turns import Turns

T = TypeVar("T")
log = structlog.get_logger()

_PASSING = frozenset({"site.unreachable", "docker.not-running"})
"""What may pass by itself within moments: a link that blinks, a daemon that restarts."""
_LONG_SECONDS = 5.0
"""An attempt to connect that took this long ran into its time-out: whoever asks within as long
again is told the same, instead of waiting for the next time-out."""


def passing(error: BaseException) -> bool:
    """Tell whether asking again may help; never for host keys, logins or lost answers."""
    return isinstance(error, FleetError) and all(p.code in _PASSING for p in error.problems)


class SiteLink:
    """One site's manager: its SSH connection and its Engine API. Thread-safe."""

    def __init__(
        self,
        site: str,
        manager: Manager,
        *,
        program: SshProgram,
        defaults: SshDefaults,
        clock: Clock,
        read_seconds: float,
        retry_seconds: float,
        turns: Turns | None = None,
    ) -> None:
        self.site = site
        self._manager = manager
        self._program = program
        self._defaults = defaults
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._turns = turns
        self._lock = threading.Lock()
        self._connection: SshConnection | None = None
        self._failed: tuple[float, FleetError] | None = None
        self._believed_until = 0.0
        self._closed = False
        self.api = EngineApi(site, self._open_stream, clock, read_seconds)

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as anyone has noticed."""
        return self._connection is not None and self._connection.alive

    def connection(self) -> SshConnection:
        """Return the connection, opened now if there is none that stands.

        Those who wait for the same attempt share its failure, instead of queueing up for
        attempts of their own.

        Raises:
            FleetError: the site cannot be reached, trusted or logged into.

        """
        asked = self._clock()
        if not self._lock.acquire(timeout=TURN_SECONDS):
            raise FleetError(problems.in_use(self.site, "the way to the manager", TURN_SECONDS))
        try:
            if self._connection is not None and self._connection.alive:
                return self._connection
            if self._failed is not None and max(self._failed[0], self._believed_until) >= asked:
                raise self._failed[1]
            tried = self._clock()
            try:
                self._connection = self._open()
            except FleetError as error:
                now = self._clock()
                self._failed = (now, error)
                self._believed_until = now + _LONG_SECONDS if now - tried >= _LONG_SECONDS else 0.0
                raise
            return self._connection
        finally:
            self._lock.release()

    def _open(self) -> SshConnection:
        began = self._clock()
        if self._connection is not None:
            self._connection.close()
        try:
            target = ssh_config.resolve(self.site, self._program, self._manager, self._defaults)
            hops = open_hops(self.site, target, self._turns)
        except PermissionError as error:  # the configuration, or a known_hosts file
            file, words = str(error.filename), str(error)
            raise FleetError(problems.config_invalid(self.site, file, words)) from error
        if self._closed:
            hops.close()
        log.info("ssh.connected", site=self.site, seconds=round(self._clock() - began, 3))
        return SshConnection(self.site, target, hops, self._clock)

    def _open_stream(self) -> dial_stdio.DialStdio:
        return dial_stdio.open_stream(self.site, self.connection())

    def reading(self, read: Callable[[], T]) -> T:
        """Do something that changes nothing, again if a passing fault came between.

        Bounded: no new attempt begins once `retry_seconds` have gone by.

        Raises:
            FleetError: the last attempt's.

        """
        attempts = Retrying(
            retry=retry_if_exception(passing),
            stop=stop_after_delay(self._retry_seconds),
            wait=wait_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )
        return attempts(read)

    def close(self) -> None:
        """End the connection; what still runs over it loses its answer."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            connection.close()
        self.api.close()
