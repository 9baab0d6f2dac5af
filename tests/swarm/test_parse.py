import json

import pytest
from pydantic import ValidationError

from orchestrator.fleet.observed import Mode, NodeState, Service, Task, TaskState
from orchestrator.swarm import parse
from tests.swarm.daemon import captured


def services() -> dict[str, Service]:
    return {service.name: service for service in parse.services(captured("services"))}


def tasks(service: str) -> list[Task]:
    found = parse.tasks(captured("tasks"), captured("tasks-up-to-date"))
    return [task for task in found if task.service_id == services()[service].id]


def test_a_replicated_service_with_a_port_of_the_host() -> None:
    web = services()["job_web"]
    assert (web.stack, web.mode, web.replicas, web.image) == ("job", Mode.REPLICATED, 2, "bb:1")
    assert web.published == ((18080, "tcp", "host"),)
    assert web.label("a") == "b"
    assert (web.update_state, web.monitor_seconds, web.grace_seconds) == ("", 5.0, 10.0)
    assert web.version > 0


def test_a_global_service_that_was_updated() -> None:
    everywhere = services()["job_glob"]
    assert (everywhere.mode, everywhere.update_state) == (Mode.GLOBAL, "completed")


def test_a_job() -> None:
    once = services()["job_once"]
    assert (once.mode, once.replicas) == (Mode.REPLICATED_JOB, 2)
    assert {task.job_iteration for task in tasks("job_once")} == {0}
    assert {task.state for task in tasks("job_once")} == {TaskState.COMPLETE}


def test_intervals_are_read_in_nanoseconds() -> None:
    raw = json.loads(captured("services"))[:1]
    raw[0]["Spec"]["UpdateConfig"] = {"Monitor": 30_000_000_000}
    raw[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] = 90_000_000_000
    (service,) = parse.services(json.dumps(raw).encode())
    assert (service.monitor_seconds, service.grace_seconds) == (30.0, 90.0)


def test_a_task_that_runs_and_one_that_waits_for_a_node() -> None:
    running, waiting = sorted(tasks("job_web"), key=lambda task: task.slot)
    assert (running.slot, running.state, running.desired) == (
        "1",
        TaskState.RUNNING,
        TaskState.RUNNING,
    )
    assert (running.up_to_date, running.exit_code, running.stack) == (True, None, "job")
    assert waiting.state is TaskState.PENDING
    assert waiting.error == "no suitable node (host-mode port already in use on 1 node)"
    assert waiting.node_id == ""


def test_tasks_that_failed() -> None:
    failed = next(task for task in tasks("job_crash") if task.state is TaskState.FAILED)
    assert (failed.error, failed.exit_code) == ("task: non-zero exit (3)", 3)
    (rejected,) = tasks("job_gone")
    assert (rejected.state, rejected.exit_code) == (TaskState.REJECTED, None)
    assert rejected.error == "No such image: absent/img:9"


def test_an_outdated_task_of_a_global_service_has_its_node_for_a_slot() -> None:
    old, new = sorted(tasks("job_glob"), key=lambda task: task.up_to_date)
    assert (old.up_to_date, old.state, old.exit_code) == (False, TaskState.SHUTDOWN, 143)
    assert old.slot == old.node_id == new.slot


def test_nodes_info_and_versions() -> None:
    (node,) = parse.nodes(captured("nodes"))
    assert (node.hostname, node.state, node.manager, node.leader) == (
        "dtdev",
        NodeState.READY,
        True,
        True,
    )
    assert node.platform == "linux/amd64"
    info = parse.info(captured("info"))
    assert (info.node_state, info.control, info.error) == ("active", True, "")
    assert info.node_id == node.id
    root, time = parse.root_and_time(captured("info"))
    assert (root, time is not None) == ("/var/lib/docker", True)
    assert parse.api_versions(captured("version")) == ("1.41", "1.12")


def test_only_networks_of_the_swarm_count() -> None:
    names = {network.name: network.stack for network in parse.networks(captured("networks"))}
    assert names == {"ingress": "", "job_default": "job", "many_default": "many"}


def test_containers_and_their_ports() -> None:
    found = parse.containers(captured("containers"))
    assert {container.stack for container in found} == {"job"}
    assert {container.state for container in found} >= {"running", "exited"}
    assert all(not container.name.startswith("/") for container in found)
    services, others = parse.container_ports(captured("containers"))
    assert (set(services), set(others)) == ({(18080, "tcp")}, set())


def test_configs_and_secrets() -> None:
    assert [c.name for c in parse.resources(captured("configs"))] == ["job_c1"]
    assert [s.stack for s in parse.resources(captured("secrets"))] == ["job"]


@pytest.mark.parametrize("raw", [b"null", b"{}", b"[{}]", b'[{"ID": 3}]', b"", b"<html>"])
def test_what_is_no_list_of_tasks_is_refused(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        parse.tasks(raw, b"[]")


def test_an_unknown_task_state_is_no_silent_guess() -> None:
    raw = json.loads(captured("tasks"))[:1]
    raw[0]["Status"]["State"] = "levitating"
    with pytest.raises(KeyError):
        parse.tasks(json.dumps(raw).encode(), b"[]")


def test_fields_that_docker_leaves_null() -> None:
    raw = json.loads(captured("services"))[:1]
    raw[0]["Endpoint"] = raw[0]["UpdateStatus"] = raw[0]["Spec"]["Labels"] = None
    (service,) = parse.services(json.dumps(raw).encode())
    assert (service.published, service.stack, service.update_state) == ((), "", "")
