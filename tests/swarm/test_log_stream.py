"""Reading logs through a real sshd from a stand-in daemon that answers as 20.10 was seen to."""

import json
import struct
import threading

import pytest

from orchestrator.errors import FleetError
from orchestrator.fleet.logs import LogLine, LogOf, LogQuery, Place
from orchestrator.fleet.unit import Unit
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import through_proxy
from tests.swarm.daemon import Daemon, error
from tests.swarm.sshd import SITE, Operator, Server

UNIT = Unit("app", SITE)
QUERY = LogQuery(
    unit=UNIT, service="web", id="s1", places=(("t1", Place(slot="3", node="kko-w1")),)
)
STAMP = "2026-11-22T23:24:01.306740938Z"
DETAILS = "com.docker.swarm.node.id=n1,com.docker.swarm.service.id=s1,com.docker.swarm.task.id=t1"
AT = 1_795_389_841_306_740_938

pytestmark = pytest.mark.usefixtures("docker")


def frame(text: str, stream: int = 1, stamp: str = STAMP) -> bytes:
    line = f"{stamp} {DETAILS} {text}\n".encode() if stream != 3 else text.encode()
    return struct.pack(">BxxxL", stream, len(line)) + line


def service(**template: object) -> bytes:
    return json.dumps({"Spec": {"TaskTemplate": template}}).encode()


@pytest.fixture(autouse=True)
def _there_is_a_service(daemon: Daemon) -> None:
    daemon.replies["GET /services/s1"] = lambda: (200, service(ContainerSpec={}))


def answers(daemon: Daemon, *parts: bytes, of: str = "services/s1") -> None:
    daemon.replies[f"GET /{of}/logs"] = lambda: (200, b"".join(parts))


def read(performer: LivePerformer, query: LogQuery = QUERY) -> list[LogLine]:
    return list(performer.logs.read(query))


def test_a_line_is_told_with_its_time_task_and_place(
    daemon: Daemon, performer: LivePerformer
) -> None:
    answers(daemon, frame("hello there"), frame("oh no", stream=2))
    first, second = read(performer)
    assert first == LogLine(
        at=AT, unit=UNIT, service="web", slot="3", task="t1", node="kko-w1", text="hello there"
    )
    assert (second.stream, second.text) == ("stderr", "oh no")


def test_it_is_asked_for_what_is_wanted(daemon: Daemon, performer: LivePerformer) -> None:
    answers(daemon)
    read(performer, LogQuery(unit=UNIT, service="web", id="s1", tail=7, since=12.5))
    asked = next(path for path in daemon.asked if "/logs?" in path)
    assert "tail=7" in asked
    assert "since=12.500000000" in asked
    assert "follow=0" in asked


