import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import ExitCode
from orchestrator.procedures.effects import (
    Answer,
    CheckLock,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Effect,
    Intend,
    Observe,
    ObserveAll,
    PullImages,
    ReadConfig,
    Result,
    Saw,
    Sleep,
    StoredConfig,
    Tell,
    UpdateConfig,
)
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import perform_through, through_proxy
from tests.swarm.daemon import Daemon, Reply, error
from tests.swarm.sshd import SITE, Operator, Server, free_port

pytestmark = pytest.mark.usefixtures("docker")

ID = "9quniaxitmnis12kz4lkou5hb"
NAME = "dtdeploy.run"
CREATE = CreateConfig(site=SITE, name=NAME, labels=(("b", "2"), ("a", "1")), data=b"\0plan\n")
READ = ReadConfig(site=SITE, name=NAME)
UPDATE = UpdateConfig(site=SITE, id=ID, version=11, labels=(("a", "2"),))
DELETE = DeleteConfig(site=SITE, id=ID)
WRITES = (CREATE, UPDATE, DELETE)
UPDATED_AT = "2026-11-22T15:46:12.304392284Z"


def config(
    *, id_: str = ID, name: str = NAME, version: int = 11, labels: object = None
) -> dict[str, Any]:
    """Give what daemon 20.10 answers; without labels it says null."""
    data = base64.b64encode(CREATE.data).decode()
    return {
        "ID": id_,
        "Version": {"Index": version},
        "CreatedAt": "2026-11-22T15:46:12.131638094Z",
        "UpdatedAt": UPDATED_AT,
        "Spec": {"Name": name, "Labels": labels, "Data": data},
    }


def says(body: object, status: int = 200) -> Callable[[], Reply]:
    return lambda: (status, json.dumps(body).encode())


def no(status: int, words: str) -> Callable[[], Reply]:
    return lambda: error(status, words)


def performed(performer: LivePerformer, effect: Effect) -> ConfigAnswer:
    answer = performer.perform(effect)
    assert isinstance(answer, ConfigAnswer)
    return answer


def reply_to_writes(daemon: Daemon, reply: Callable[[], Reply]) -> None:
    """Answer every write so; the name of the config to update can be asked for."""
    daemon.replies[f"GET /configs/{ID}"] = says(config())
    daemon.replies["POST *"] = reply
    daemon.replies["DELETE *"] = reply


class TestCreate:
    def test_it_answers_with_the_config_as_it_stands(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies["POST /configs/create"] = says({"ID": ID}, 201)
        daemon.replies[f"GET /configs/{ID}"] = says(config(labels={"b": "2", "a": "1"}))
        answer = performed(performer, CREATE)
        assert (answer.result, answer.problem) == (ConfigResult.OK, None)
        assert answer.config == StoredConfig(
            id=ID,
            name=NAME,
            version=11,
            labels=(("a", "1"), ("b", "2")),
            data=CREATE.data,
            updated_at=UPDATED_AT,
        )
        assert [json.loads(body) for body in daemon.bodies] == [
            {
                "Name": NAME,
                "Labels": {"a": "1", "b": "2"},
                "Data": base64.b64encode(CREATE.data).decode(),
            }
        ]

    def test_half_a_megabyte_goes_over(self, daemon: Daemon, performer: LivePerformer) -> None:
        data = bytes(range(256)) * 2000
        body = config(labels={})
        body["Spec"]["Data"] = base64.b64encode(data).decode()
        daemon.replies["POST /configs/create"] = says({"ID": ID}, 201)
        daemon.replies[f"GET /configs/{ID}"] = says(body)
        answer = performed(performer, CreateConfig(site=SITE, name=NAME, labels=(), data=data))
        assert answer.config is not None
        assert answer.config.data == data
        assert base64.b64decode(json.loads(daemon.bodies[0])["Data"]) == data
        assert repr(data[:20])[2:-1] not in repr(answer)

    def test_a_name_that_is_there_is_taken(self, daemon: Daemon, performer: LivePerformer) -> None:
        words = f"rpc error: code = AlreadyExists desc = config {NAME} already exists"
        daemon.replies["POST /configs/create"] = no(409, words)
        answer = performed(performer, CREATE)
        assert (answer.result, answer.words) == (ConfigResult.TAKEN, words)
        assert (answer.config, answer.problem) == (None, None)

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"ID": ""}', b"<html>"])
    def test_a_success_nobody_understands_is_unknown(
        self, daemon: Daemon, performer: LivePerformer, body: bytes
    ) -> None:
        daemon.replies["POST /configs/create"] = lambda: (201, body)
        assert performed(performer, CREATE).result is ConfigResult.UNKNOWN


