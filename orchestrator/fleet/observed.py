"""What was read from a site's Swarm, as frozen values. Nothing here judges.

Times are seconds on the observer's own monotonic clock: node clocks disagree, and timestamps
of different nodes must not be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from orchestrator.errors import Problem

NAMESPACE_LABEL = "com.docker.stack.namespace"


class TaskState(IntEnum):
    """Task states in their order; from COMPLETE on they are terminal (swarmkit types.proto)."""

    NEW = 0
    PENDING = 64
    ASSIGNED = 192
    ACCEPTED = 256
    PREPARING = 320
    READY = 384
    STARTING = 448
    RUNNING = 512
    COMPLETE = 576
    SHUTDOWN = 640
    FAILED = 704
    REJECTED = 768
    REMOVE = 800
    ORPHANED = 832

    @property
    def terminal(self) -> bool:
        """Whether a task in this state will never run again."""
        return self >= TaskState.COMPLETE


class NodeState(Enum):
    """`Status.State` of a node."""

    READY = "ready"
    DOWN = "down"
    UNKNOWN = "unknown"
    DISCONNECTED = "disconnected"


class Mode(Enum):
    """How a service multiplies into tasks."""

    REPLICATED = "replicated"
    GLOBAL = "global"
    REPLICATED_JOB = "replicated-job"
    GLOBAL_JOB = "global-job"


class Fact(NamedTuple):
    """One fact about a service: what kind, of which of several ("" if one), how it is.

    See fleet/facts.py. The value may be secret.
    """

    kind: str
    item: str
    value: str


Facts = tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the Swarm."""

    id: str
    hostname: str
    state: NodeState
    availability: str = "active"
    manager: bool = False
    leader: bool = False
    reachability: str = ""
    platform: str = ""
    """Its "os/architecture" (fleet/platforms.py), "" where nobody said."""
    labels: tuple[tuple[str, str], ...] = ()
    engine_labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the Swarm holds it. `update_state` is "" where Docker says null."""

    id: str
    name: str
    stack: str
    version: int
    mode: Mode = Mode.REPLICATED
    replicas: int = 1
    image: str = ""
    platforms: tuple[str, ...] = ()
    """What its image is for, as the registry said when it was deployed."""
    update_state: str = ""
    update_message: str = ""
    monitor_seconds: float = 5.0
    grace_seconds: float = 10.0
    """stop_grace_period of what runs now, which is what a removal has to wait for."""
    labels: tuple[tuple[str, str], ...] = ()
    published: tuple[tuple[int, str, str], ...] = ()
    """(published port, protocol, publish mode host|ingress)"""
    facts: Facts = field(default=(), repr=False)
    """All of its spec that a compose file can say; see fleet/facts.py. Some are secret."""
    job_iteration: int | None = None
    """Which run of a job is its latest; None of what is no job. Every write starts another."""
    changed: float | None = field(default=None, compare=False)
    """When it was last written, seconds since 1970 by the leader's clock."""

    def label(self, name: str) -> str:
        """Return the value of a service label, "" if it is not set."""
        return dict(self.labels).get(name, "")

    def restart(self, item: str, otherwise: str) -> str:
        """Return what its restart policy says of `item`, `otherwise` if it leaves it to Swarm."""
        found = (f.value for f in self.facts if (f.kind, f.item) == ("restart", item))
        return next(found, otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task. `slot` is the slot number, or the node id for a global service's task."""

    id: str
    service_id: str
    stack: str
    slot: str
    state: TaskState
    desired: TaskState
    node_id: str = ""
    error: str = ""
    message: str = ""
    exit_code: int | None = None
    image: str = ""
    up_to_date: bool = True
    """Its spec is its service's present one; meaningless once the service is gone."""
    job_iteration: int | None = None
    since: float | None = field(default=None, compare=False)
    """When it came into its state: seconds since 1970 by its node's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container on the manager's own node that belongs to a stack."""

    id: str
    name: str
    stack: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A container that no service started, on the network of a Swarm; on any node."""

    id: str
    node_id: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A network, config or secret that belongs to a stack (`stack` is "" for others)."""

    id: str
    name: str
    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume of one node, or as a compose file declares it. Its options may be secret.

    Docker makes it when a task first needs it, and never changes it: one of that name is taken as
    it is (moby volume/service, create).
    """

    name: str
    driver: str = "local"
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmInfo:
    """`GET /info`, the parts that matter. `error` is "" when the Swarm is well.

    A Swarm without quorum still says active and ControlAvailable; only `error` tells
    (moby daemon/cluster/swarm.go, Info).
    """

    node_id: str
    node_state: str
    control: bool
    error: str = ""
    server_version: str = ""
    cluster_id: str = ""
    time: float | None = field(default=None, compare=False)
    """What time it was there, seconds since 1970 by that manager's clock; None where not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The part of a sight that belongs to one stack."""

    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    containers: tuple[Container, ...] = ()
    networks: tuple[Resource, ...] = ()
    configs: tuple[Resource, ...] = ()
    secrets: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Everything read from one site's Swarm in one look.

    `started` and `at` are when the look began and ended: seconds on the observer's clock. `via` is
    the manager that was asked where that is not the first of the site's, else "". `containers` are
    those of that manager's node, whichever it is (`info.node_id`); of other nodes, and so of all
    where managers change between two looks, tasks are what is known.
    """

    site: str
    started: float
    at: float
    info: SwarmInfo
    nodes: tuple[Node, ...] = ()
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    containers: tuple[Container, ...] = ()
    networks: tuple[Resource, ...] = ()
    configs: tuple[Resource, ...] = ()
    secrets: tuple[Resource, ...] = ()
    attached: tuple[Attached, ...] = ()
    via: str = ""
    by_stack: Mapping[str, Contents] = field(init=False, repr=False, compare=False)
    """The same, sorted by stack once: it is asked for many times a look."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_stack", MappingProxyType(_by_stack(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A look that failed: nothing may be concluded about the site but that."""

    site: str
    at: float
    problem: Problem


Look = Sight | Unseen


def contents(sight: Sight, stack: str) -> Contents:
    """Return what `sight` shows of `stack`."""
    return sight.by_stack.get(stack, _NOTHING)


def _by_stack(sight: Sight) -> dict[str, Contents]:
    kinds = ("services", "tasks", "containers", "networks", "configs", "secrets")
    found: dict[str, dict[str, list[Any]]] = {}
    for kind in kinds:
        for item in getattr(sight, kind):
            if item.stack:
                found.setdefault(item.stack, {}).setdefault(kind, []).append(item)
    return {
        stack: Contents(**{kind: tuple(items) for kind, items in groups.items()})
        for stack, groups in found.items()
    }


_NOTHING = Contents()


def stacks_seen(sight: Sight) -> frozenset[str]:
    """Return the name of every stack that left any trace, services or not.

    `docker stack ls` shows only stacks with services; leftovers count here too. Finished
    tasks do not: job tasks of removed services stay listed for ever (moby#44312).
    """
    live = [t.stack for t in sight.tasks if not t.state.terminal]
    groups = (sight.services, sight.networks, sight.configs, sight.secrets)
    return frozenset([item.stack for group in groups for item in group] + live) - {""}