def test_lines_of_a_terminal_come_without_frames(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.replies["GET /services/s1"] = lambda: (200, service(ContainerSpec={"TTY": True}))
    answers(daemon, f"{STAMP} {DETAILS} one\r\n{STAMP} {DETAILS} \r\n".encode())
    assert [line.text for line in read(performer)] == ["one", ""]


def test_lines_of_a_single_task(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.replies["GET /tasks/t1"] = lambda: (200, b'{"Spec": {"ContainerSpec": {}}}')
    answers(daemon, frame("last words"), of="tasks/t1")
    query = LogQuery(unit=UNIT, service="web", id="t1", of=LogOf.TASK)
    assert [line.text for line in read(performer, query)] == ["last words"]


def test_secrets_are_taken_out(daemon: Daemon, performer: LivePerformer) -> None:
    answers(daemon, frame("it is plan'ted $x and https://me:hunter2@example.org"))
    (line,) = read(performer)
    assert line.text == "it is *** and https://***@example.org"


def test_a_service_that_is_gone_meanwhile_said_nothing(
    daemon: Daemon, performer: LivePerformer
) -> None:
    daemon.replies["GET /services/s1"] = lambda: error(404, "service s1 not found")
    assert read(performer) == []
    daemon.replies["GET /services/s1"] = lambda: (200, service())
    daemon.replies["GET /services/s1/logs"] = lambda: error(404, "service s1 not found")
    assert read(performer) == []


def wrong(performer: LivePerformer) -> tuple[str, str, str]:
    with pytest.raises(FleetError) as raised:
        read(performer)
    (problem,) = raised.value.problems
    return problem.code, str(problem.where), " ".join(problem.evidence)


@pytest.mark.parametrize("path", ["services/s1", "services/s1/logs"])
def test_the_daemons_refusal_is_told(daemon: Daemon, performer: LivePerformer, path: str) -> None:
    daemon.replies[f"GET /{path}"] = lambda: error(503, "The swarm does not have a leader.")
    place = f"app@{SITE}/web"
    assert wrong(performer) == ("swarm.no-quorum", place, "The swarm does not have a leader.")


def test_a_refusal_of_ten_million_bytes_is_neither_read_nor_told(
    daemon: Daemon, performer: LivePerformer
) -> None:
    daemon.replies["GET /services/s1/logs"] = lambda: error(503, "no leader " * 1_000_000)
    assert len(wrong(performer)[2]) < 2000


def test_a_driver_that_keeps_nothing_is_told(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.replies["GET /services/s1"] = lambda: (200, service(LogDriver={"Name": "none"}))
    assert wrong(performer)[0] == "logs.not-kept"


def test_a_node_that_did_not_give_its_lines_is_told_after_those_of_the_others(
    daemon: Daemon, performer: LivePerformer
) -> None:
    said = "Error grabbing logs: rpc error: code = Canceled desc = context canceled\n"
    answers(daemon, frame("hello"), frame(said, stream=3))
    lines: list[LogLine] = []
    with pytest.raises(FleetError, match="not every node"):
        lines += performer.logs.read(QUERY)
    lines = []
    with pytest.raises(FleetError) as raised:
        lines.extend(performer.logs.read(QUERY))
    assert [line.text for line in lines] == ["hello"]
    assert raised.value.problems[0].evidence == (said.strip(),)


def test_a_node_that_hangs_is_not_waited_for_long(daemon: Daemon, performer: LivePerformer) -> None:
    """What other nodes gave is there; the rest is told to be missing."""
    answers(daemon, frame("hello"), frame("never"))
    daemon.quiet_after = len(frame("hello"))
    daemon.quiet.set()
    lines: list[LogLine] = []
    with pytest.raises(FleetError) as raised:
        lines.extend(performer.logs.read(QUERY))
    assert [line.text for line in lines] == ["hello"]
    (problem,) = raised.value.problems
    assert (problem.code, problem.evidence) == (
        "logs.incomplete",
        ("nothing more came for 0.5 s",),
    )


@pytest.mark.parametrize("junk", [b"\x01\0\0", b"\x09\0\0\0\0\0\0\x05hello", b"\x01\0\0\0\xff" * 3])
def test_what_makes_no_sense_is_told_and_not_waited_for(
    daemon: Daemon, performer: LivePerformer, junk: bytes
) -> None:
    answers(daemon, junk)
    assert wrong(performer)[0] == "docker.unreadable"


class TestFollowing:
    def test_many_at_once_take_more_connections(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        """As many as sshd grants sessions for (10) would leave none for anything else."""
        everyone = threading.Barrier(12)

        def reply() -> tuple[int, bytes]:
            everyone.wait(30)
            return 200, frame("hello")

        daemon.replies["GET /services/s1/logs"] = reply
        found: list[list[LogLine]] = []
        threads = [
            threading.Thread(target=lambda: found.append(read(performer))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [len(lines) for lines in found] == [1] * 12

    def test_silence_is_no_failure_while_the_link_lives(
        self, performer: LivePerformer, daemon: Daemon
    ) -> None:
        """The stand-in says nothing for several times as long as sshd is left in peace."""
        answers(daemon, frame("late"))
        daemon.quiet.set()
        threading.Timer(2.0, daemon.released.set).start()
        query = LogQuery(unit=UNIT, service="web", id="s1", follow=True)
        assert [line.text for line in read(performer, query)] == ["late"]

    @pytest.mark.parametrize("death", ["stall", "cut"])
    def test_a_link_that_dies_in_silence_is_noticed(
        self, operator: Operator, server: Server, daemon: Daemon, death: str
    ) -> None:
        answers(daemon, frame("never"))
        daemon.quiet.set()
        query = LogQuery(unit=UNIT, service="web", id="s1", follow=True)
        with through_proxy(operator, server) as (proxy, performer):
            proxy.later(death, 1.0)
            with pytest.raises(FleetError) as raised:
                list(performer.logs.read(query))
        assert raised.value.problems[0].code == "site.unreachable"
