"""The Docker Engine API over our SSH connection: batches for looking, the SDK for the rest."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from typing import Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_DOCKER_API_VERSION
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import EmptyPoolError

from orchestrator.errors import FleetError
from orchestrator.fleet.observed import SwarmInfo
from orchestrator.swarm import lateness, parse, problems
from orchestrator.swarm.dial_stdio import DialStdio
from orchestrator.swarm.http_pipe import HttpPipe, Request, Response

OLDEST_API = "1.40"
SDK_CHANNELS = 2
"""Beside the one that looks use: three sessions for the Engine API in all."""
_SDK_SECONDS = 30
"""A write blocks up to 20 s while a Swarm has no leader (moby daemon/cluster/cluster.go)."""


TURN_SECONDS = 60.0
"""How long one waits for others who are talking to the same daemon, each of whom is bounded."""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def negotiate(site: str, newest: str, oldest: str) -> str:
    """Return the API version to speak with a daemon that knows `oldest` to `newest`.

    Raises:
        FleetError: there is none (docker.too-old).

    """
    version = min(newest, DEFAULT_DOCKER_API_VERSION, key=_number)
    if not max(_number(OLDEST_API), _number(oldest)) <= _number(version):
        words = f"the daemon speaks API {oldest} to {newest}"
        raise FleetError(problems.docker(site, "docker.too-old", words))
    return version


class _Gate(threading.local):
    """Until when what a thread asks for may be sent."""

    not_after: float | None = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def check(self) -> None:
        lateness.check(self._clock, self.not_after)


class _Connection(HTTPConnection):
    """An HTTP connection whose socket is an SSH channel."""

    def __init__(self, open_stream: Callable[[], DialStdio], gate: _Gate) -> None:
        super().__init__("docker")
        self._open_stream = open_stream
        self._gate = gate

    def connect(self) -> None:
        stream = self._open_stream()
        stream.settimeout(self.timeout if isinstance(self.timeout, (int, float)) else None)
        self.sock = stream

    def send(self, data: object) -> None:
        # Opening the channel takes a while: what has to be in time is what is sent on it.
        if self.sock is None:
            self.connect()
        self._gate.check()
        super().send(data)  # type: ignore[arg-type] # whatever http.client takes

    @property
    def is_connected(self) -> bool:
        # urllib3 would ask select(), which makes a pipe for every channel of paramiko.
        return isinstance(self.sock, DialStdio) and self.sock.idle


class _Pool(HTTPConnectionPool):
    def __init__(self, open_stream: Callable[[], DialStdio], gate: _Gate) -> None:
        super().__init__("docker", maxsize=SDK_CHANNELS, block=True)
        self._open_stream = open_stream
        self._gate = gate

    def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ANN401 urllib3 keeps its type private
        # requests names no time-out, and would wait here for ever.
        return super()._get_conn(timeout=TURN_SECONDS if timeout is None else timeout)

    def _new_conn(self) -> _Connection:
        return _Connection(self._open_stream, self._gate)


class ChannelAdapter(HTTPAdapter):
    """Sends requests of the SDK over SSH channels: one pool a site, whatever the URL."""

    def __init__(self, site: str, open_stream: Callable[[], DialStdio], gate: _Gate) -> None:
        super().__init__(max_retries=urllib3.Retry(0, read=False))
        self._site = site
        self._pool = _Pool(open_stream, gate)

    def get_connection_with_tls_context(
        self, *_args: object, **_kwargs: object
    ) -> HTTPConnectionPool:
        """Return the only pool there is."""
        return self._pool

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 as requests'
        """Send a request; FleetError, and nothing sent, when no channel is free for too long."""
        try:
            return super().send(*args, **kwargs)
        except EmptyPoolError as error:
            problem = problems.in_use(self._site, "every channel to the daemon", TURN_SECONDS)
            raise FleetError(problem) from error

    def close(self) -> None:
        """Close every channel."""
        self._pool.close()
        super().close()


class EngineApi:
    """The Engine API of one site's manager. Thread-safe.

    Looks share one channel and are answered in batches; everything else goes through the
    docker SDK over at most SDK_CHANNELS more.
    """

    def __init__(
        self,
        site: str,
        open_stream: Callable[[], DialStdio],
        clock: Callable[[], float],
        read_seconds: float,
    ) -> None:
        self._site = site
        self._open_stream = open_stream
        self._clock = clock
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._sdk_lock = threading.Lock()
        self._line: tuple[HttpPipe, DialStdio] | None = None
        self._version = ""
        self._info: tuple[float, SwarmInfo] | None = None
        self._sdk: docker.APIClient | None = None
        self._gate = _Gate(clock)

    @property
    def version(self) -> str:
        """The API version in use, "" before the first exchange."""
        return self._version

    def ask(self, requests_: Iterable[Request], *, seconds: float = 0.0) -> list[Response]:
        """Ask the daemon several things in one round trip; paths without the API version.

        Args:
            requests_: GETs that do not depend on each other.
            seconds: until when the last answer must be there; 0 takes the default.

        Raises:
            FleetError: the daemon cannot be asked, or did not answer in time.

        """
        with self._turn(self._lock):
            ends = self._clock() + (seconds or self._read_seconds)
            return self._exchange(list(requests_), ends)

    @contextmanager
    def _turn(self, lock: threading.Lock) -> Iterator[None]:
        """Hold `lock`; FleetError when others hold it for too long."""
        if not lock.acquire(timeout=TURN_SECONDS):
            what = "the channel to the daemon"
            raise FleetError(problems.in_use(self._site, what, TURN_SECONDS))
        try:
            yield
        finally:
            lock.release()

    def ask_with_info(
        self, requests_: Iterable[Request], *, max_age_seconds: float
    ) -> tuple[SwarmInfo, list[Response]]:
        """Ask likewise, and tell the daemon's info as it was at most `max_age_seconds` ago.

        Raises:
            FleetError: as `ask`; also when the info itself is refused.

        """
        known = self._info
        if known is not None and self._clock() - known[0] <= max_age_seconds:
            return known[1], self.ask(requests_)
        at = self._clock()
        raw, *answers = self.ask([Request("/info"), *requests_])
        if not raw.ok:
            words = parse.message(raw.body)
            raise FleetError(problems.docker(self._site, problems.docker_code(words), words))
        info = parse.info(raw.body)
        self._info = (at, info)
        return info, answers

    def _exchange(self, requests_: Sequence[Request], ends: float) -> list[Response]:
        standing = self._line if self._line is not None and self._line[1].idle else None
        pipe, stream = standing or self._opened(ends)
        versioned = [Request(f"/v{self._version}{r.path}", r.method) for r in requests_]
        try:
            return _ask(pipe, stream, versioned, ends)
        except FleetError:
            self._drop()
            raise

    def _opened(self, ends: float) -> tuple[HttpPipe, DialStdio]:
        """Open a channel for looks; it is kept only once a version has been agreed on."""
        self._drop()
        stream = self._open_stream()
        pipe = HttpPipe(stream, self._clock)
        with ExitStack() as undo:
            undo.callback(pipe.close)
            answer = _ask(pipe, stream, [Request("/version")], ends)[0]
            try:
                versions = parse.api_versions(answer.body)
            except ValidationError as error:
                words = answer.body[:200].decode(errors="replace")
                problem = problems.docker(self._site, "docker.unreadable", words)
                raise FleetError(problem) from error
            self._version = negotiate(self._site, *versions)
            undo.pop_all()
        self._line = (pipe, stream)
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line[0].close()
        self._line = None
        self._info = None

    def fresh(self) -> tuple[str, DialStdio]:
        """Return the version to speak and a channel of its own, for one long answer.

        Raises:
            FleetError: the daemon cannot be asked for its version, or there is no session.

        """
        if not self._version:
            self.ask(())
        return self._version, self._open_stream()

    def sdk(self) -> docker.APIClient:
        """Return the docker SDK's client for this daemon.

        Raises:
            FleetError: the daemon cannot be asked for its version.

        """
        with self._turn(self._sdk_lock):
            if self._sdk is None:
                if not self._version:
                    self.ask(())
                self._sdk = _client(
                    self._version, ChannelAdapter(self._site, self._open_stream, self._gate)
                )
            return self._sdk

    @contextmanager
    def begun_by(self, not_after: float | None) -> Iterator[None]:
        """Let this thread's requests through the SDK raise LateError past `not_after` (clock)."""
        before, self._gate.not_after = self._gate.not_after, not_after
        try:
            yield
        finally:
            self._gate.not_after = before

    def write(self, request: Request, body: object = None) -> Response:
        """Send one request that changes something, once; `body` goes as JSON.

        The generic way, for what the SDK has no method for (an update of a config) or not the
        status of the answer. 30 s are waited for each part of the answer.

        Raises:
            FleetError: nothing was sent to the daemon.
            LateError: nothing was sent to the daemon, see `begun_by`.
            requests.RequestException: it was sent, and there is no answer.

        """
        sdk = self.sdk()
        url = f"{sdk.base_url}/v{self._version}{request.path}"
        answer = sdk.request(
            request.method, url, json=body, timeout=_SDK_SECONDS, allow_redirects=False
        )
        return Response(answer.status_code, answer.content)

    def close(self) -> None:
        """Close every channel; those in use end with their connection, and nobody waits for them.

        Whoever opens one to a site that does not answer holds it for as long as that takes.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()
        if self._sdk_lock.acquire(blocking=False):
            try:
                if self._sdk is not None:
                    self._sdk.close()
            finally:
                self._sdk_lock.release()


def _ask(
    pipe: HttpPipe, stream: DialStdio, requests_: Sequence[Request], ends: float
) -> list[Response]:
    try:
        return pipe.exchange(requests_, ends=ends)
    except (OSError, EOFError, HTTPException) as error:
        raise FleetError(stream.explain(error)) from error


def info_through(
    site: str, stream: DialStdio, clock: Callable[[], float], seconds: float
) -> SwarmInfo:
    """Ask a fresh stream who answers there; it can be used for other requests afterwards.

    Raises:
        FleetError: the daemon cannot be asked, or says what nobody understands.

    """
    answer = _ask(HttpPipe(stream, clock), stream, [Request("/info")], clock() + seconds)[0]
    try:
        if answer.ok:
            return parse.info(answer.body)
        words = parse.message(answer.body)
    except ValidationError as error:
        problem = problems.docker(site, "docker.unreadable", str(error).splitlines()[0])
        raise FleetError(problem) from error
    raise FleetError(problems.docker(site, problems.docker_code(words), words))


def _client(version: str, adapter: ChannelAdapter) -> docker.APIClient:
    """Return an SDK client that speaks only through our channels.

    Its constructor connects nowhere when it is given a version.
    """
    client = docker.APIClient(base_url="http://docker:2375", version=version, timeout=_SDK_SECONDS)
    client.trust_env = False  # no proxies or .netrc of the operator's machine
    client.mount("http://", adapter)
    return client
