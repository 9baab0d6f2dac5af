"""Probes: whether something outside Docker answers, and as it should."""

import io
import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from http.client import HTTPConnection, HTTPException

from orchestrator.errors import FleetError
from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    PostgresProbe,
    Probe,
    TcpProbe,
    Via,
)
from orchestrator.swarm.connection import ForwardRefusedError, SshConnection
from orchestrator.swarm.http_pipe import DeadlineReader, Stream
from orchestrator.swarm.problems import LookOnlyError
from orchestrator.words.foreign_json import read_json

Clock = Callable[[], float]
AGAIN_SECONDS = 0.5
_MOST_BYTES = 1_000_000
_EMPTY = "an empty answer"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's SSLRequest; answered by one byte, S or N (protocol-message-formats)."""


def probe(
    wanted: Probe,
    connect: Callable[[], SshConnection],
    clock: Clock,
    *,
    patience_seconds: float = 0.0,
) -> tuple[bool, str]:
    """Send one probe, and for `patience_seconds` again until it is answered as it should be.

    Args:
        wanted: what to ask, from where, and how long to wait for the last byte.
        connect: gives the connection to the site's manager; called for Via.MANAGER only.
        clock: monotonic, seconds.
        patience_seconds: after so long it is not sent again.

    Returns:
        Whether it was answered as it should be, and what was seen in the end, good or bad.

    """
    last = clock() + patience_seconds
    while True:
        ok, words = _sent(wanted, connect, clock)
        if ok or clock() + AGAIN_SECONDS > last:
            return ok, words
        time.sleep(AGAIN_SECONDS)


def _sent(wanted: Probe, connect: Callable[[], SshConnection], clock: Clock) -> tuple[bool, str]:
    ends = clock() + wanted.timeout_seconds
    try:
        with _opened(wanted, connect) as stream:
            return _asked(wanted, stream, clock, ends)
    except ForwardRefusedError as error:
        return False, f"from the manager: {error.words or 'the connection was refused'}"
    except FleetError as error:
        return False, str(error)
    except TimeoutError:
        return False, f"no answer within {wanted.timeout_seconds:g} s"
    except (OSError, HTTPException) as error:
        return False, str(error) or type(error).__name__


def _opened(wanted: Probe, connect: Callable[[], SshConnection]) -> AbstractContextManager[Stream]:
    seconds = wanted.timeout_seconds
    if wanted.via is Via.MANAGER:
        connection = connect()
        if connection.looks_only:
            return closing(_Answered(_answer(connection, wanted)))
        return closing(connection.open_tcp(wanted.host, wanted.port, timeout_seconds=seconds))
    return closing(socket.create_connection((wanted.host, wanted.port), timeout=seconds))


def _answer(connection: SshConnection, wanted: Probe) -> bytes:
    """Have a manager whose login may only look ask, and return what it was answered."""
    try:
        asked = connection.look(f"probe {url(wanted)}", deadline_seconds=wanted.timeout_seconds)
    except LookOnlyError as error:
        raise ForwardRefusedError(0, "; ".join(error.problems[0].evidence)) from error
    if asked.rc != 0:
        raise ForwardRefusedError(0, asked.words)
    return asked.stdout


def url(wanted: Probe) -> str:
    """Return a probe as the key of a login that may only look declares it."""
    host = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
    match wanted:
        case TcpProbe():
            return f"tcp://{host}:{wanted.port}"
        case PostgresProbe():
            return f"postgres://{host}:{wanted.port}"
        case HttpProbe():
            return f"http://{host}:{wanted.port}{wanted.path}"


class _Answered:
    """An answer that is there already, whatever is asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = io.BytesIO(answer)
        self.recv = self._answer.read
        self.close = self._answer.close

    def settimeout(self, timeout: float | None, /) -> None:
        """Do nothing: nothing is waited for."""

    def sendall(self, data: bytes, /) -> None:
        """Do nothing: the manager asked."""


def _asked(wanted: Probe, stream: Stream, clock: Clock, ends: float) -> tuple[bool, str]:
    stream.settimeout(max(ends - clock(), 0.01))
    match wanted:
        case TcpProbe():
            return True, "connected"
        case PostgresProbe():
            return _postgres(DeadlineReader(stream, clock, ends), stream)
        case HttpProbe():
            return _http(wanted, stream, clock, ends)


def _postgres(reader: DeadlineReader, stream: Stream) -> tuple[bool, str]:
    stream.sendall(_SSL_REQUEST)
    # Asked for more than the one byte: an SSH server greets with "SSH-...", an S as well.
    answer = reader.read(len(_SSL_REQUEST)) or b""
    if answer in {b"S", b"N"}:
        return True, f"PostgreSQL answers {answer.decode()} to SSLRequest"
    if not answer:
        return False, f"{_EMPTY} to SSLRequest"
    return False, f"this is no PostgreSQL: it answers {answer!r} to SSLRequest"


class _Conversation:
    """A stream that http.client takes for a socket, every read of it ending in time."""

    def __init__(self, stream: Stream, clock: Clock, ends: float) -> None:
        self._reader = DeadlineReader(stream, clock, ends)
        self.sendall = stream.sendall
        self.close = stream.close

    def makefile(self, *_mode: object, **_options: object) -> DeadlineReader:
        return self._reader


def _http(wanted: HttpProbe, stream: Stream, clock: Clock, ends: float) -> tuple[bool, str]:
    connection = HTTPConnection(wanted.host, wanted.port)
    connection.sock = _Conversation(stream, clock, ends)
    connection.request("GET", wanted.path, headers={"Connection": "close"})
    answer = connection.getresponse()
    body = answer.read(_MOST_BYTES)
    if answer.status != wanted.status:
        return False, f"HTTP {answer.status} {answer.reason}: {_start(body) or _EMPTY}"
    if wrong := unmet(wanted.expect, body):
        return False, wrong
    return True, f"HTTP {answer.status}"


def _start(body: bytes) -> str:
    return " ".join(body[:200].decode(errors="replace").split())


def unmet(expected: tuple[JsonExpectation, ...], body: bytes) -> str:
    """Return what in a JSON answer is not as expected, "" when all of it is."""
    if not expected:
        return ""
    try:
        answer = read_json(body)
    except ValueError:
        start = _start(body)
        return f"the answer is not JSON: {start}" if start else f"{_EMPTY}, where JSON is expected"
    for expectation in expected:
        seen = _at(answer, expectation.path)
        # 1 == True in Python, not in JSON.
        if seen != expectation.equals or type(seen) is not type(expectation.equals):
            shown = "missing" if seen is _MISSING else json.dumps(seen)[:100]
            return f"{expectation.path} is {shown}, not {json.dumps(expectation.equals)}"
    return ""


_MISSING = object()


def _at(answer: object, path: str) -> object:
    """Return what stands at a dotted path; a number is a position in a list."""
    for part in path.split("."):
        if isinstance(answer, dict) and part in answer:
            answer = answer[part]
        elif isinstance(answer, list) and part.isdigit() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            return _MISSING
    return answer
