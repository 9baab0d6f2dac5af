"""Many questions in one round trip: pipelined HTTP/1.1 over one channel to the Docker daemon.

Go's HTTP server answers requests of one connection in their order, and reads the next when
the last is answered, so a look at a site costs one round trip however far away the site is.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Protocol, cast

_BUFFER = 256 * 1024
_LEAST_SECONDS = 0.05
_MOST_BYTES = 64 * 1024 * 1024
"""Of one answer; a daemon that says more than that is not to fill our memory."""


class Stream(Protocol):
    """What a socket and an SSH channel have in common."""

    def settimeout(self, timeout: float | None, /) -> None: ...  # noqa: D102 as of a socket
    def recv(self, size: int, /) -> bytes: ...  # noqa: D102
    def sendall(self, data: bytes, /) -> object: ...  # noqa: D102
    def close(self) -> object: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Request:
    """A request without a body; `path` with its query, escaped."""

    path: str
    method: str = "GET"

    def line(self) -> bytes:
        """Return its bytes on the wire."""
        return f"{self.method} {self.path} HTTP/1.1\r\nHost: docker\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `body` is read to its end."""

    status: int
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300  # noqa: PLR2004 RFC 9110 15.3


class DeadlineReader(io.RawIOBase):
    """A stream whose every read ends by `ends`, however slowly its bytes drip in."""

    def __init__(self, stream: Stream, clock: Callable[[], float], ends: float = 0.0) -> None:
        super().__init__()
        self._stream = stream
        self._clock = clock
        self.ends = ends

    def readable(self) -> bool:
        """Tell that it is for reading."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # bytes-like
        """Read once; TimeoutError when `ends` has come."""
        remaining = self.ends - self._clock()
        if remaining <= 0:
            raise TimeoutError("the answer did not come in time")
        self._stream.settimeout(remaining)
        data = self._stream.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Rewound:
    """Hands http.client the same buffered reader for each answer, and keeps it open."""

    def __init__(self, reader: "io.BufferedReader[DeadlineReader]") -> None:
        self._reader = reader

    def makefile(self, *_mode: object, **_options: object) -> "_Rewound":
        return self

    def close(self) -> None:
        """Do nothing: the next answer follows."""

    def flush(self) -> None:
        """Do nothing: this is for reading."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)


class HttpPipe:
    """A connection to the daemon that answers batches of requests. Not thread-safe."""

    def __init__(self, stream: Stream, clock: Callable[[], float]) -> None:
        """Take over `stream`, on which nothing has been said yet."""
        self._stream = stream
        self._clock = clock
        self._raw = DeadlineReader(stream, clock)
        self._reader = io.BufferedReader(self._raw, _BUFFER)

    def exchange(self, requests: Sequence[Request], *, ends: float) -> list[Response]:
        """Send all requests at once and return their answers in the same order.

        Args:
            requests: none of them may depend on another.
            ends: on the clock given, when the last byte must be there.

        Raises:
            TimeoutError, OSError, EOFError, HTTPException: the pipe is of no more use.

        """
        self._raw.ends = ends
        self._stream.settimeout(max(ends - self._clock(), _LEAST_SECONDS))
        self._stream.sendall(b"".join(request.line() for request in requests))
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Response:
        # HTTPResponse asks of a socket only makefile() (http/client.py, HTTPResponse.__init__).
        sock = cast("io.BufferedReader", _Rewound(self._reader))
        response = HTTPResponse(sock, method=request.method)  # type: ignore[arg-type]
        response.begin()
        body = response.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise HTTPException(f"an answer has more than {_MOST_BYTES} bytes")
        if response.will_close:
            raise HTTPException("the daemon closes the connection")
        return Response(response.status, body)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
