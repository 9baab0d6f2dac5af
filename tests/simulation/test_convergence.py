"""What tasks do until they run, or never do, as it was measured on real Swarms."""

from dataclasses import replace
from itertools import pairwise

import pytest

from orchestrator.fleet.desired import PublishedPort
from orchestrator.fleet.observed import Mode, Sight, Task, TaskState
from orchestrator.procedures.effects import Result
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.happening import What
from tests.simulation.rig import (
    HOST,
    SITE,
    WORKER,
    Rig,
    alive,
    all_running,
    service,
    sourced,
    stack,
)

CHECKED = service("server", start_seconds=20.0, ports=(PublishedPort(port=8001, mode="host"),))


def _failed(sight: Sight) -> list[Task]:
    return [t for t in sight.tasks if t.state in {TaskState.FAILED, TaskState.REJECTED}]


def test_states_come_in_the_order_of_a_real_swarm() -> None:
    """2.1: new, pending, assigned, accepted, preparing, ready, starting, running."""
    rig = Rig(stack())
    rig.ok(rig.deploy_effect())
    rig.until(all_running)
    assert [happening.detail for happening in rig.told(What.TASK_STATE)] == [
        "new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running"
    ]  # fmt: skip


def test_a_health_check_holds_running_back() -> None:
    """2.5: with a health check the task stays `starting` until healthy; the process runs."""
    rig = Rig(stack(CHECKED)).behave(Kind.GOOD, health_seconds=4.0)
    rig.ok(rig.deploy_effect())
    rig.until(lambda sight: bool(sight.tasks) and sight.tasks[0].state is TaskState.STARTING)
    assert len(rig.fleet.running_containers()) == 1
    started = rig.now
    rig.until(all_running)
    assert rig.now - started > 3.0


def test_one_that_never_gets_healthy_fails_in_dockers_words() -> None:
    """2.5: `starting`, then failed with exit 143, unhealthy container; and again."""
    rig = Rig(stack(CHECKED)).behave(Kind.NEVER_HEALTHY)
    rig.ok(rig.deploy_effect())
    rig.pass_time(15)
    assert [task.state for task in rig.sight().tasks] == [TaskState.STARTING]
    failed = _failed(rig.until(lambda sight: bool(_failed(sight))))
    words = "task: non-zero exit (143): dockerexec: unhealthy container"
    assert [(t.state, t.error) for t in failed] == [(TaskState.FAILED, words)]
    rig.until(lambda sight: len(_failed(sight)) == 2)


def test_a_crash_loop_fails_every_restart_delay_in_dockers_words() -> None:
    """2.6: failed, "task: non-zero exit (3)", replaced after the restart delay of 5 s."""
    rig = Rig(stack()).behave(Kind.CRASH_LOOP, crash_after_seconds=1.0)
    rig.ok(rig.deploy_effect())
    sight = rig.until(lambda sight: len(_failed(sight)) == 3)
    assert {task.error for task in _failed(sight)} == {"task: non-zero exit (3)"}
    times = [h.at for h in rig.told(What.CONTAINER_STARTED)]
    assert [later - former for former, later in pairwise(times)] == [
        pytest.approx(6.45, abs=0.2)
    ] * 2


def test_a_crash_loop_shows_running_most_of_the_time() -> None:
    """2.7: one sample says 1/1."""
    rig = Rig(stack()).behave(Kind.CRASH_LOOP, crash_after_seconds=30.0)
    rig.ok(rig.deploy_effect())
    rig.until(lambda sight: len(_failed(sight)) == 2, within=120)
    rig.pass_time(8)
    assert len([t for t in rig.sight().tasks if t.state is TaskState.RUNNING]) == 1


def test_only_five_tasks_of_a_slot_are_kept() -> None:
    """2.7: the history is five a slot."""
    rig = Rig(stack()).behave(Kind.CRASH_LOOP, crash_after_seconds=0.5)
    rig.ok(rig.deploy_effect())
    rig.pass_time(120)
    assert len(rig.sight().tasks) == 5
    assert len(rig.told(What.TASK_GONE)) > 5


def test_a_missing_image_is_rejected_every_restart_delay() -> None:
    """2.6: rejected, "No such image: ...", a new task every 5 s."""
    rig = Rig(stack()).behave(Kind.MISSING)
    rig.ok(rig.deploy_effect())
    sight = rig.until(lambda sight: len(_failed(sight)) == 3, within=25)
    assert {(t.state, t.error) for t in _failed(sight)} == {
        (TaskState.REJECTED, "No such image: registry.example/web:1")
    }
    assert rig.now < 16


def test_an_unsatisfiable_constraint_waits_for_ever_and_says_so() -> None:
    """2.6: pending, "no suitable node (scheduling constraints ...)", no retry."""
    rig = Rig(stack()).behave(Kind.NO_NODE)
    rig.ok(rig.deploy_effect())
    rig.pass_time(600)
    (task,) = rig.sight().tasks
    assert (task.state, task.desired) == (TaskState.PENDING, TaskState.RUNNING)
    assert task.error == "no suitable node (scheduling constraints not satisfied on 1 node)"


