import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    PostgresProbe,
    Probe,
    TcpProbe,
    Via,
)
from orchestrator.procedures.effects import ProbeResult, RunProbe, deciding
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.probes import unmet
from tests.swarm.sshd import SITE, free_port

HEALTH = b'{"status":"ok","checks":{"database":{"status":"ok"},"n":[{"up":true}]}}'


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def answering(answer: bytes, *, pause: float = 0.0) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one connection: take what comes, answer, a byte at a time if there is a pause."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer, pause, heard), daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        # Who still waits in accept would take the connections of the next socket of that number.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket, answer: bytes, pause: float, heard: list[bytes]) -> None:
    with suppress(OSError):  # the probe hangs up when it has seen enough
        client, _ = listener.accept()
        with client:
            heard.append(client.recv(4096))
            for start in range(len(answer) if pause else 1):
                client.sendall(answer[start : start + 1] if pause else answer)
                time.sleep(pause)


def sent(performer: LivePerformer, probe: Probe) -> ProbeResult:
    result = performer.perform(RunProbe(site=SITE, probe=probe))
    assert isinstance(result, ProbeResult)
    return result


@pytest.mark.parametrize("via", Via)
class TestFromBothSides:
    def test_http_with_expectations(self, performer: LivePerformer, via: Via) -> None:
        expect = (
            JsonExpectation(path="checks.database.status", equals="ok"),
            JsonExpectation(path="checks.n.0.up", equals=True),
        )
        with answering(http(HEALTH)) as (port, heard):
            probe = HttpProbe(
                name="h", host="127.0.0.1", port=port, path="/health/check", via=via, expect=expect
            )
            result = sent(performer, probe)
        assert (result.ok, result.words) == (True, "HTTP 200")
        assert heard[0].startswith(b"GET /health/check HTTP/1.1\r\nHost: 127.0.0.1:")

    def test_http_of_another_status(self, performer: LivePerformer, via: Via) -> None:
        with answering(http(b"migrating\n", "503 Busy")) as (port, _):
            result = sent(performer, HttpProbe(name="h", host="127.0.0.1", port=port, via=via))
        assert (result.ok, result.words) == (False, "HTTP 503 Busy: migrating")

    def test_http_of_another_status_without_a_word(
        self, performer: LivePerformer, via: Via
    ) -> None:
        with answering(http(b"", "503 Busy")) as (port, _):
            result = sent(performer, HttpProbe(name="h", host="127.0.0.1", port=port, via=via))
        assert (result.ok, result.words) == (False, "HTTP 503 Busy: an empty answer")

    def test_http_that_speaks_something_else(self, performer: LivePerformer, via: Via) -> None:
        with answering(b"SSH-2.0-x\r\n") as (port, _):
            result = sent(performer, HttpProbe(name="h", host="127.0.0.1", port=port, via=via))
        assert not result.ok
        assert result.words

    def test_http_that_drips_is_given_up_in_time(self, performer: LivePerformer, via: Via) -> None:
        with answering(http(HEALTH), pause=0.05) as (port, _):
            probe = HttpProbe(name="h", host="127.0.0.1", port=port, via=via, timeout_seconds=0.5)
            began = time.monotonic()
            result = sent(performer, probe)
        assert (result.ok, result.words) == (False, "no answer within 0.5 s")
        assert time.monotonic() - began < 3

    @pytest.mark.parametrize(
        ("answer", "ok"), [(b"S", True), (b"N", True), (b"H", False), (b"SSH-2.0", False)]
    )
    def test_postgres(self, performer: LivePerformer, via: Via, answer: bytes, *, ok: bool) -> None:
        with answering(answer) as (port, heard):
            probe = PostgresProbe(name="pg", host="127.0.0.1", port=port, via=via)
            result = sent(performer, probe)
        assert result.ok is ok
        assert answer.decode() in result.words
        assert heard == [b"\0\0\0\x08\x04\xd2\x16\x2f"]

    def test_postgres_that_hangs_up(self, performer: LivePerformer, via: Via) -> None:
        with answering(b"") as (port, _):
            probe = PostgresProbe(name="pg", host="127.0.0.1", port=port, via=via)
            result = sent(performer, probe)
        assert (result.ok, result.words) == (False, "an empty answer to SSLRequest")

    def test_tcp(self, performer: LivePerformer, via: Via) -> None:
        with answering(b"x") as (port, _):
            result = sent(performer, TcpProbe(name="t", host="127.0.0.1", port=port, via=via))
        assert (result.ok, result.words) == (True, "connected")

    def test_refused(self, performer: LivePerformer, via: Via) -> None:
        probe = TcpProbe(name="t", host="127.0.0.1", port=free_port(), via=via)
        result = sent(performer, probe)
        assert not result.ok
        assert "Connection refused" in result.words


@pytest.mark.parametrize(
    ("path", "equals", "words"),
    [
        ("status", "ok", ""),
        ("checks.database.status", "ok", ""),
        ("checks.n.0.up", True, ""),
        ("status", "down", 'status is "ok", not "down"'),
        ("checks.n.0.up", 1, "checks.n.0.up is true, not 1"),
        ("checks.api", "ok", 'checks.api is missing, not "ok"'),
        ("checks.n.1", None, "checks.n.1 is missing, not null"),
        ("status.deeper", "x", 'status.deeper is missing, not "x"'),
    ],
)
def test_expectations(path: str, equals: str | float | None, words: str) -> None:
    assert unmet((JsonExpectation(path=path, equals=equals),), HEALTH) == words


def test_an_answer_that_is_no_json() -> None:
    wanted = (JsonExpectation(path="a", equals=1),)
    assert unmet(wanted, b"<html>") == "the answer is not JSON: <html>"
    assert unmet(wanted, b"") == "an empty answer, where JSON is expected"
    assert unmet((), b"<html>") == ""


EXPECTED = (JsonExpectation(path="status", equals="ok"),)


@contextmanager
def answering_each(*answers: bytes) -> Iterator[int]:
    """Serve a connection for each of `answers`, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in answers:
                _serve(listener, answer, 0.0, [])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("odd", [b"", http(b""), http(b"<html>"), http(b"", "502 Bad Gateway")])
def test_one_odd_answer_is_asked_again_by_who_decides(performer: LivePerformer, odd: bytes) -> None:
    with answering_each(odd, http(HEALTH)) as port:
        probe = HttpProbe(name="h", host="127.0.0.1", port=port, via=Via.HERE, expect=EXPECTED)
        result = performer.perform(deciding(SITE, probe))
    assert isinstance(result, ProbeResult)
    assert (result.ok, result.words) == (True, "HTTP 200")


def test_what_is_answered_badly_for_so_long_is_told_as_it_was_last(
    performer: LivePerformer,
) -> None:
    with answering_each(*[http(b"")] * 4) as port:
        probe = HttpProbe(name="h", host="127.0.0.1", port=port, via=Via.HERE, expect=EXPECTED)
        result = performer.perform(RunProbe(site=SITE, probe=probe, patience_seconds=1.2))
    assert isinstance(result, ProbeResult)
    assert (result.ok, result.words) == (False, "an empty answer, where JSON is expected")


def test_who_asks_again_anyway_asks_once(performer: LivePerformer) -> None:
    with answering_each(http(b""), http(HEALTH)) as port:
        probe = HttpProbe(name="h", host="127.0.0.1", port=port, via=Via.HERE, expect=EXPECTED)
        assert not sent(performer, probe).ok
