"""Which nodes of a Swarm may run a service, by its placement constraints. Pure.

As swarmkit does it (manager/constraint, `NodeMatches`): values are compared whole and without
regard to case, a label that a node lacks is "".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import Facts, Mode, Node, NodeState, Sight

_CONSTRAINT = "placement constraint"


def constraints_of(facts: Facts) -> tuple[str, ...]:
    """Return the placement constraints of a service, as `node.role == manager`."""
    return tuple(fact.item for fact in facts if fact.kind == _CONSTRAINT)


def takes_tasks(node: Node) -> bool:
    """Whether the Swarm places new tasks on a node: it is ready, neither drained nor paused."""
    return node.state is NodeState.READY and node.availability == "active"


def meets(node: Node, constraints: Iterable[str]) -> bool:
    """Whether a node meets all of `constraints`, whatever state it is in."""
    return all(_meets(node, constraint) for constraint in constraints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaceable:
    """A service that no node may run now; `away` are nodes that might, if they took tasks.

    `facts` are the service's own.
    """

    service: str
    constraints: tuple[str, ...]
    away: tuple[Node, ...]
    facts: Facts = ()

    @property
    def words(self) -> str:
        """Say which service it is, what it needs, and why no node has it."""
        needs = " and ".join(self.constraints)
        if not self.away:
            return f"{self.service} needs {needs}, which no node of the Swarm meets"
        nodes = ", ".join(f"{node.hostname} ({_why(node)})" for node in self.away)
        return f"{self.service} needs {needs}, which only {nodes} meets"


def unplaceable(desired: DesiredStack, sight: Sight) -> tuple[Unplaceable, ...]:
    """Return the services whose constraints are met by no node that takes tasks."""
    found = []
    for service in desired.services:
        constraints = constraints_of(service.facts)
        fit = tuple(node for node in sight.nodes if meets(node, constraints))
        none = not service.replicas and service.mode is Mode.REPLICATED
        if constraints and not none and not any(takes_tasks(node) for node in fit):
            name = desired.service_name(service)
            found.append(
                Unplaceable(service=name, constraints=constraints, away=fit, facts=service.facts)
            )
    return tuple(found)


def _why(node: Node) -> str:
    return node.availability if node.state is NodeState.READY else node.state.value


def _meets(node: Node, constraint: str) -> bool:
    equal = "==" in constraint
    key, _, value = (part.strip() for part in constraint.partition("==" if equal else "!="))
    for prefix, labels in (("node.labels.", node.labels), ("engine.labels.", node.engine_labels)):
        if key.lower().startswith(prefix):
            return (dict(labels).get(key[len(prefix) :], "").lower() == value.lower()) is equal
    if key.lower() == "node.ip":
        return _within(node.address, value) is equal
    system, _, arch = node.platform.partition("/")
    known = {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": "manager" if node.manager else "worker",
        "node.platform.os": system,
        "node.platform.arch": arch,
    }
    return key.lower() in known and (known[key.lower()].lower() == value.lower()) is equal


def _within(address: str, value: str) -> bool:
    try:
        return ip_address(address) in ip_network(value, strict=False)
    except ValueError:
        return False
