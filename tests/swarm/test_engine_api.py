import threading
import time

import docker.errors
import pytest

from orchestrator.errors import FleetError
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import Observe
from orchestrator.swarm import dial_stdio, problems
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.dial_stdio import DialStdio
from orchestrator.swarm.engine_api import SDK_CHANNELS, EngineApi, negotiate
from orchestrator.swarm.http_pipe import Request
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.daemon import Daemon, Reply, error
from tests.swarm.sshd import SITE


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [("1.40", "1.12", "1.40"), ("1.41", "1.12", "1.41"), ("1.99", "1.44", "1.45")],
)
def test_the_newest_version_both_sides_know_is_spoken(
    newest: str, oldest: str, spoken: str
) -> None:
    assert negotiate(SITE, newest, oldest) == spoken


@pytest.mark.parametrize(("newest", "oldest"), [("1.39", "1.12"), ("1.99", "1.60")])
def test_no_common_version_is_a_problem(newest: str, oldest: str) -> None:
    with pytest.raises(FleetError) as caught:
        negotiate(SITE, newest, oldest)
    assert caught.value.problems[0].code == "docker.too-old"


@pytest.fixture
def api(connection: SshConnection) -> EngineApi:
    return EngineApi(
        SITE, lambda: dial_stdio.open_stream(SITE, connection), time.monotonic, read_seconds=5.0
    )


@pytest.mark.usefixtures("docker")
class TestChannels:
    def test_answers_come_in_the_order_of_the_questions(
        self, daemon: Daemon, api: EngineApi
    ) -> None:
        daemon.replies["GET /missing"] = lambda: error(404, "no such thing")
        first, second, third = api.ask(map(Request, ("/nodes", "/missing", "/secrets")))
        assert [answer.ok for answer in (first, second, third)] == [True, False, True]
        assert b"hostname" in first.body.lower()
        assert b"job_s1" in third.body
        api.close()

    def test_the_sdk_keeps_to_its_channels_whatever_the_url(
        self, daemon: Daemon, api: EngineApi
    ) -> None:
        at_once, most, guard = [0], [0], threading.Lock()

        def counted() -> Reply:
            with guard:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            time.sleep(0.05)
            with guard:
                at_once[0] -= 1
            return 200, b"{}"

        daemon.replies["DELETE *"] = counted
        sdk = api.sdk()
        threads = [
            threading.Thread(target=sdk.remove_service, args=(f"s{number}",)) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(daemon.deleted()) == 8
        assert most[0] <= SDK_CHANNELS
        api.close()

    def test_the_daemons_words_come_through_the_sdk(self, daemon: Daemon, api: EngineApi) -> None:
        daemon.replies["DELETE *"] = lambda: error(500, "update out of sequence")
        with pytest.raises(docker.errors.APIError, match="update out of sequence"):
            api.sdk().remove_service("x")  # type: ignore[no-untyped-call] # stubs lack types
        api.close()

    def test_closing_ends_a_look_that_hangs(self, daemon: Daemon, performer: LivePerformer) -> None:
        performer.perform(Observe(site=SITE))
        daemon.hang.set()
        looks: list[object] = []
        thread = threading.Thread(
            target=lambda: looks.append(performer.perform(Observe(site=SITE)))
        )
        before = len(daemon.asked)
        thread.start()
        while len(daemon.asked) == before:
            time.sleep(0.01)
        performer.close()
        thread.join(5)
        assert not thread.is_alive()
        assert isinstance(looks[0], Unseen)


def test_closing_does_not_wait_for_a_channel_that_is_being_opened() -> None:
    opening, may_end = threading.Event(), threading.Event()

    def stuck() -> DialStdio:
        opening.set()
        may_end.wait(30)
        raise FleetError(problems.unreachable(SITE, "it does not answer", "timed out"))

    api = EngineApi(SITE, stuck, time.monotonic, read_seconds=5.0)

    def ask() -> None:
        with pytest.raises(FleetError):
            api.ask(())

    asking = threading.Thread(target=ask)
    asking.start()
    assert opening.wait(30)
    api.close()
    assert asking.is_alive()
    may_end.set()
    asking.join(30)
