"""Is there room on the nodes of a site for the tasks that a plan wants there? Pure.

Only what is certain counts: which nodes a task's constraints leave is not looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.drift import drift, moved_images
from orchestrator.fleet.facts import OF_THE_SERVICE
from orchestrator.fleet.observed import Mode, NodeState, Service, Sight, TaskState, contents


@dataclass(frozen=True, slots=True)
class Lack:
    """A service for which there is no room, and why."""

    service: str
    why: str
    updated: bool = False
    """Whether there would be room, were the old tasks stopped first."""


def lacks(
    desired: DesiredStack, sight: Sight, *, in_place: bool, digests: Mapping[str, str]
) -> Iterator[Lack]:
    """Find services whose tasks can never all run.

    Args:
        desired: what is to be deployed.
        sight: what is there.
        in_place: whether it is deployed over what runs.
        digests: by image, what its tag leads to now.

    """
    usable = [
        node.id
        for node in sight.nodes
        if node.availability == "active" and node.state is NodeState.READY
    ]
    changing = _changing(desired, sight, digests) if in_place else frozenset()
    for service in desired.services:
        per_node, by = _per_node(service)
        if service.mode is not Mode.REPLICATED or not per_node:
            continue
        room = per_node * len(usable)
        if service.replicas > room:
            why = f"of {service.replicas} tasks {room} can run on {len(usable)} nodes: {by}"
            yield Lack(service.name, why)
        elif service.name in changing and _starts_first(service):
            taken = _tasks_on(sight, desired.service_name(service), frozenset(usable))
            if taken >= room and _takes_the_same(service, _running(desired, service, sight)):
                why = f"each new task needs a node before an old one stops, and none is left: {by}"
                yield Lack(service.name, why, updated=True)


def _per_node(service: DesiredService) -> tuple[int, str]:
    """Return how many of its tasks one node can run, 0 for any number, and what says so."""
    ports = [str(port.port) for port in service.ports if port.mode == "host"]
    if ports:
        return 1, f"port {', '.join(ports)} of the host"
    known = {fact.kind: fact.value for fact in service.facts}
    words = known.get("replicas per node", "")
    number = words.rpartition(" ")[2]
    return (int(number), f"{words} on a node") if number.isdigit() else (0, "")


def _starts_first(service: DesiredService) -> bool:
    return any(
        (fact.kind, fact.item, fact.value) == ("update", "order", "start-first")
        for fact in service.facts
    )


def _changing(desired: DesiredStack, sight: Sight, digests: Mapping[str, str]) -> frozenset[str]:
    """Name the services whose tasks an update replaces."""
    mine = contents(sight, desired.unit.stack)
    differing = (c for c in drift(desired, mine) if c.kind not in OF_THE_SERVICE)
    changes = (*differing, *moved_images(desired, mine, digests))
    return frozenset(change.service for change in changes)


def _running(desired: DesiredStack, service: DesiredService, sight: Sight) -> Service | None:
    name = desired.service_name(service)
    return next((one for one in sight.services if one.name == name), None)


def _takes_the_same(service: DesiredService, runs: Service | None) -> bool:
    """Whether what runs has one of the host's ports that the new tasks want, if they want any."""
    wanted = {(port.port, port.protocol) for port in service.ports if port.mode == "host"}
    if runs is None or not wanted:
        return runs is not None
    return any((port, protocol) in wanted for port, protocol, _ in runs.published)


def _tasks_on(sight: Sight, name: str, nodes: frozenset[str]) -> int:
    ids = {service.id for service in sight.services if service.name == name}
    return sum(
        task.service_id in ids
        and task.node_id in nodes
        and task.state is TaskState.RUNNING
        and task.desired is TaskState.RUNNING
        for task in sight.tasks
    )