def test_a_host_port_in_use_holds_a_task_back_until_it_is_free() -> None:
    """2.6: pending, "host-mode port already in use on 1 node"."""
    port = (PublishedPort(port=8001, mode="host"),)
    rig = Rig(stack(service("a", ports=port), service("b", ports=port)))
    rig.ok(rig.deploy_effect())
    rig.pass_time(5)
    waiting = [task for task in rig.sight().tasks if task.state is TaskState.PENDING]
    assert [task.error for task in waiting] == [
        "no suitable node (host-mode port already in use on 1 node)"
    ]
    other = next(t.service_id for t in rig.sight().tasks if t.state is TaskState.RUNNING)
    rig.ok(replace(rig.remove_services(), ids=(other,)))
    rig.until(all_running)


def test_an_ingress_port_in_use_is_refused_at_the_deploy() -> None:
    """2.6: ServiceCreate fails, the port is already in use by the other service."""
    port = (PublishedPort(port=19000, mode="ingress"),)
    rig = Rig(stack(service("a", ports=port), service("b", ports=port)))
    answer = rig.change(rig.deploy_effect())
    assert "port '19000' is already in use by service 'web_" in answer.words
    assert len(rig.sight().services) == 1


def test_a_killed_container_is_replaced_after_the_restart_delay() -> None:
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=FaultKind.KILL, stack="web", service="app"))
    rig.pass_time(1)
    (failed,) = _failed(rig.sight())
    assert (failed.desired, failed.error) == (TaskState.SHUTDOWN, "task: non-zero exit (137)")
    assert not rig.fleet.running_containers()
    rig.until(all_running)


def test_a_new_service_has_no_update_state() -> None:
    """2.4: absent for a fresh service."""
    rig = Rig(stack())
    rig.ok(rig.deploy_effect())
    assert [s.update_state for s in rig.until(all_running).services] == [""]


def test_an_update_ends_only_after_its_monitor_time() -> None:
    """2.4: updating, and completed five seconds after the last task came up."""
    rig = Rig(stack(service(replicas=2))).running()
    rig.redeploy(stack(service(replicas=2, image="registry.example/web:2")), "d2")
    assert [s.update_state for s in rig.sight().services] == ["updating"]
    rig.until(lambda sight: all_running(sight) and all(t.up_to_date for t in alive(sight)))
    came_up = rig.now
    rig.until(lambda sight: sight.services[0].update_state == "completed")
    assert 4.0 < rig.now - came_up < 6.0


def test_during_an_update_tasks_of_both_specifications_run() -> None:
    """2.2: counting running tasks says 2/2 with none up to date."""
    rig = Rig(stack(service(replicas=2))).running()
    rig.redeploy(stack(service(replicas=2, image="registry.example/web:2")), "d2")
    tasks = [task for task in rig.sight().tasks if task.state is TaskState.RUNNING]
    assert [task.up_to_date for task in tasks] == [False, False]


def test_a_failing_update_is_paused_and_names_the_task() -> None:
    """2.4: paused due to failure or early termination of the task; nothing more happens."""
    rig = Rig(stack(service(replicas=2))).running().behave(Kind.MISSING)
    rig.redeploy(stack(service(replicas=2, image="registry.example/web:2")), "d2")
    sight = rig.until(lambda sight: sight.services[0].update_state == "paused")
    assert _failed(sight)[0].id in sight.services[0].update_message
    rig.pass_time(60)
    old = [t for t in rig.sight().tasks if not t.up_to_date and t.state is TaskState.RUNNING]
    assert len(old) == 1


def test_an_update_does_not_wait_for_a_task_that_ended_before_it_ran() -> None:
    """Its node was lost meanwhile (swarmkit updater.go: any state from running on will do)."""
    rig = Rig(stack(service())).running()
    rig.redeploy(stack(service(image="registry.example/web:2")), "d2")
    rig.until(lambda sight: any(t.up_to_date and t.state >= TaskState.READY for t in sight.tasks))
    rig.fault(Fault(at=0, kind=FaultKind.NODE_FROZEN))
    rig.pass_time(30)
    rig.fault(Fault(at=0, kind=FaultKind.NODE_BACK, node=HOST))
    rig.until(lambda sight: sight.services[0].update_state == "completed")


def test_a_global_service_has_a_task_on_each_node() -> None:
    rig = Rig(stack(service(mode=Mode.GLOBAL)), workers=(WORKER,))
    rig.ok(rig.deploy_effect())
    sight = rig.until(all_running)
    assert {task.slot for task in sight.tasks} == {node.id for node in sight.nodes}


def test_a_lost_nodes_replica_starts_elsewhere_while_the_old_one_stays_listed() -> None:
    """1.7, 2.2: the task there stays `running`, desired shutdown."""
    rig = Rig(stack(service(replicas=2)), workers=(WORKER,)).running()
    rig.fault(Fault(at=0, kind=FaultKind.NODE_LOST, node=WORKER))
    rig.pass_time(14)
    assert len(rig.sight().tasks) == 2
    rig.pass_time(10)
    states = sorted((t.state, t.desired) for t in rig.sight().tasks)
    running = TaskState.RUNNING
    assert states == [(running, running), (running, running), (running, TaskState.SHUTDOWN)]
    assert len(rig.fleet.running_containers()) == 3


