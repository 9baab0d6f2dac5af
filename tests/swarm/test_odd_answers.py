"""What a daemon may say that nobody foresaw: that is the trouble of its site alone."""

import json
import time
from typing import Any

import pytest

from orchestrator.fleet.desired import TcpProbe
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import (
    Answer,
    ConfigAnswer,
    ConfigResult,
    DeleteConfig,
    Effect,
    Observe,
    ProbeResult,
    ReadConfig,
    RemoveServices,
    Result,
    RunProbe,
    WatchPulls,
)
from orchestrator.swarm import unforeseen
from orchestrator.swarm.http_pipe import HttpPipe, Request
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.daemon import Daemon, captured
from tests.swarm.sshd import SITE

DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
DIGITS = "9" * 400


def altered(name: str, **changes: object) -> bytes:
    whole: Any = json.loads(captured(name))
    for key, value in changes.items():
        (whole[0] if isinstance(whole, list) else whole)[key] = value
    return json.dumps(whole).encode()


def spec_with(template: dict[str, object]) -> bytes:
    whole = json.loads(captured("services"))
    whole[0]["Spec"]["TaskTemplate"] |= template
    return json.dumps(whole).replace(f'"{DIGITS}"', DIGITS).encode()


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/version", altered("version", ApiVersion="abc")),
        ("/version", altered("version", ApiVersion="")),
        ("/version", altered("version", MinAPIVersion="1.x")),
        ("/version", b"[]"),
        ("/info", DEEP),
        ("/info", altered("info", Swarm=[])),
        ("/info", altered("info", SystemTime="yesterday")),
        ("/services", DEEP),
        ("/services", b"nonsense"),
        ("/services", altered("services", Version={"Index": "9" * 5000})),
        ("/tasks", altered("tasks", Status={"State": "running", "Timestamp": "never"})),
        ("/tasks", altered("tasks", DesiredState="up")),
        ("/nodes", altered("nodes", Status=7)),
        ("/containers/json", b"null"),
    ],
)
def test_what_cannot_be_read_is_unseen(
    daemon: Daemon, performer: LivePerformer, path: str, body: bytes
) -> None:
    daemon.replies[f"GET {path}"] = lambda: (200, body)
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Unseen), look
    assert look.problem.code == "docker.unreadable"
    assert look.problem.where.site == SITE
    assert all(len(line) < 1000 for line in look.problem.evidence)


UNIT = Unit("a", SITE)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (WatchPulls(site=SITE, run="r"), Unseen),
        (ReadConfig(site=SITE, name="n"), ConfigResult.FAILED),
        (DeleteConfig(site=SITE, id="i"), ConfigResult.UNKNOWN),
        (RemoveServices(unit=UNIT, ids=()), Result.UNKNOWN),
    ],
)
def test_what_raised_is_told_as_what_it_means(effect: Effect, expected: object) -> None:
    seen = unforeseen.observation(effect, OverflowError("too large"), 7.0)
    if isinstance(seen, Unseen):
        assert expected is Unseen
        assert seen.problem.evidence == ("OverflowError: too large",)
        return
    assert isinstance(seen, (Answer, ConfigAnswer))
    assert (seen.result, seen.at, seen.words) == (expected, 7.0, "OverflowError: too large")
    assert seen.problem is not None


@pytest.mark.usefixtures("docker")
def test_a_number_without_an_end_is_a_number(daemon: Daemon, performer: LivePerformer) -> None:
    restart = {"Condition": "any", "Delay": DIGITS, "MaxAttempts": DIGITS, "Window": DIGITS}
    daemon.replies["GET /services"] = lambda: (200, spec_with({"RestartPolicy": restart}))
    assert isinstance(performer.perform(Observe(site=SITE)), Sight)


def test_a_probe_that_raised_has_failed() -> None:
    probe = RunProbe(site=SITE, probe=TcpProbe(name="p", host="h", port=1))
    seen = unforeseen.observation(probe, ValueError("odd"), 7.0)
    assert seen == ProbeResult(ok=False, at=7.0, words="ValueError: odd")


class _Endless:
    """A stream that never stops answering."""

    def __init__(self) -> None:
        self._head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"

    def settimeout(self, timeout: float | None, /) -> None:
        del timeout

    def sendall(self, data: bytes, /) -> None:
        del data

    def recv(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or b"x" * size

    def close(self) -> None:
        """Be a stream."""


def test_an_answer_without_an_end_fills_no_memory() -> None:
    pipe = HttpPipe(_Endless(), time.monotonic)
    with pytest.raises(Exception, match="more than 67108864 bytes"):
        pipe.exchange([Request("/info")], ends=time.monotonic() + 300)
