from dataclasses import replace

import pytest

from orchestrator.fleet.observed import Fact, Mode, NodeState
from orchestrator.fleet.placement import constraints_of, meets, takes_tasks, unplaceable
from tests.build import CLIENT, desired, node, sight, wanted

WORKER = replace(
    node("far-w1", leader=False),
    labels=(("disk", "Fast"),),
    engine_labels=(("zone", "b"),),
    platform="linux/x86_64",
    address="10.0.0.7",
)


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        ("node.role == worker", True),
        ("node.role == Worker", True),
        ("node.role != worker", False),
        ("node.role == manager", False),
        ("node.id == id-far-w1", True),
        ("node.hostname != far-w1", False),
        ("node.labels.disk == fast", True),
        ("node.labels.disk != slow", True),
        ("node.labels.Disk == fast", False),
        ("node.labels.none == x", False),
        ("node.labels.none != x", True),
        ("engine.labels.zone == b", True),
        ("node.platform.os == linux", True),
        ("node.platform.arch == arm64", False),
        ("node.ip == 10.0.0.7", True),
        ("node.ip == 10.0.0.0/24", True),
        ("node.ip != 10.0.0.0/24", False),
        ("node.ip == nowhere", False),
        ("node.colour == red", False),
        ("node.colour != red", False),
    ],
)
def test_a_constraint_is_read_as_the_swarm_reads_it(constraint: str, met: bool) -> None:  # noqa: FBT001 - the expected value
    assert meets(WORKER, (constraint,)) is met


def test_all_of_several_have_to_be_met() -> None:
    assert meets(WORKER, ())
    assert not meets(WORKER, ("node.role == worker", "node.labels.disk == slow"))


@pytest.mark.parametrize(
    ("state", "availability", "takes"),
    [
        (NodeState.READY, "active", True),
        (NodeState.READY, "drain", False),
        (NodeState.READY, "pause", False),
        (NodeState.DOWN, "active", False),
    ],
)
def test_only_a_ready_active_node_takes_tasks(
    state: NodeState,
    availability: str,
    takes: bool,  # noqa: FBT001 - the expected value
) -> None:
    assert takes_tasks(replace(WORKER, state=state, availability=availability)) is takes


def test_only_constraints_are_constraints() -> None:
    facts = (Fact("label", "x", "y"), Fact("placement constraint", "node.role == worker", ""))
    assert constraints_of(facts) == ("node.role == worker",)


PLACED = (Fact("placement constraint", "node.role == worker", ""),)


def test_a_service_that_no_node_may_run_is_named_with_the_nodes_that_could() -> None:
    down, drained = replace(WORKER, state=NodeState.DOWN), replace(WORKER, availability="drain")
    stack = desired(CLIENT, wanted(facts=PLACED), wanted("free"))
    (found,) = unplaceable(stack, sight(nodes=(node(), down, drained)))
    assert found.words == (
        "app-client_web needs node.role == worker, which only far-w1 (down), far-w1 (drain) meets"
    )
    assert unplaceable(stack, sight(nodes=(node(), WORKER))) == ()


def test_a_service_that_no_node_ever_could_run_is_named_as_well() -> None:
    (found,) = unplaceable(desired(CLIENT, wanted(facts=PLACED)), sight())
    assert found.words == (
        "app-client_web needs node.role == worker, which no node of the Swarm meets"
    )


def test_a_service_of_no_tasks_needs_no_node_and_a_global_one_needs_one() -> None:
    none = desired(CLIENT, wanted(facts=PLACED, replicas=0))
    assert unplaceable(none, sight()) == ()
    everywhere = desired(CLIENT, wanted(facts=PLACED, replicas=0, mode=Mode.GLOBAL))
    assert len(unplaceable(everywhere, sight())) == 1