def test_a_switched_off_nodes_containers_are_gone_though_the_swarm_says_running() -> None:
    rig = Rig(stack(service("a"), service("b")), workers=(WORKER,)).running()
    rig.fault(Fault(at=0, kind=FaultKind.NODE_OFF, node=WORKER))
    rig.pass_time(1)
    assert len(rig.fleet.running_containers()) == 1
    assert [task.state for task in rig.sight().tasks] == [TaskState.RUNNING] * 2


def test_the_same_specification_restarts_nothing() -> None:
    """3.2: deploying again bumps the version, and the tasks stay."""
    rig = Rig(stack()).running()
    before = rig.sight()
    rig.ok(rig.deploy_effect())
    rig.pass_time(10)
    after = rig.sight()
    assert [task.id for task in after.tasks] == [task.id for task in before.tasks]
    assert after.services[0].version > before.services[0].version
    assert after.services[0].update_state == ""


def test_a_tag_that_moved_is_rolled_out() -> None:
    """3.2: the digest is part of the specification."""
    rig = Rig(stack()).running()
    rig.swarm.registry.generation["registry.example/web:1"] = 1
    rig.ok(rig.deploy_effect())
    assert rig.sight().services[0].update_state == "updating"


def test_without_a_login_the_deploy_succeeds_and_nothing_starts() -> None:
    """3.8: missing credentials are no error, rc 0; the nodes cannot pull."""
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.REGISTRY_DENIED))
    rig.pass_time(0.1)
    rig.ok(rig.deploy_effect())
    failed = _failed(rig.until(lambda sight: bool(_failed(sight))))
    assert failed[0].error == "No such image: registry.example/web:1"


def test_scaling_by_a_deploy_adds_and_removes_slots() -> None:
    rig = Rig(stack(service(replicas=3))).running()
    rig.redeploy(stack(service(replicas=1)), "less")
    rig.until(lambda sight: len(sight.tasks) == 1)
    rig.redeploy(stack(service(replicas=2)), "more")
    assert len(rig.until(all_running).tasks) == 2


def test_a_missing_external_network_is_refused_before_anything_is_created() -> None:
    """3.1: external networks are checked first."""
    rig = Rig(stack())
    wanted = replace(stack(), external_networks=("shared",))
    item = sourced(wanted, "ext")
    rig.fleet.learn([item])
    rig.site.releases[item.release.name, item.release.digest] = item.release
    answer = rig.change(rig.deploy_effect(item))
    assert 'network "shared" is declared as external, but could not be found' in answer.words
    assert rig.sight().configs == ()


def test_a_release_that_is_not_on_the_manager_is_shipped_to_it_first() -> None:
    rig = Rig(stack())
    rig.site.releases.clear()
    assert rig.change(rig.deploy_effect()).result is Result.OK
    assert rig.site.releases


def test_what_no_compose_file_says_cannot_be_deployed() -> None:
    rig = Rig(stack())
    unknown = sourced(stack(), "other")
    assert "no such file" in rig.change(rig.deploy_effect(unknown)).words


def test_the_server_answers_when_it_is_up_and_its_database_is() -> None:
    rig = Rig(stack(CHECKED)).running()
    rig.fleet.relies_on[rig.sourced.desired.unit] = (("db.example", 5432),)
    rig.fleet.outside["db.example", 5432] = True
    assert rig.probe().words == "HTTP 200: status = ok"
    rig.fault(Fault(at=0, kind=FaultKind.OUTSIDE_DOWN, outside="db.example:5432", for_seconds=5))
    rig.pass_time(1)
    assert (rig.probe().ok, "db.example" in rig.probe().words) == (False, True)
    rig.pass_time(5)
    assert rig.probe().ok


def test_nobody_listens_before_the_server_started_and_after_it_stopped() -> None:
    rig = Rig(stack(CHECKED))
    assert rig.probe().words == "aux.kko:8001: connection refused"
    rig.ok(rig.deploy_effect())
    rig.until(all_running)
    assert rig.probe().ok
    rig.ok(rig.remove_services())
    assert rig.probe().ok, "it serves until it is really stopped"
    rig.pass_time(4)
    assert not rig.probe().ok


def test_site_names_are_in_every_happening() -> None:
    rig = Rig(stack())
    rig.ok(rig.deploy_effect())
    assert {happening.site for happening in rig.happenings} == {SITE}


def test_a_second_deploy_moves_a_paused_update_on() -> None:
    rig = Rig(stack(service(replicas=2))).running().behave(Kind.MISSING)
    newer = stack(service(replicas=2, image="registry.example/web:2"))
    rig.redeploy(newer, "d2")
    rig.until(lambda sight: sight.services[0].update_state == "paused")
    rig.behave(Kind.GOOD)
    rig.redeploy(newer, "d2")
    rig.until(lambda sight: sight.services[0].update_state == "completed")
    assert all(task.up_to_date for task in alive(rig.sight()))
