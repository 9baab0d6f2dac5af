"""What should run, as frozen values: from the inventory and the compose file at a revision."""

from dataclasses import dataclass, field
from enum import Enum

from orchestrator.fleet.observed import Facts, Mode, Volume
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import CONFIG, NETWORK, SECRET, VOLUME


class Via(Enum):
    """From where a probe is sent."""

    MANAGER = "manager"
    HERE = "here"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonExpectation:
    """A dotted path into a JSON answer and the value that must stand there."""

    path: str
    equals: str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """`GET http://host:port/path` must answer `status`, and its JSON what is expected."""

    name: str
    host: str
    port: int
    path: str = "/"
    status: int = 200
    expect: tuple[JsonExpectation, ...] = ()
    via: Via = Via.MANAGER
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe:
    """A TCP connection to host:port must be accepted."""

    name: str
    host: str
    port: int
    via: Via = Via.MANAGER
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresProbe:
    """host:port must answer PostgreSQL's SSLRequest packet; needs no credentials."""

    name: str
    host: str
    port: int = 5432
    via: Via = Via.MANAGER
    timeout_seconds: float = 5.0


Probe = HttpProbe | TcpProbe | PostgresProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port that a service publishes; `mode` is host or ingress."""

    port: int
    protocol: str = "tcp"
    mode: str = "ingress"

    def excludes(self, other: "PublishedPort") -> bool:
        """Whether a Swarm takes only one of both, of two services.

        One number may be had under two protocols, and twice on hosts, where the services may be on
        different nodes (swarmkit manager/controlapi, checkPortConflicts).
        """
        same = (self.port, self.protocol) == (other.port, other.protocol)
        return same and "ingress" in {self.mode, other.mode}


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredService:
    """A service as its compose file declares it, after interpolation.

    `name` is the short one of the compose file. `grace_seconds` is stop_grace_period
    (Docker's default 10). `start_seconds` is how long a health check may take until it first
    fails for good: start_period + retries * (interval + timeout), 0 without a check.
    """

    name: str
    image: str
    mode: Mode = Mode.REPLICATED
    replicas: int = 1
    grace_seconds: float = 10.0
    start_seconds: float = 0.0
    ports: tuple[PublishedPort, ...] = ()
    facts: Facts = field(default=(), repr=False)
    """All that a Swarm will hold of it; see fleet/facts.py. Some values are secret."""
    hidden: frozenset[str] = frozenset()
    """Kinds of facts into which a secret variable was put where none is expected."""

    @property
    def constraints(self) -> tuple[str, ...]:
        """What a node must fulfil to run it, in Docker's words."""
        return tuple(fact.item for fact in self.facts if fact.kind == "placement constraint")


_KINDS = (NETWORK, CONFIG, SECRET, VOLUME)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredStack:
    """All that a unit's compose file asks for at the pinned revision.

    `external_*` are names that must exist in the Swarm already, of volumes those that should;
    `networks`, `configs`, `secrets` and `volumes` the full names of those that a deploy creates.
    `external_at` are the places, file:line:column, that say so of (kind, name).
    """

    unit: Unit
    services: tuple[DesiredService, ...]
    networks: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    external_networks: tuple[str, ...] = ()
    external_configs: tuple[str, ...] = ()
    external_secrets: tuple[str, ...] = ()
    external_volumes: tuple[str, ...] = ()
    external_at: tuple[tuple[tuple[str, str], str], ...] = ()
    volume_options: tuple[Volume, ...] = ()
    """Volumes of services that declare a driver or options for them."""

    def service_name(self, service: DesiredService) -> str:
        """Return the full name Docker gives the service: `stack_service`."""
        return f"{self.unit.stack}_{service.name}"

    @property
    def makes(self) -> tuple[tuple[str, str], ...]:
        """Kind and full name of all that a deploy creates beside services."""
        groups = (self.networks, self.configs, self.secrets, self.volumes)
        return tuple(
            (kind, name) for kind, group in zip(_KINDS, groups, strict=True) for name in group
        )

    @property
    def external(self) -> tuple[tuple[str, str], ...]:
        """Kind and full name of all that somebody else has to have created."""
        groups = (
            self.external_networks,
            self.external_configs,
            self.external_secrets,
            self.external_volumes,
        )
        return tuple(
            (kind, name) for kind, group in zip(_KINDS, groups, strict=True) for name in group
        )

    @property
    def images(self) -> tuple[str, ...]:
        """Every image, once, in the order of the services."""
        return tuple(dict.fromkeys(service.image for service in self.services))

    @property
    def grace_seconds(self) -> float:
        """The longest stop grace period of any service."""
        return max((service.grace_seconds for service in self.services), default=10.0)

    @property
    def start_seconds(self) -> float:
        """The longest time any service's health check may take."""
        return max((service.start_seconds for service in self.services), default=0.0)


class Prepull(Enum):
    """Where a stack's images are pulled before anything stops."""

    NODES = "nodes"
    """On every node that may run it."""
    MANAGERS = "managers"
    """On the manager that is connected to; the other nodes pull when they start a task."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient dtdeploy is with a stack; all in seconds.

    `remove_seconds` and `healthy_seconds` of 0 mean: derive them from the compose file
    (stop grace + 30, health check + 120; the facts are in docs/swarm.md).
    `stable_seconds` is how long the same tasks must keep running for the final verdict.
    """

    remove_seconds: float = 0.0
    healthy_seconds: float = 0.0
    stable_seconds: float = 10.0
    poll_seconds: float = 0.25
    failures: int = 3
    """This many failed tasks in one slot are a crash loop."""
    no_node_seconds: float = 30.0
    """How long "no suitable node" may last before it is final."""
    prepull: Prepull = field(default=Prepull.NODES, repr=False)
    """Not shown, as a run's record keeps a hash of what is (fingerprint in engine/record.py): what
    is pulled early changes nothing of what a run means to do."""
    finishes: tuple[str, ...] = field(default=(), repr=False)
    """Services, by their short names, that are as they should be once they ended with 0. Not shown
    either: it changes how what runs is judged, not what is done."""
