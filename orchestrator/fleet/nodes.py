"""Nodes of a Swarm that nobody can see, and the tasks that were last seen on them. Pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeVar

from orchestrator.fleet.observed import Look, Node, NodeState, Sight, Task

L = TypeVar("L", Sight, Look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A node that is not ready, with the unfinished tasks that were last seen there.

    `name` is what `docker node` takes for it: its hostname, or its id where another node of the
    Swarm has the same one, as a machine that was installed anew and joined once more has.
    """

    node: Node
    name: str
    tasks: tuple[Task, ...]


def missing_nodes(sight: Sight) -> tuple[Missing, ...]:
    """Return the nodes that are not ready.

    Their tasks stay listed in the state that was last heard, for up to 24 hours, whatever becomes
    of the containers (swarmkit dispatcher, defaultNodeDownPeriod).
    """
    return tuple(
        Missing(
            node=node,
            name=name_of(sight, node),
            tasks=tuple(
                task for task in sight.tasks if task.node_id == node.id and not task.state.terminal
            ),
        )
        for node in sight.nodes
        if node.state is not NodeState.READY
    )


def name_of(sight: Sight, node: Node) -> str:
    """Return what `docker node` takes for `node`: ambiguous names are refused."""
    alone = sum(other.hostname == node.hostname for other in sight.nodes) == 1
    return node.hostname if alone and node.hostname else node.id


def overlook(look: L, tasks: AbstractSet[str]) -> L:
    """Return `look` without those of `tasks`, by id, that are on a node that nobody can see.

    A node that is ready again shows its tasks again: they count.
    """
    if not tasks or not isinstance(look, Sight):
        return look
    away = {node.id for node in look.nodes if node.state is not NodeState.READY}
    kept = tuple(t for t in look.tasks if t.id not in tasks or t.node_id not in away)
    return look if len(kept) == len(look.tasks) else replace(look, tasks=kept)


def quorum_words(sight: Sight) -> str:
    """Say how many managers are left and how many may still be lost; "" while all are there."""
    managers = [node for node in sight.nodes if node.manager]
    there = [
        node
        for node in managers
        if node.state is NodeState.READY and node.reachability != "unreachable"
    ]
    if len(there) == len(managers):
        return ""
    spare = len(there) - (len(managers) // 2 + 1)
    held = f"{len(there)} of {len(managers)} managers are there"
    return f"{held}: one more loss ends the quorum" if spare < 1 else f"{held}: the quorum holds"
