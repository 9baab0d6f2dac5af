"""Is a unit really gone? `docker stack rm` returns long before it is; this is the real test."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orchestrator.fleet.observed import (
    Contents,
    Look,
    Node,
    NodeState,
    Sight,
    Task,
    Unseen,
    contents,
)
from orchestrator.fleet.unit import Unit

# A container in one of these states holds, or is about to hold, a process, an address or a
# network. Exited and dead ones do not, and linger for seconds after their task; in the end they
# are "removing", which Docker says of none that runs (moby container/state.go, StateString): to
# count it would make what was gone present once more.
_LIVE_CONTAINER = frozenset({"created", "running", "paused", "restarting"})


class Presence(Enum):
    """GONE: nothing of the unit is left; PRESENT: something is; UNKNOWN: cannot be told."""

    GONE = "gone"
    PRESENT = "present"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Presence with its evidence, in words: what is still there, or what cannot be seen."""

    presence: Presence
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    """What to type, and where, to end what should have ended by itself; "" if nobody can say."""

    @property
    def gone(self) -> bool:
        """Whether nothing of the unit is left."""
        return self.presence is Presence.GONE


def whereabouts(unit: Unit, look: Look, *, networks: frozenset[str] = frozenset()) -> Whereabouts:
    """Judge whether `unit` is gone.

    Args:
        unit: the unit asked about.
        look: the latest look at its site.
        networks: names of networks the unit had before; one of that name still listed means
            present even where its label was lost (a node-local leftover makes the next
            deploy fail with "network ... not found", moby#29293).

    Returns:
        UNKNOWN when the site or the node of an unfinished task cannot be seen. Tasks on a
        node that is down stay "running" for 24 hours and their containers may really run
        (swarmkit dispatcher, defaultNodeDownPeriod), so they never count as gone.

    """
    if isinstance(look, Unseen):
        remedy = look.problem.fix or f"let {look.site} answer"
        return Whereabouts(
            presence=Presence.UNKNOWN, evidence=(_unseen_words(look),), remedy=remedy
        )
    if blind := blindness(look):
        return Whereabouts(presence=Presence.UNKNOWN, evidence=(blind,))
    mine = contents(look, unit.stack)
    nodes = {node.id: node for node in look.nodes}
    unsure = tuple(_unsure_tasks(look, mine, nodes))
    still = tuple(_still_there(look, mine, nodes, networks))
    if still:
        remedy = _remedy(look, mine, nodes)
        return Whereabouts(presence=Presence.PRESENT, evidence=still + unsure, remedy=remedy)
    if unsure:
        return Whereabouts(presence=Presence.UNKNOWN, evidence=unsure)
    return Whereabouts(presence=Presence.GONE)


def blindness(sight: Sight) -> str:
    """Return why a sight cannot be trusted, "" if it can.

    `/info` answers 200 on a Swarm without quorum; only its Error field tells.
    """
    info = sight.info
    if info.error:
        return f"the Swarm of {sight.site} is not well: {info.error}"
    if info.node_state != "active" or not info.control:
        return f"{sight.site} is no Swarm manager now (state {info.node_state or 'unknown'})"
    return ""


def blocks(task: Task, nodes: dict[str, Node]) -> bool:
    """Whether an unfinished task still stands for a process that may be seen to end."""
    if task.state.terminal:
        return False
    if not task.node_id:
        return True
    node = nodes.get(task.node_id)
    return node is not None and node.state is NodeState.READY


def _unsure_tasks(sight: Sight, mine: Contents, nodes: dict[str, Node]) -> Iterator[str]:
    names = {service.id: service.name for service in sight.services}
    for task in mine.tasks:
        node = nodes.get(task.node_id)
        # A node that was removed from the Swarm leaves ghosts that no one will ever finish
        # (moby#37320): waiting for them would wait for ever.
        if task.state.terminal or node is None or node.state is NodeState.READY:
            continue
        name = names.get(task.service_id, f"removed service {task.service_id[:12]}")
        yield (
            f"task {name}.{task.slot} was last seen {task.state.name.lower()} on "
            f"{node.hostname}, which is {node.state.value}: its container may still run there"
        )


def _still_there(
    sight: Sight, mine: Contents, nodes: dict[str, Node], networks: frozenset[str]
) -> Iterator[str]:
    for service in mine.services:
        yield f"service {service.name}"
    for task in mine.tasks:
        if blocks(task, nodes):
            host = nodes[task.node_id].hostname if task.node_id else "no node yet"
            yield f"task {task.id[:12]} {task.state.name.lower()} on {host}"
    for container in mine.containers:
        if container.state in _LIVE_CONTAINER:
            yield f"container {container.name} {container.state}"
    mine_by_name = [n for n in sight.networks if n.name in networks and n not in mine.networks]
    for network in (*mine.networks, *mine_by_name):
        yield f"network {network.name}"
    for secret in mine.secrets:
        yield f"secret {secret.name}"
    for config in mine.configs:
        yield f"config {config.name}"


def _remedy(sight: Sight, mine: Contents, nodes: dict[str, Node]) -> str:
    """Say how to end the first process of what is left, once its services are deleted.

    A task that is on no node is the Swarm's leader's to forget (moby#36527).
    """
    if mine.services:
        return ""
    left = [task for task in mine.tasks if blocks(task, nodes)]
    placed = next((task for task in left if task.node_id), None)
    if placed is not None:
        label = f"label=com.docker.swarm.task.id={placed.id}"
        return (
            f"on {nodes[placed.node_id].hostname}: docker rm -f $(docker ps -aq -f {label}); "
            "if there is none, or it stays: sudo systemctl restart docker"
        )
    if left:
        leader = next((node.hostname for node in sight.nodes if node.leader), "the leader")
        return f"on {leader}, which leads the Swarm: sudo systemctl restart docker"
    live = (one.name for one in mine.containers if one.state in _LIVE_CONTAINER)
    name = next(live, "")
    return f"on {sight.site}'s manager: docker rm -f {name}" if name else ""


def _unseen_words(look: Unseen) -> str:
    return f"{look.site} cannot be seen: {look.problem.what}"
