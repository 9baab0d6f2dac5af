"""What the Engine API answers when it is asked for logs: frames, times and details.

`GET /services/{id}/logs` and `/tasks/{id}/logs` (moby daemon/cluster/services.go). Each line is
`TIME DETAILS TEXT`; DETAILS tell task and node, as `name=value` pairs (api/server/httputils).
Lines come in frames of an 8 byte head (stream, 0, 0, 0, length) unless the service has a TTY.
Lines of one task come in their order; those of several tasks are not sorted.
"""

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import parse_qsl, urlencode

from orchestrator.errors import FleetError, Problem, Where
from orchestrator.fleet.logs import NOWHERE, LogLine, LogQuery, Place, nanoseconds
from orchestrator.swarm import parse, problems
from orchestrator.swarm.dial_stdio import DialStdio
from orchestrator.swarm.engine_api import EngineApi
from orchestrator.swarm.http_pipe import Request
from orchestrator.words.foreign_json import read_json, within

_HEAD = struct.Struct(">BxxxL")
_STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}
_SYSTEM_ERROR = 3
"""What went wrong on the way comes as a frame of this stream (moby pkg/stdcopy)."""
_LARGEST_FRAME = 1 << 20
_LONGEST_LINE = 1 << 16
_NOT_FOUND = 404
_TASK, _NODE = "com.docker.swarm.task.id", "com.docker.swarm.node.id"


class _Patient(io.RawIOBase):
    """Reads a stream by an end, or without one for as long as the connection lives."""

    def __init__(
        self, stream: DialStdio, remaining: Callable[[], float | None], quiet_seconds: float
    ) -> None:
        super().__init__()
        self._stream = stream
        self._remaining = remaining
        self._quiet_seconds = quiet_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # bytes-like
        while True:
            left = self._remaining()
            if left is not None and left <= 0:
                raise TimeoutError("the answer did not come in time")
            self._stream.settimeout(self._quiet_seconds if left is None else left)
            try:
                data = self._stream.recv(len(buffer))
            except TimeoutError:
                if left is None and self._stream.connected():
                    continue
                raise
            buffer[: len(data)] = data
            return len(data)


