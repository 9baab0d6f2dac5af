"""What a Swarm does while a stack goes away, as it was measured on real ones."""

import pytest

from orchestrator.fleet.desired import PublishedPort
from orchestrator.fleet.observed import Mode, TaskState
from orchestrator.procedures.effects import RemoveServices, Result
from orchestrator.simulation import commands
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.happening import What
from orchestrator.simulation.installing import add_ghost, add_job_residue
from tests.simulation.rig import HOST, UNIT, WORKER, Rig, all_running, no_tasks, service, stack


def test_services_vanish_at_once_while_their_tasks_run_on() -> None:
    """1.1: right after the removal: no service, tasks `running` with desired `remove`."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    sight = rig.sight()
    assert sight.services == ()
    assert [(t.state, t.desired) for t in sight.tasks] == [(TaskState.RUNNING, TaskState.REMOVE)]
    assert len(rig.fleet.running_containers()) == 1


def test_a_task_waits_two_seconds_before_it_is_even_told_to_stop() -> None:
    """1.2: two seconds of gossip delay come before SIGTERM."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    removed = rig.told(What.SERVICE_REMOVED)[0].at
    rig.until(no_tasks)
    stopped = rig.told(What.CONTAINER_STOPPED)[0].at
    assert stopped - removed == pytest.approx(2.3, abs=0.1)


def test_one_that_ignores_sigterm_is_killed_at_the_end_of_its_grace_period() -> None:
    """1.1: 2 s gossip, then the whole stop_grace_period."""
    rig = Rig(stack(service(grace_seconds=6.0))).behave(Kind.IGNORES_SIGTERM).running()
    rig.ok(rig.remove_services())
    removed = rig.told(What.SERVICE_REMOVED)[0].at
    rig.until(no_tasks)
    assert rig.told(What.CONTAINER_STOPPED)[0].at - removed == pytest.approx(8.0, abs=0.1)


def test_order_of_disappearance_is_services_then_tasks_then_containers() -> None:
    """1.1: tasks leave the list, the exited container is removed some two seconds later."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    without_tasks = rig.until(no_tasks)
    assert [container.state for container in without_tasks.containers] == ["exited"]
    began = rig.now
    rig.until(lambda sight: not sight.containers)
    assert 1.5 < rig.now - began < 2.5


def test_tasks_of_a_removed_service_are_still_listed_under_their_stack() -> None:
    """1.3: the stack's label finds them when the service is gone."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    assert [task.stack for task in rig.sight().tasks] == ["web"]


def test_a_network_lingers_until_the_last_local_task_stops() -> None:
    """1.1, 1.4: deleted, but listed by the manager's node as long as it uses it."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    rig.ok(rig.remove_leftovers())
    assert [network.name for network in rig.sight().networks] == ["web_default"]
    gone = rig.until(no_tasks)
    assert gone.networks == ()


def test_deploying_right_after_the_removal_fails_and_leaves_half_a_stack() -> None:
    """1.4: the leftover network is taken for the real one; configs and secrets are created."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    rig.ok(rig.remove_leftovers())
    answer = rig.change(rig.deploy_effect())
    assert answer.result is Result.FAILED
    assert "failed to create service web_app" in answer.words
    assert "network web_default not found" in answer.words
    sight = rig.sight()
    assert (len(sight.services), len(sight.configs), len(sight.secrets)) == (0, 1, 1)


def test_deploying_after_everything_is_gone_works() -> None:
    """1.4, the other way round."""
    rig = Rig(stack()).running()
    rig.ok(rig.remove_services())
    rig.until(no_tasks)
    rig.ok(rig.remove_leftovers())
    rig.ok(rig.deploy_effect())
    assert rig.until(all_running).services


def _publishing() -> Rig:
    ports = (PublishedPort(port=9000, mode="ingress"),)
    return Rig(stack(service(replicas=3, ports=ports)), prefix=28)


def test_removing_everything_at_once_starves_the_fourth_deploy() -> None:
    """1.6: on a /28, `stack rm` leaks three addresses a cycle; the fourth gets stuck at 2/3."""
    rig = _publishing()
    for _ in range(3):
        rig.ok(rig.deploy_effect())
        rig.until(all_running)
        rig.run(commands.stack_rm(rig.swarm, "web"))
        rig.pass_time(20)
    rig.ok(rig.deploy_effect())
    rig.pass_time(60)
    tasks = rig.sight().tasks
    assert sorted(task.state for task in tasks) == [
        TaskState.NEW,
        TaskState.RUNNING,
        TaskState.RUNNING,
    ]
    assert [task.error for task in tasks] == ["", "", ""]


