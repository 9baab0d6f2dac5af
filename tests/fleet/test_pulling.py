"""How far nodes are with the images that they were asked to pull."""

import pytest

from orchestrator.fleet.drift import drift
from orchestrator.fleet.observed import Node, NodeState, Task, TaskState, stacks_seen
from orchestrator.fleet.presence import whereabouts
from orchestrator.fleet.pulling import (
    LABEL_IMAGE,
    LABEL_PULL,
    LOG_OPTION,
    Pulled,
    Pulling,
    Stage,
    stage,
)
from tests.build import CLIENT, desired, node, service, sight, task

THERE = f"unknown log opt '{LOG_OPTION}' for json-file log driver"
ABSENT = "No such image: registry/app:1@sha256:0"


def on(
    name: str,
    state: TaskState = TaskState.REJECTED,
    error: str = "",
    node_state: NodeState = NodeState.READY,
) -> tuple[Task, Node]:
    return task(state=state, error=error), node(name, node_state)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (on("w1", error=THERE), Stage.PULLED),
        (on("w1", error=THERE, node_state=NodeState.DOWN), Stage.PULLED),
        (on("w1", error=ABSENT), Stage.REFUSED),
        (on("w1", TaskState.FAILED, "whatever else"), Stage.REFUSED),
        (on("w1", TaskState.PREPARING), Stage.PULLING),
        (on("w1", TaskState.PENDING), Stage.PULLING),
        (on("w1", TaskState.PREPARING, node_state=NodeState.UNKNOWN), Stage.PULLING),
        (on("w1", TaskState.PREPARING, node_state=NodeState.DOWN), Stage.LOST),
        (on("w1", TaskState.SHUTDOWN), Stage.SPARED),
        (on("w1", TaskState.ORPHANED), Stage.SPARED),
    ],
)
def test_what_became_of_a_task_tells_how_far_its_node_is(
    pair: tuple[Task, Node], expected: Stage
) -> None:
    assert stage(*pair) is expected


def test_it_is_told_by_node_and_an_image_wanted_twice_counts_once() -> None:
    seen = Pulling(
        site="far",
        at=1.0,
        pulls=(
            Pulled(image="a", tasks=(on("w1", error=THERE), on("w2", error=THERE))),
            Pulled(image="a", tasks=(on("w2", TaskState.PREPARING),)),
            Pulled(image="b", tasks=(on("w1", TaskState.PREPARING), on("w2", error=THERE))),
            Pulled(image="c", tasks=(on("w1", error=THERE),)),
        ),
    )
    assert seen.words == ("node w1: 2 of 3 images", "node w2: 1 of 2 images")
    assert seen.of(Stage.PULLING) == (("w2", "a", ""), ("w1", "b", ""))
    assert seen.begun


def test_a_pull_without_tasks_has_not_begun_or_is_for_nobody() -> None:
    assert not Pulling(site="far", at=1.0, pulls=(Pulled(image="a"),)).begun


def test_a_pull_that_a_killed_run_left_is_no_stack_and_no_part_of_one() -> None:
    labels = ((LABEL_PULL, "r0"), (LABEL_IMAGE, "registry/app:1"))
    left = service("dtdeploy-pull-r0-1", "", labels=labels)
    seen = sight(services=(left,))
    assert stacks_seen(seen) == frozenset()
    assert whereabouts(CLIENT, seen).gone
    with_it = sight(services=(left, service()), tasks=(task(),))
    without = sight(services=(service(),), tasks=(task(),))
    assert drift(desired(), with_it.by_stack[CLIENT.stack]) == drift(
        desired(), without.by_stack[CLIENT.stack]
    )
