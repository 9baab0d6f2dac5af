import json
import threading
import time

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import Answer, Observe, RemoveLeftovers, RemoveServices, Result
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import perform_through, through_proxy
from tests.swarm.daemon import Daemon, Reply, error
from tests.swarm.sshd import SITE, Operator, Server, free_port

pytestmark = pytest.mark.usefixtures("docker")
UNIT = Unit("datatrail", SITE)


def removed(performer: LivePerformer, *ids: str) -> Answer:
    answer = performer.perform(RemoveServices(unit=UNIT, ids=ids))
    assert isinstance(answer, Answer)
    return answer


def gone() -> Reply:
    return 200, b"{}"


def test_every_service_is_deleted_once(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.replies["DELETE *"] = gone
    ids = tuple(f"s{number}" for number in range(12))
    answer = removed(performer, *ids)
    assert (answer.result, answer.problem) == (Result.OK, None)
    assert sorted(daemon.deleted()) == sorted(f"services/{id_}" for id_ in ids)


def test_what_is_gone_already_counts_as_deleted(daemon: Daemon, performer: LivePerformer) -> None:
    answer = removed(performer, "s1")
    assert (answer.result, answer.words) == (Result.OK, "service s1 was gone")
    assert daemon.deleted() == ["services/s1"]


def test_leftovers_go_by_their_kind(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.replies["DELETE *"] = gone
    effect = RemoveLeftovers(unit=UNIT, networks=("n",), secrets=("s",), configs=("c", "d"))
    answer = performer.perform(effect)
    assert isinstance(answer, Answer)
    assert answer.result is Result.OK
    assert sorted(daemon.deleted()) == ["configs/c", "configs/d", "networks/n", "secrets/s"]


def test_a_refusal_is_quoted(daemon: Daemon, performer: LivePerformer) -> None:
    words = "rpc error: code = FailedPrecondition desc = network n is in use by service x"
    daemon.replies["DELETE *"] = gone
    daemon.replies["DELETE /networks/n"] = lambda: error(500, words)
    answer = performer.perform(RemoveLeftovers(unit=UNIT, networks=("n",), configs=("c",)))
    assert isinstance(answer, Answer)
    assert (answer.result, answer.words) == (Result.FAILED, f"network n: {words}")


def test_a_write_that_fails_while_the_leader_is_lost_is_unknown(
    daemon: Daemon, performer: LivePerformer
) -> None:
    words = "rpc error: code = Unknown desc = raft: failed to process: node lost leader status"
    daemon.replies["DELETE *"] = lambda: error(500, words)
    answer = removed(performer, "s1")
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.code == "swarm.no-quorum"


def test_an_answer_that_is_lost_is_unknown_and_nothing_is_repeated(
    operator: Operator, server: Server, daemon: Daemon
) -> None:
    with through_proxy(operator, server) as (proxy, performer):
        performer.perform(Observe(site=SITE))

        def deleted_but_cut() -> Reply:
            proxy.swallow()
            threading.Timer(0.2, proxy.cut).start()
            return gone()

        daemon.replies["DELETE *"] = deleted_but_cut
        answer = removed(performer, "s1")
        assert answer.result is Result.UNKNOWN
        assert answer.problem is not None
        assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN
        proxy.heal()
        performer.perform(Observe(site=SITE))
        assert daemon.deleted() == ["services/s1"]


def test_a_connection_lost_before_is_opened_again_and_nothing_was_sent(
    operator: Operator, server: Server, daemon: Daemon
) -> None:
    daemon.replies["DELETE *"] = gone
    with through_proxy(operator, server) as (proxy, performer):
        assert removed(performer, "s1").result is Result.OK
        proxy.cut()
        ends = time.monotonic() + 5
        while performer.reaches(SITE) and time.monotonic() < ends:
            time.sleep(0.01)
        assert removed(performer, "s2").result is Result.OK
        assert daemon.deleted() == ["services/s1", "services/s2"]


def test_a_site_that_cannot_be_asked_leaves_a_deletion_open(operator: Operator) -> None:
    performer = perform_through(operator, free_port())
    answer = removed(performer, "s1")
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.code == "site.unreachable"
    performer.close()


HELD = "rpc error: code = FailedPrecondition desc = network n is in use by task t1"
ATTACHED = {
    "ID": "t1",
    "NodeID": "w1",
    "Spec": {"NetworkAttachmentSpec": {"ContainerID": "e36be7330bd2b298"}},
    "NetworksAttachments": [{"Network": {"ID": "n", "Spec": {"Name": "datatrail_net"}}}],
}
NODES = [{"ID": "w1", "Spec": {}, "Status": {"State": "ready"}, "Description": {"Hostname": "w"}}]


def held(daemon: Daemon, performer: LivePerformer, task: Reply) -> Answer:
    daemon.replies["DELETE /networks/n"] = lambda: error(500, HELD)
    daemon.replies["GET /tasks/t1"] = lambda: task
    daemon.replies["GET /nodes"] = lambda: (200, json.dumps(NODES).encode())
    answer = performer.perform(RemoveLeftovers(unit=UNIT, networks=("n",)))
    assert isinstance(answer, Answer)
    assert (answer.result, answer.words) == (Result.FAILED, f"network n: {HELD}")
    return answer


def test_a_container_that_holds_a_network_is_named(
    daemon: Daemon, performer: LivePerformer
) -> None:
    problem = held(daemon, performer, (200, json.dumps(ATTACHED).encode())).problem
    assert problem is not None
    assert problem.what == (
        "container e36be7330bd2 on w, which is no service's, is attached to the network"
        " datatrail_net"
    )
    assert problem.fix == "on w: docker network disconnect --force datatrail_net e36be7330bd2"


@pytest.mark.parametrize(
    "task",
    [error(404, "task t1 not found"), (200, json.dumps(ATTACHED | {"Spec": {}}).encode())],
    ids=["gone by then", "of a service"],
)
def test_another_task_that_holds_it_is_not(
    daemon: Daemon, performer: LivePerformer, task: Reply
) -> None:
    assert held(daemon, performer, task).problem is None