def test_removing_networks_after_the_tasks_leaks_nothing() -> None:
    """1.6: services, wait, then the rest: thirty cycles on the same /28."""
    rig = _publishing()
    for _ in range(30):
        rig.ok(rig.deploy_effect())
        rig.until(all_running)
        rig.ok(rig.remove_services())
        rig.until(no_tasks)
        rig.ok(rig.remove_leftovers())
    assert rig.swarm.pool.leaked == 0


def test_only_a_new_leader_finds_leaked_addresses() -> None:
    """1.6: restarting the leader frees them."""
    rig = _publishing()
    rig.ok(rig.deploy_effect())
    rig.until(all_running)
    rig.run(commands.stack_rm(rig.swarm, "web"))
    rig.pass_time(20)
    assert rig.swarm.pool.leaked == 3
    rig.fault(Fault(at=0, kind=FaultKind.DAEMON_STOPPED, for_seconds=2))
    rig.pass_time(5)
    assert rig.swarm.pool.leaked == 0


def test_tasks_of_jobs_are_never_reaped() -> None:
    """1.7: the finished task of a removed job stays listed for ever, its container as well."""
    rig = Rig(stack(service(mode=Mode.REPLICATED_JOB)))
    rig.ok(rig.deploy_effect())
    rig.until(lambda sight: [task.state for task in sight.tasks] == [TaskState.COMPLETE])
    rig.ok(rig.remove_services())
    rig.pass_time(120)
    sight = rig.sight()
    assert [(t.state, t.desired) for t in sight.tasks] == [(TaskState.COMPLETE, TaskState.COMPLETE)]
    assert [container.state for container in sight.containers] == ["exited"]


@pytest.mark.parametrize("residue", ["ghost", "job"])
def test_what_older_removals_left_behind_never_goes_away(residue: str) -> None:
    """1.7: ghosts of nodes that left the Swarm, and residue of jobs."""
    rig = Rig(stack())
    if residue == "ghost":
        add_ghost(rig.swarm, rig.sourced.desired)
    else:
        add_job_residue(rig.swarm, rig.sourced.desired, rig.swarm.manager)
    rig.pass_time(300)
    sight = rig.sight()
    assert len(sight.tasks) == 1
    assert sight.services == ()


def test_a_task_on_a_frozen_worker_stays_running_and_its_container_really_does() -> None:
    """1.7: down after 15 s; its task stays `running`, desired `remove`, while the rest goes."""
    rig = Rig(stack(service("a"), service("b")), workers=(WORKER,)).running()
    rig.fault(Fault(at=0, kind=FaultKind.NODE_FROZEN, node=WORKER))
    rig.pass_time(0.1)
    rig.ok(rig.remove_services())
    rig.pass_time(30)
    sight = rig.sight()
    assert {node.hostname: node.state.value for node in sight.nodes} == {
        HOST: "ready",
        WORKER: "down",
    }
    assert [(t.state, t.desired) for t in sight.tasks] == [(TaskState.RUNNING, TaskState.REMOVE)]
    assert [container.node for container in rig.fleet.running_containers()] == [WORKER]


def test_such_a_task_clears_itself_up_when_the_node_comes_back() -> None:
    """1.7: and only then."""
    rig = Rig(stack(service("a"), service("b")), workers=(WORKER,)).running()
    rig.fault(Fault(at=0, kind=FaultKind.NODE_FROZEN, node=WORKER, for_seconds=40))
    rig.pass_time(0.1)
    rig.ok(rig.remove_services())
    rig.pass_time(38)
    assert len(rig.sight().tasks) == 1
    rig.until(no_tasks)
    assert not rig.fleet.running_containers()


def test_the_manager_sees_the_containers_of_its_own_node_only() -> None:
    """1.8: of two containers on two nodes it lists one."""
    rig = Rig(stack(service("a"), service("b")), workers=(WORKER,)).running()
    assert len(rig.fleet.running_containers()) == 2
    assert len(rig.sight().containers) == 1


def test_absent_services_count_as_deleted() -> None:
    """1.9: repeating a removal by id is harmless."""
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.ok(effect)
    rig.ok(effect)
    rig.ok(RemoveServices(unit=UNIT, ids=("never-was",)))


def test_a_network_in_use_by_a_service_is_not_deleted() -> None:
    """1.9: FailedPrecondition, in use by service."""
    rig = Rig(stack()).running()
    answer = rig.change(rig.remove_leftovers())
    assert answer.result is Result.FAILED
    assert "in use by" in answer.words


def test_a_stuck_task_never_ends_until_something_else_frees_it() -> None:
    rig = Rig(stack()).behave(Kind.STUCK).running()
    rig.ok(rig.remove_services())
    rig.pass_time(600)
    assert len(rig.sight().tasks) == 1
    rig.fault(Fault(at=0, kind=FaultKind.FREE, stack="web"))
    rig.until(no_tasks)
