"""A channel to the Docker daemon as a stream, and the reason when it breaks."""

import io
from collections.abc import Callable

import paramiko

from orchestrator.errors import Problem
from orchestrator.swarm import dtdeploy_look, problems
from orchestrator.swarm.connection import SshConnection, close_channel
from orchestrator.swarm.remote_command import BEGIN

_STATUS_SECONDS = 2.0
_MOST_NOISE = 65536
_MOST_BYTES = 64 * 1024 * 1024
"""Of one answer to the SDK, head and all; a daemon is not to fill our memory."""


class DialStdio:
    """The stream of a `docker system dial-stdio` session; a socket to http.client."""

    def __init__(self, site: str, connection: SshConnection, channel: paramiko.Channel) -> None:
        self._site = site
        self._connection = connection
        self._channel = channel
        self._noise: bytes | None = b""

    @property
    def idle(self) -> bool:
        """Whether it stands and nothing unasked-for has come: fit for the next request."""
        channel = self._channel
        return not (channel.closed or channel.eof_received or channel.recv_ready())

    def settimeout(self, timeout: float | None, /) -> None:
        """Set how long one read or write may take, in seconds."""
        self._channel.settimeout(timeout)

    def recv(self, size: int, /) -> bytes:
        """Read; b"" at the end. What a login script printed before is passed over."""
        while self._noise is not None:
            more = self._channel.recv(size)
            if not more or len(self._noise) > _MOST_NOISE:
                return b""
            before, mark, rest = (self._noise + more).partition(BEGIN)
            if mark and dtdeploy_look.MARK in before:
                self._connection.looks_only = True
            self._noise = None if mark else self._noise + more
            if rest:
                return rest
        return self._channel.recv(size)

    def sendall(self, data: bytes, /) -> None:
        """Write all of it.

        Raises:
            OSError: it could not be written. paramiko says EOFError of a connection that ended
                (Packetizer.write_all), which urllib3 and requests let through as no error of
                theirs.

        """
        try:
            self._channel.sendall(data)
        except EOFError as error:
            raise ConnectionResetError("the connection ended while it was written to") from error

    def makefile(self, *_mode: object, **_options: object) -> io.BufferedReader:
        """Return a reader for one answer (http.client)."""
        return io.BufferedReader(_ChannelReader(self.recv))

    def close(self) -> None:
        """Close the session; dial-stdio ends by itself."""
        close_channel(self._channel)

    def check(self) -> None:
        """Raise EOFError if the connection has ended: what was read may be cut short.

        http.client takes the end of a stream for the end of a line (HTTPResponse.readline).
        """
        if not self._connection.alive:
            raise EOFError("the connection ended")

    def connected(self) -> bool:
        """Ask sshd for a sign of life: whether silence is the daemon's."""
        return not self._channel.closed and self._connection.answers()

    def explain(self, error: Exception) -> Problem:
        """Return why the stream failed: docker's words on stderr, or the connection itself."""
        said = str(error) or type(error).__name__
        if isinstance(error, TimeoutError):
            if self._connection.answers():
                return problems.docker(self._site, "docker.no-answer", said)
            return self._lost(said)
        ended = self._channel.status_event.wait(_STATUS_SECONDS)
        words = self._stderr()
        if ended and self._channel.exit_status >= 0 and self._connection.alive:
            code = problems.docker_code(words, "docker.not-running", rc=self._channel.exit_status)
            return problems.docker(self._site, code, words or said)
        return self._lost(words or said)

    def _lost(self, said: str) -> Problem:
        what = f"the connection to {self._connection.target.name} was lost"
        return problems.unreachable(self._site, what, said)

    def _stderr(self) -> str:
        self._channel.settimeout(_STATUS_SECONDS)
        try:
            return self._channel.recv_stderr(8192).decode(errors="replace").strip()
        except TimeoutError:
            return ""


class _ChannelReader(io.RawIOBase):
    def __init__(self, recv: Callable[[int], bytes]) -> None:
        super().__init__()
        self._recv = recv
        self._left = _MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # bytes-like
        data = self._recv(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"an answer has more than {_MOST_BYTES} bytes")
        buffer[: len(data)] = data
        return len(data)


def open_stream(site: str, connection: SshConnection) -> DialStdio:
    """Return a fresh stream to the manager's daemon; FleetError when there is no session."""
    return DialStdio(site, connection, connection.open_dial_stdio())
