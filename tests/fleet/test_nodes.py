from dataclasses import replace

import pytest

from orchestrator.fleet.nodes import missing_nodes, name_of, overlook, quorum_words
from orchestrator.fleet.observed import NodeState, Sight, TaskState
from tests.build import node, sight, task, unseen

AWAY = node("far-w1", NodeState.DOWN, leader=False)
THERE = task(number=2, node_id=AWAY.id)


def test_what_is_missing_is_a_node_with_what_has_not_ended_there() -> None:
    over = task(number=3, node_id=AWAY.id, state=TaskState.FAILED)
    (missing,) = missing_nodes(sight(nodes=(node(), AWAY), tasks=(task(), THERE, over)))
    assert (missing.node, missing.name, missing.tasks) == (AWAY, "far-w1", (THERE,))


def test_a_name_that_two_nodes_have_is_no_name() -> None:
    again = replace(AWAY, id="id-new", state=NodeState.READY)
    found = sight(nodes=(node(), AWAY, again))
    assert [name_of(found, n) for n in found.nodes] == ["far-m", "id-far-w1", "id-new"]
    assert (
        name_of(sight(nodes=(replace(AWAY, hostname=""),)), replace(AWAY, hostname="")) == AWAY.id
    )


def test_a_task_is_overlooked_as_long_as_nobody_can_see_its_node() -> None:
    away = sight(nodes=(node(), AWAY), tasks=(task(), THERE))
    assert overlook(away, frozenset({THERE.id})).tasks == (task(),)
    back = replace(away, nodes=(node(), replace(AWAY, state=NodeState.READY)))
    assert overlook(back, frozenset({THERE.id})) is back


def test_no_other_task_is_overlooked_and_none_at_a_site_that_cannot_be_seen() -> None:
    away = sight(nodes=(node(), AWAY), tasks=(THERE,))
    assert overlook(away, frozenset()) is away
    assert overlook(away, frozenset({"another"})) is away
    dark = unseen()
    assert overlook(dark, frozenset({THERE.id})) is dark


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (3, ""),
        (2, "2 of 3 managers are there: one more loss ends the quorum"),
        (1, "1 of 3 managers are there: one more loss ends the quorum"),
    ],
)
def test_how_many_managers_may_still_be_lost(there: int, words: str) -> None:
    assert quorum_words(managers(there, 3)) == words


def test_one_of_five_managers_is_no_reason_to_hurry() -> None:
    assert quorum_words(managers(4, 5)) == "4 of 5 managers are there: the quorum holds"


def managers(there: int, all_of_them: int) -> Sight:
    return sight(
        nodes=tuple(
            replace(node(f"m{n}"), reachability="reachable" if n < there else "unreachable")
            for n in range(all_of_them)
        )
    )
