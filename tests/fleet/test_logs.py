import pytest

from orchestrator.fleet.logs import LogQuery, Place, nanoseconds, queries, silent_nodes
from orchestrator.fleet.observed import Node, NodeState, Sight
from tests.build import CLIENT, SERVER, node, service, sight, task, unseen


def far(*nodes: Node) -> Sight:
    return sight(
        nodes=nodes or (node(),),
        services=(service("worker"), service("api"), service("other", "stranger")),
        tasks=(task("worker"), task("worker", number=2, slot="id-far-m"), task("api", node_id="")),
    )


def asked(look: Sight) -> tuple[LogQuery, ...]:
    return queries(look, frozenset({CLIENT, SERVER}), tail=5, since=7.5, follow=True)


def test_every_service_of_the_units_at_this_site_is_asked_by_name() -> None:
    found = asked(far())
    assert [(q.unit, q.service, q.id) for q in found] == [
        (CLIENT, "api", "svc-app-client-api"),
        (CLIENT, "worker", "svc-app-client-worker"),
    ]
    assert {(q.tail, q.since, q.follow) for q in found} == {(5, 7.5, True)}


def test_a_task_is_told_by_its_slot_and_a_global_ones_by_its_node() -> None:
    api, worker = asked(far())
    assert dict(worker.places) == {
        "task-app-client-worker-1": Place(slot="1", node="far-m"),
        "task-app-client-worker-2": Place(slot="far-m", node="far-m"),
    }
    assert dict(api.places) == {"task-app-client-api-1": Place(slot="1", node="")}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1970-01-01T00:00:01.000000005Z", 1_000_000_005),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2026-11-22T23:24:01Z", 1_795_389_841_000_000_000),
        ("2026-11-22T23:24:01", None),
        ("Traceback", None),
        ("", None),
    ],
)
def test_a_time_as_docker_writes_it(stamp: str, expected: int | None) -> None:
    assert nanoseconds(stamp) == expected


def test_a_node_that_is_down_and_holds_tasks_of_what_is_asked_is_told() -> None:
    down = far(node(state=NodeState.DOWN), node("far-w", NodeState.DOWN))
    (problem,) = silent_nodes([down, unseen("home")], asked(down))
    assert (problem.code, problem.where.node) == ("logs.incomplete", "far-m")
    assert "far-m is down" in problem.what


def test_a_node_that_is_down_is_nobodys_business_where_its_tasks_were_not_asked_for() -> None:
    down = far(node(state=NodeState.DOWN))
    assert not silent_nodes([down], ())
    assert not silent_nodes([far()], asked(far()))
