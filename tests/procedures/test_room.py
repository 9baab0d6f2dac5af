"""Which services can never have all their tasks."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.fleet.desired import DesiredService, PublishedPort
from orchestrator.fleet.observed import Fact, Mode, NodeState, Sight, TaskState
from orchestrator.procedures.room import lacks
from tests.build import CLIENT, desired, node, service, sight, task, wanted

IMAGE = Fact("image", "", "registry/app:1")
OLD = (Fact("environment", "LEVEL", "info"), IMAGE)
FIRST = Fact("update", "order", "start-first")
FEW = Fact("replicas per node", "", "at most 2")
HOST = (PublishedPort(port=80, mode="host"),)
NODES = (node("a"), node("b"))


def runs(*places: str, port: int = 80, **about: Any) -> Sight:
    return sight(
        nodes=NODES,
        services=(
            service(
                image="registry/app:1@sha256:aa", facts=OLD, published=((port, "tcp", "host"),)
            ),
        ),
        tasks=tuple(
            task(number=n, slot=str(n), node_id=f"id-{place}", **about)
            for n, place in enumerate(places)
        ),
    )


def told(
    what: DesiredService, seen: Sight, *, in_place: bool = True, digest: str = "sha256:aa"
) -> list[tuple[str, bool]]:
    digests = {"registry/app:1": digest}
    found = lacks(desired(CLIENT, what), seen, in_place=in_place, digests=digests)
    return [(lack.why, lack.updated) for lack in found]


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (
            {"ports": HOST, "replicas": 3},
            "of 3 tasks 2 can run on 2 nodes: port 80 of the host",
        ),
        ({"facts": (FEW,), "replicas": 5}, "of 5 tasks 4 can run on 2 nodes: at most 2 on a node"),
        ({"ports": HOST, "replicas": 2}, ""),
        ({"facts": (FEW,), "replicas": 4}, ""),
        ({"ports": (PublishedPort(port=80),), "replicas": 9}, ""),
        ({"ports": HOST, "mode": Mode.GLOBAL, "replicas": 9}, ""),
    ],
)
def test_more_tasks_than_places_can_never_run(about: dict[str, Any], why: str) -> None:
    seen = sight(nodes=NODES)
    assert told(wanted(**about), seen, in_place=False) == ([(why, False)] if why else [])


def test_a_node_that_gets_no_tasks_is_no_place() -> None:
    drained, down = node("b", availability="drain"), node("b", NodeState.DOWN)
    for bad in (drained, down):
        seen = sight(nodes=(node("a"), bad))
        assert len(told(wanted(ports=HOST, replicas=2), seen)) == 1


ANEW = wanted(
    image="registry/app:1",
    replicas=2,
    ports=HOST,
    facts=(Fact("environment", "LEVEL", "debug"), IMAGE, FIRST),
)
WHY = "each new task needs a node before an old one stops, and none is left: port 80 of the host"


def test_an_update_that_starts_first_needs_a_node_without_an_old_task() -> None:
    assert told(ANEW, runs("a", "b")) == [(WHY, True)]
    few = replace(ANEW, ports=(), replicas=4, facts=(*ANEW.facts, FEW))
    ((why, updated),) = told(few, runs("a", "a", "b", "b"))
    assert why.endswith("at most 2 on a node")
    assert updated


def test_an_image_that_moved_is_an_update_too() -> None:
    same = replace(ANEW, facts=(*OLD, FIRST))
    assert told(same, runs("a", "b")) == []
    assert told(same, runs("a", "b"), digest="sha256:bb") == [(WHY, True)]


def test_a_digest_that_the_plan_pins_is_an_update_too() -> None:
    same = replace(ANEW, facts=(*OLD, FIRST), image="registry/app:1@sha256:aa")
    assert told(same, runs("a", "b")) == []
    assert told(replace(same, image="registry/app:1@sha256:bb"), runs("a", "b")) == [(WHY, True)]


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        (replace(ANEW, replicas=1), runs("a")),
        (replace(ANEW, facts=ANEW.facts[:2]), runs("a", "b")),
        (ANEW, runs("a", "b", port=81)),
        (ANEW, sight(nodes=NODES)),
        (ANEW, runs("a", "elsewhere")),
        (ANEW, runs("a", "b", state=TaskState.FAILED)),
        (ANEW, runs("a", "b", desired=TaskState.SHUTDOWN)),
    ],
    ids=["room", "stop first", "another port", "nothing runs", "elsewhere", "failed", "stopping"],
)
def test_where_it_may_end_nothing_is_said(what: DesiredService, seen: Sight) -> None:
    assert told(what, seen) == []


def test_taken_down_first_there_is_room() -> None:
    assert told(ANEW, runs("a", "b"), in_place=False) == []
