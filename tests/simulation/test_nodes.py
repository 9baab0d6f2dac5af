"""Nodes of a simulated Swarm that take no tasks, and what their labels are for."""

import pytest

from orchestrator.errors import UsageError
from orchestrator.fleet.observed import Mode, Task, TaskState
from orchestrator.fleet.unit import Unit
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.scenario import Scenario
from tests.simulated import Simulated, simulated
from tests.simulation.rig import HOST, WORKER, Rig, service, stack

KKO = Unit("datatrail-client", "kko")


@pytest.fixture
def rig() -> Rig:
    """Give a Swarm of two nodes with two replicas of one service and another on every node."""
    every = service("agent", mode=Mode.GLOBAL)
    return Rig(stack(service(replicas=2), every), workers=(WORKER,)).running()


def happens(rig: Rig, kind: FaultKind, node: str = WORKER) -> None:
    rig.fault(Fault(at=0, kind=kind, node=node))
    passes(rig, 0)


def passes(rig: Rig, seconds: float) -> None:
    rig.fleet.clock.run_until(rig.now + seconds)


def wanted_on(rig: Rig, hostname: str) -> list[Task]:
    sight = rig.sight()
    node = next(node.id for node in sight.nodes if node.hostname == hostname)
    return [t for t in sight.tasks if t.node_id == node and t.desired is TaskState.RUNNING]


def test_a_paused_node_keeps_what_it_runs(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_PAUSED)
    passes(rig, 30)
    assert len(wanted_on(rig, WORKER)) == 2


def test_what_ends_on_a_paused_node_does_not_come_back_there(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_PAUSED)
    rig.fault(Fault(at=0, kind=FaultKind.KILL, stack="web", service="app"))
    passes(rig, 30)
    assert len(wanted_on(rig, HOST)) == 3
    assert len(wanted_on(rig, WORKER)) == 1


def test_what_runs_on_a_drained_node_ends_and_replicas_go_elsewhere(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_DRAINED)
    passes(rig, 30)
    assert wanted_on(rig, WORKER) == []
    assert [task.state for task in wanted_on(rig, HOST)] == [TaskState.RUNNING] * 3


def test_a_replica_waits_until_the_one_on_the_drained_node_has_stopped(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_DRAINED)
    passes(rig, 1)
    assert TaskState.READY in {task.desired for task in rig.sight().tasks}
    passes(rig, 30)
    assert TaskState.READY not in {task.desired for task in rig.sight().tasks}


def test_a_node_that_is_active_again_gets_what_runs_everywhere(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_DRAINED)
    passes(rig, 30)
    happens(rig, FaultKind.NODE_ACTIVE)
    passes(rig, 30)
    assert len(wanted_on(rig, WORKER)) == 1


def test_a_node_that_was_drained_while_it_was_lost_gets_nothing_when_it_is_back(rig: Rig) -> None:
    happens(rig, FaultKind.NODE_LOST)
    passes(rig, 30)
    happens(rig, FaultKind.NODE_DRAINED)
    happens(rig, FaultKind.NODE_BACK)
    passes(rig, 30)
    assert wanted_on(rig, WORKER) == []


def test_nobody_drains_a_node_where_nothing_can_be_recorded(rig: Rig) -> None:
    happens(rig, FaultKind.QUORUM_LOST, "")
    happens(rig, FaultKind.NODE_DRAINED)
    happens(rig, FaultKind.QUORUM_BACK, "")
    passes(rig, 30)
    assert len(wanted_on(rig, WORKER)) == 2


def deployed(**site: object) -> Simulated:
    text = {"workers": ["w1", "w2"], "labels": {"w2": {"disk": "fast"}}, **site}
    return simulated(Scenario.model_validate({"sites": {"kko": text}}))


def places(world: Simulated) -> set[str]:
    running = world.fleet.running_containers()
    return {c.node for c in running if Unit(c.stack, c.site) == KKO}


def test_what_needs_a_label_runs_on_the_nodes_that_have_it() -> None:
    world = deployed(constraints={KKO.stack: ["node.labels.disk == fast"]})
    assert places(world) == {"w2"}
    declared = world.sources[KKO].desired.services
    assert {s.constraints for s in declared} == {("node.labels.disk == fast",)}


@pytest.mark.parametrize("resting", ["paused", "drained"])
def test_nothing_is_deployed_on_a_node_that_takes_no_tasks(resting: str) -> None:
    world = deployed(constraints={KKO.stack: ["node.role == worker"]}, **{resting: ["w1"]})
    assert places(world) == {"w2"}


def test_a_label_of_a_node_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="kko has no node `w9`"):
        deployed(drained=["w9"])
