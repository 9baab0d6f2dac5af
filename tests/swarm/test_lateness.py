"""`not_after`: what is late is not sent, and nothing is told late of which a part was sent."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import paramiko
import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Mutation,
    PullImages,
    PullOnNodes,
    RemoveLeftovers,
    RemoveServices,
    Result,
    ShipRelease,
)
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.dial_stdio import DialStdio, open_stream
from orchestrator.swarm.engine_api import EngineApi
from orchestrator.swarm.lateness import LateError, check
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.remote_command import Conversation, over_stdin
from tests.swarm.conftest import perform_through
from tests.swarm.daemon import Command, Daemon, Reply, captured
from tests.swarm.releases import release
from tests.swarm.sshd import SITE, Operator, Server, free_port

UNIT = Unit("datatrail", SITE)
DEPLOY = DeployStack(unit=UNIT, release=release(), labels=(), timeout_seconds=10)
MUTATIONS: tuple[Mutation, ...] = (
    RemoveServices(unit=UNIT, ids=("s1", "s2")),
    RemoveLeftovers(unit=UNIT, networks=("n",), secrets=("s",), configs=("c",)),
    ShipRelease(site=SITE, release=release()),
    PullImages(site=SITE, images=("a",), timeout_seconds=10),
    PullOnNodes(site=SITE, run="r"),
    DEPLOY,
)


@dataclass
class Clock:
    """The true one, that can be put forward: the seconds that something took."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead

    def pass_(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(operator: Operator, server: Server, clock: Clock) -> Iterator[LivePerformer]:
    performer = perform_through(operator, server.port, clock)
    yield performer
    performer.close()


def answered(performer: LivePerformer, effect: Mutation) -> Answer:
    answer = performer.perform(effect)
    assert isinstance(answer, Answer)
    return answer


def gone() -> Reply:
    return 204, b""


def test_a_moment_is_not_past_itself() -> None:
    check(lambda: 5.0, 5.0)
    check(lambda: 5.0, None)
    with pytest.raises(LateError, match=r"not begun: 0.5 s too late"):
        check(lambda: 5.5, 5.0)


@pytest.mark.parametrize("effect", MUTATIONS, ids=lambda effect: type(effect).__name__)
class TestEveryMutation:
    def test_late_is_not_sent(
        self, daemon: Daemon, docker: Command, performer: LivePerformer, effect: Mutation
    ) -> None:
        answer = answered(performer, replace(effect, not_after=time.monotonic() - 1))
        assert (answer.result, answer.problem) == (Result.LATE, None)
        assert "too late" in answer.words
        assert (daemon.asked, docker.runs()) == ([], [])

    def test_in_time_is_sent(
        self, daemon: Daemon, docker: Command, performer: LivePerformer, effect: Mutation
    ) -> None:
        daemon.replies["DELETE *"] = gone
        performer.perform(ShipRelease(site=SITE, release=release()))
        answer = answered(performer, replace(effect, not_after=time.monotonic() + 60))
        assert answer.result is Result.OK, answer
        assert daemon.deleted() or docker.runs() or answer.words == "present"

    def test_one_that_finds_no_connection_is_as_without(
        self, operator: Operator, effect: Mutation
    ) -> None:
        performer = perform_through(operator, free_port())
        answer = answered(performer, replace(effect, not_after=time.monotonic() - 1))
        performer.close()
        assert answer.result is not Result.LATE
        assert answer.problem is not None
        assert answer.problem.code == "site.unreachable"


def test_nothing_of_a_late_release_arrives(performer: LivePerformer, server: Server) -> None:
    answered(performer, ShipRelease(site=SITE, release=release(), not_after=0.0))
    assert list(server.home.iterdir()) == []


@pytest.mark.usefixtures("docker")
class TestDeletions:
    def test_time_that_the_channel_took_counts(
        self, daemon: Daemon, timed: LivePerformer, clock: Clock
    ) -> None:
        def slowly() -> Reply:
            clock.pass_(1.0)
            return 200, captured("version")

        daemon.replies["DELETE *"] = gone
        daemon.replies["GET /version"] = slowly
        answer = answered(timed, RemoveServices(unit=UNIT, ids=("s1",), not_after=clock() + 0.9))
        assert answer.result is Result.LATE
        assert daemon.deleted() == []

    def test_time_that_the_session_took_counts(
        self, daemon: Daemon, connection: SshConnection, clock: Clock
    ) -> None:
        """The SDK opens its channel when it has a request: the moment comes in between."""

        def slowly() -> DialStdio:
            clock.pass_(1.0)
            return open_stream(SITE, connection)

        daemon.replies["DELETE *"] = gone
        api = EngineApi(SITE, slowly, clock, read_seconds=5.0)
        sdk = api.sdk()
        with api.begun_by(clock() + 0.9), pytest.raises(LateError):
            sdk.remove_config("c")  # type: ignore[no-untyped-call] # stubs lack types
        assert daemon.deleted() == []
        sdk.remove_config("c")  # type: ignore[no-untyped-call] # likewise
        assert daemon.deleted() == ["configs/c"]
        api.close()

    def test_some_late_ones_leave_it_unknown(
        self, daemon: Daemon, timed: LivePerformer, clock: Clock
    ) -> None:
        def slowly() -> Reply:
            clock.pass_(100.0)
            return gone()

        daemon.replies["DELETE *"] = slowly
        ids = tuple(f"s{number}" for number in range(8))
        effect = RemoveServices(unit=UNIT, ids=ids, not_after=clock() + 50)
        answer = answered(timed, effect)
        assert answer.result is Result.UNKNOWN
        assert 1 <= len(daemon.deleted()) <= 2
        assert "service s7: not begun" in answer.words
        assert "s0 deleted" in answer.words or "s1 deleted" in answer.words

    def test_the_next_one_is_not_held_to_the_moment_of_the_last(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies["DELETE *"] = gone
        late = RemoveServices(unit=UNIT, ids=("s1", "s2", "s3"), not_after=0.0)
        assert answered(performer, late).result is Result.LATE
        assert answered(performer, replace(late, not_after=None)).result is Result.OK


@dataclass
class Channel:
    """A session whose command takes its time to begin."""

    begin: Callable[[], object]
    given: list[bytes] = field(default_factory=list)

    def settimeout(self, seconds: float) -> None:
        """Take no notice."""

    def exec_command(self, line: str) -> None:
        self.line = line
        self.begin()

    def sendall(self, data: bytes) -> None:
        self.given.append(data)


def test_a_script_is_not_sent_to_a_shell_that_began_late() -> None:
    clock = Clock()
    channel = Channel(begin=lambda: clock.pass_(10))
    conversation = Conversation(
        cast("paramiko.Channel", channel),
        lambda _channel, line: channel.exec_command(line),
        clock,
        clock() + 100,
        not_after=clock() + 5,
    )
    with pytest.raises(LateError):
        conversation.hold("sh -c ...", b"script")
    assert channel.line
    assert channel.given == []


@pytest.mark.parametrize("shell", [["sh"], ["bash"], ["busybox", "sh"]])
def test_a_script_that_was_cut_on_its_way_does_nothing(tmp_path: Path, shell: list[str]) -> None:
    argv, text = over_stdin("echo one >>out\n(echo two >>out)\nif true; then echo >>out; fi\n")
    for cut in range(len(text)):
        command = [*shell, *argv[1:]]
        subprocess.run(command, input=text[:cut], cwd=tmp_path, capture_output=True, check=False)
        assert not (tmp_path / "out").exists(), text[:cut]
    subprocess.run([*shell, *argv[1:]], input=text, cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_text() == "one\ntwo\n\n"