class TestRead:
    def test_of_all_that_begin_like_it_the_exact_one_is_picked(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        longer = config(id_="x" * 25, name=f"{NAME}.old")
        daemon.replies["GET /configs"] = says([longer, config(name="DtDeploy.Run"), longer])
        answer = performed(performer, READ)
        assert answer.config is not None
        assert (answer.result, answer.config.id) == (ConfigResult.OK, ID)
        assert (answer.config.name, answer.config.labels) == ("DtDeploy.Run", ())
        assert "name%22%3A%20%5B%22dtdeploy.run%22" in daemon.asked[-1]

    @pytest.mark.parametrize("found", [[], [config(name=f"{NAME}.old")], [config(name="run")]])
    def test_what_is_only_like_it_is_not_it(
        self, daemon: Daemon, performer: LivePerformer, found: object
    ) -> None:
        daemon.replies["GET /configs"] = says(found)
        answer = performed(performer, READ)
        assert (answer.result, answer.config) == (ConfigResult.ABSENT, None)
        assert answer.problem is None

    @pytest.mark.parametrize(
        ("status", "words", "code"),
        [
            (500, "rpc error: desc = The swarm does not have a leader.", "swarm.no-quorum"),
            (503, "This node is not a swarm manager. Worker ...", "swarm.not-manager"),
            (500, "whatever", "docker.refused"),
        ],
    )
    def test_a_refusal_is_a_failure(
        self, daemon: Daemon, performer: LivePerformer, status: int, words: str, code: str
    ) -> None:
        daemon.replies["GET /configs"] = no(status, words)
        answer = performed(performer, READ)
        assert (answer.result, answer.words) == (ConfigResult.FAILED, words)
        assert answer.problem is not None
        assert answer.problem.code == code

    @pytest.mark.parametrize("body", [b"", b"{}", b'[{"ID": "x"}]'])
    def test_what_nobody_understands_is_a_failure(
        self, daemon: Daemon, performer: LivePerformer, body: bytes
    ) -> None:
        daemon.replies["GET /configs"] = lambda: (200, body)
        answer = performed(performer, READ)
        assert answer.result is ConfigResult.FAILED
        assert answer.problem is not None
        assert answer.problem.code == "docker.unreadable"

    def test_an_answer_that_does_not_come_is_a_failure(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        performer.perform(Observe(site=SITE))
        daemon.hang.set()
        answer = performed(performer, READ)
        assert answer.result is ConfigResult.FAILED
        assert answer.problem is not None
        assert answer.problem.code == "docker.no-answer"

    def test_after_a_lost_connection_it_is_read_over_another(
        self, daemon: Daemon, operator: Operator, server: Server
    ) -> None:
        daemon.replies["GET /configs"] = says([config()])
        with through_proxy(operator, server) as (proxy, performer):
            assert performed(performer, READ).result is ConfigResult.OK
            proxy.cut()
            assert performed(performer, READ).result is ConfigResult.OK


class TestUpdate:
    def test_it_names_the_version_and_answers_with_the_next(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies[f"POST /configs/{ID}/update"] = lambda: (200, b"")
        daemon.replies[f"GET /configs/{ID}"] = says(config(version=13, labels={"a": "2"}))
        answer = performed(performer, UPDATE)
        assert answer.config is not None
        assert (answer.result, answer.config.version) == (ConfigResult.OK, 13)
        assert daemon.sent("POST") == [f"configs/{ID}/update?version=11"]
        assert [json.loads(body) for body in daemon.bodies] == [
            {"Name": NAME, "Labels": {"a": "2"}}
        ]

    def test_a_name_that_is_known_is_not_asked_for(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies["GET /configs"] = says([config()])
        daemon.replies[f"POST /configs/{ID}/update"] = no(500, "update out of sequence")
        performed(performer, READ)
        performed(performer, UPDATE)
        assert not [line for line in daemon.asked if line.startswith("GET") and ID in line]
        assert json.loads(daemon.bodies[0])["Name"] == NAME

    def test_a_version_that_is_no_more_has_moved(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        words = "rpc error: code = Unknown desc = update out of sequence"
        reply_to_writes(daemon, no(500, words))
        answer = performed(performer, UPDATE)
        assert (answer.result, answer.words) == (ConfigResult.MOVED, words)
        assert answer.problem is None

    def test_what_somebody_wrote_right_after_it_is_not_taken_for_it(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies[f"POST /configs/{ID}/update"] = lambda: (200, b"")
        daemon.replies[f"GET /configs/{ID}"] = says(config(version=14, labels={"a": "theirs"}))
        answer = performed(performer, UPDATE)
        assert (answer.result, answer.config) == (ConfigResult.MOVED, None)

    def test_what_is_gone_is_not_written(self, daemon: Daemon, performer: LivePerformer) -> None:
        assert performed(performer, UPDATE).result is ConfigResult.ABSENT
        assert daemon.sent("POST") == []

    def test_another_config_that_docker_finds_for_the_id_is_not_written(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies[f"GET /configs/{ID}"] = says(config(id_="x" * 25, name=ID))
        assert performed(performer, UPDATE).result is ConfigResult.ABSENT
        assert daemon.sent("POST") == []

    def test_a_name_that_cannot_be_asked_for_is_a_failure(
        self, daemon: Daemon, performer: LivePerformer
    ) -> None:
        daemon.replies[f"GET /configs/{ID}"] = no(500, "The swarm does not have a leader.")
        assert performed(performer, UPDATE).result is ConfigResult.FAILED
        assert daemon.sent("POST") == []


class TestDelete:
    def test_it_goes_by_its_id(self, daemon: Daemon, performer: LivePerformer) -> None:
        daemon.replies[f"DELETE /configs/{ID}"] = lambda: (204, b"")
        answer = performed(performer, DELETE)
        assert (answer.result, answer.config) == (ConfigResult.OK, None)
        assert daemon.deleted() == [f"configs/{ID}"]

    def test_one_that_is_gone_is_absent(self, daemon: Daemon, performer: LivePerformer) -> None:
        answer = performed(performer, DELETE)
        assert (answer.result, answer.words) == (ConfigResult.ABSENT, f"{ID} not found")
        assert daemon.deleted() == [f"configs/{ID}"]


class TestEveryWrite:
    @pytest.mark.parametrize("effect", WRITES)
    @pytest.mark.parametrize(
        ("refusal", "expected"),
        [
            ((400, "rpc error: code = InvalidArgument desc = x"), ("failed", "docker.refused")),
            ((503, "This node is not a swarm manager."), ("failed", "swarm.not-manager")),
            ((503, "Swarm is encrypted and needs to be unlocked"), ("failed", "swarm.locked")),
            ((500, "node lost leader status"), ("unknown", "swarm.no-quorum")),
            ((500, "The swarm does not have a leader."), ("unknown", "swarm.no-quorum")),
            ((500, "context deadline exceeded"), ("unknown", "swarm.no-quorum")),
            ((500, "rpc error: code = Unavailable desc = EOF"), ("unknown", "answer.lost")),
        ],
    )
    def test_a_refusal_is_told_from_what_nobody_knows(
        self,
        daemon: Daemon,
        performer: LivePerformer,
        effect: Effect,
        refusal: tuple[int, str],
        expected: tuple[str, str],
    ) -> None:
        reply_to_writes(daemon, no(*refusal))
        answer = performed(performer, effect)
        assert answer.problem is not None
        assert (answer.result.value, answer.problem.code) == expected
        assert refusal[1] in answer.words

    @pytest.mark.parametrize("effect", WRITES)
    def test_an_error_in_no_form_is_quoted(
        self, daemon: Daemon, performer: LivePerformer, effect: Effect
    ) -> None:
        reply_to_writes(daemon, lambda: (502, b"<html>bad gateway"))
        answer = performed(performer, effect)
        assert answer.result is ConfigResult.UNKNOWN
        assert "<html>bad gateway" in answer.words

    @pytest.mark.parametrize("effect", WRITES)
    def test_a_lost_answer_is_unknown_and_nothing_is_repeated(
        self, daemon: Daemon, operator: Operator, server: Server, effect: Effect
    ) -> None:
        with through_proxy(operator, server) as (proxy, performer):
            reply_to_writes(daemon, no(400, "warming up"))
            performed(performer, effect)
            before = len(daemon.asked)

            def done_but_cut() -> Reply:
                proxy.swallow()
                threading.Timer(0.2, proxy.cut).start()
                return 200, b"{}"

            reply_to_writes(daemon, done_but_cut)
            answer = performed(performer, effect)
            proxy.heal()
        assert answer.result is ConfigResult.UNKNOWN
        assert answer.problem is not None
        assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN
        assert len([line for line in daemon.asked[before:] if not line.startswith("GET")]) == 1

    @pytest.mark.parametrize("effect", [CREATE, UPDATE])
    def test_one_that_cannot_be_read_back_is_unknown(
        self, daemon: Daemon, performer: LivePerformer, effect: Effect
    ) -> None:
        daemon.replies["GET /configs"] = says([config()])
        performed(performer, READ)
        daemon.replies["POST *"] = says({"ID": ID}, 201)
        daemon.replies[f"GET /configs/{ID}"] = no(500, "The swarm does not have a leader.")
        answer = performed(performer, effect)
        assert answer.result is ConfigResult.UNKNOWN
        assert answer.problem is not None
        assert answer.problem.code == "answer.lost"
        assert "does not have a leader" in answer.words

    @pytest.mark.parametrize("effect", [CREATE, UPDATE])
    def test_one_that_is_gone_when_read_back_is_absent(
        self, daemon: Daemon, performer: LivePerformer, effect: Effect
    ) -> None:
        daemon.replies["GET /configs"] = says([config()])
        performed(performer, READ)
        daemon.replies["POST *"] = says({"ID": ID}, 201)
        assert performed(performer, effect).result is ConfigResult.ABSENT


@pytest.mark.parametrize("effect", [*WRITES, READ])
class TestNothingSent:
    def test_a_site_that_cannot_be_reached(self, operator: Operator, effect: Effect) -> None:
        performer = perform_through(operator, free_port())
        answer = performed(performer, effect)
        assert answer.result is ConfigResult.FAILED
        assert answer.problem is not None
        assert answer.problem.code == "site.unreachable"
        performer.close()

    def test_a_daemon_that_does_not_run(self, performer: LivePerformer, effect: Effect) -> None:
        # The stand-in for its command is there, nothing listens on the socket.
        answer = performed(performer, effect)
        assert answer.result is ConfigResult.FAILED
        assert answer.problem is not None
        assert answer.problem.code == "docker.not-running"


@pytest.mark.parametrize(
    "effect",
    [
        Sleep(seconds=0),
        Tell(waiting_for="x"),
        ObserveAll(sites=(SITE,)),
        CheckLock(),
        Intend(effect=PullImages(site=SITE, images=())),
        Saw(effect=PullImages(site=SITE, images=()), answer=Answer(result=Result.OK, at=0.0)),
    ],
)
def test_the_engines_own_effects_are_a_bug_here(performer: LivePerformer, effect: Effect) -> None:
    with pytest.raises(TypeError, match=f"{type(effect).__name__} is for the engine to perform"):
        performer.perform(effect)