class _Socket:
    """What http.client asks of a socket: makefile (http/client.py, HTTPResponse.__init__)."""

    def __init__(self, raw: _Patient) -> None:
        self._raw = raw

    def makefile(self, *_mode: object, **_options: object) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a read may take, by `clock`, the observer's.

    `seconds`: until the last line must have come; to follow, until the answer begins. `pause`:
    so long after the last line the next one is waited for, unless it is followed. `quiet`: after
    so many seconds without a word while following, sshd is asked for a sign of life.
    """

    clock: Callable[[], float]
    seconds: float = 20.0
    pause: float = 5.0
    quiet: float = 15.0


def read_log(api: EngineApi, query: LogQuery, patience: Patience) -> Iterator[LogLine]:
    """Yield the lines that `query` asks for; those of a service that is gone meanwhile are none.

    Args:
        api: of the site's manager. A channel of its own is opened.
        query: what is asked.
        patience: while a node hangs and is not called down yet, its Swarm waits for its lines
            (measured on 20.10), which is why a pause ends it here.

    Raises:
        FleetError: the site cannot be asked, or not all of it could be read (logs.incomplete).

    """
    ends = patience.clock() + patience.seconds
    bare = _bare(api, query)
    if bare is None:
        return
    version, stream = api.fresh()
    response = None
    try:
        response = _begun(stream, _path(query, version), query, patience, ends)
        yield from _lines(query, response, bare=bare)
        stream.check()
    except (OSError, EOFError, HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) and response is not None and stream.connected():
            words = f"nothing more came for {patience.pause:g} s"
            raise FleetError(problems.logs_incomplete(_where(query), words)) from error
        raise FleetError(stream.explain(error).at(_where(query))) from error
    finally:
        stream.close()


def _bare(api: EngineApi, query: LogQuery) -> bool | None:
    """Whether lines come without frames, as those of a TTY do; None if there is no such thing."""
    (answer,) = api.ask([Request(f"/{query.of.value}/{query.id}")])
    if answer.status == _NOT_FOUND:
        return None
    if not answer.ok:
        raise FleetError(_refused(query, answer.body))
    spec = within(read_json(answer.body), "Spec")
    template = within(spec, "TaskTemplate") or spec  # a task's has none around it
    if within(template, "LogDriver", "Name") == "none":
        # Asked all the same, the daemon answers nothing, or that the context was cancelled.
        raise FleetError(problems.logs_not_kept(_where(query)))
    return bool(within(template, "ContainerSpec", "TTY"))


def _path(query: LogQuery, version: str) -> str:
    asked = {
        "stdout": 1,
        "stderr": 1,
        "timestamps": 1,
        "details": 1,
        "follow": int(query.follow),
        "tail": query.tail,
        **({"since": f"{query.since:.9f}"} if query.since else {}),
    }
    return f"/v{version}/{query.of.value}/{query.id}/logs?{urlencode(asked)}"


def _begun(
    stream: DialStdio, path: str, query: LogQuery, patience: Patience, ends: float
) -> HTTPResponse:
    """Ask, and return the answer as soon as it begins."""
    stream.settimeout(max(ends - patience.clock(), 0.05))
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
    begun = [False]

    def remaining() -> float | None:
        left = ends - patience.clock()
        if not begun[0]:
            return left
        return None if query.follow else min(left, patience.pause)

    raw = _Patient(stream, remaining, patience.quiet)
    response = HTTPResponse(_Socket(raw))  # type: ignore[arg-type] # all it asks of a socket
    response.begin()
    if response.status not in (200, _NOT_FOUND):
        raise FleetError(_refused(query, response.read(_LONGEST_LINE)))
    begun[0] = True
    return response


def _lines(query: LogQuery, response: HTTPResponse, *, bare: bool) -> Iterator[LogLine]:
    if response.status == _NOT_FOUND:
        return
    places = dict(query.places)
    if bare:
        while raw := response.readline(_LONGEST_LINE):
            yield from _parsed(query, places, "stdout", raw)
        return
    while head := response.read(_HEAD.size):
        kind, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (-1, 0)
        if length > _LARGEST_FRAME or kind not in (*_STREAMS, _SYSTEM_ERROR):
            said = head.decode(errors="replace")
            raise FleetError(problems.docker(query.unit.site, "docker.unreadable", said))
        raw = response.read(length)
        if kind == _SYSTEM_ERROR:
            raise FleetError(problems.logs_incomplete(_where(query), _words(raw)))
        yield from _parsed(query, places, _STREAMS[kind], raw)


def _parsed(
    query: LogQuery, places: Mapping[str, Place], stream: str, raw: bytes
) -> Iterator[LogLine]:
    words = raw.decode(errors="replace").rstrip("\r\n")
    stamp, _, rest = words.partition(" ")
    at = nanoseconds(stamp)
    if at is None:
        return
    details, _, text = rest.partition(" ")
    told = dict(parse_qsl(details.replace("&", "%26").replace(",", "&")))
    task = told.get(_TASK, "")
    place = places.get(task, NOWHERE)
    yield LogLine(
        at=at,
        unit=query.unit,
        service=query.service,
        slot=place.slot,
        task=task,
        node=place.node,
        stream=stream,
        text=text,
    )


def _words(raw: bytes) -> str:
    return raw.decode(errors="replace").strip()


def _where(query: LogQuery) -> Where:
    return Where(site=query.unit.site, stack=query.unit.stack, service=query.service)


def _refused(query: LogQuery, body: bytes) -> Problem:
    words = parse.message(body)
    return problems.docker(query.unit.site, problems.docker_code(words), words).at(_where(query))
