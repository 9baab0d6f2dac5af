"""A service as a Swarm takes it, in one form for what is declared and for what runs.

Every default here is what a Swarm does where nothing is said, so that saying it or leaving it out
is the same. Times are nanoseconds, as in Docker's API. Values may be secret: never print these.
"""

from dataclasses import dataclass

from orchestrator.fleet.observed import Mode

Settings = tuple[tuple[str, str], ...]
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume, bind, tmpfs or named pipe at `target`. `mode` is a tmpfs' permissions."""

    kind: str
    target: str
    source: str = ""
    read_only: bool = False
    propagation: str = "rprivate"
    no_copy: bool = False
    driver: str = ""
    driver_options: Settings = ()
    labels: Settings = ()
    size_bytes: int = 0
    mode: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A network by its full name, and by which further names the service is known there."""

    network: str
    aliases: tuple[str, ...] = ()
    driver_options: Settings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A published port; 0 lets the Swarm choose one."""

    target: int
    published: int = 0
    protocol: str = "tcp"
    mode: str = "ingress"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A secret or config by its full name, and where it is put; "" if only the runtime reads it."""

    name: str
    target: str
    uid: str = "0"
    gid: str = "0"
    mode: int = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A health check; 0 and () leave it to the image."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """When a task is started anew (swarmkit api/defaults/service.go)."""

    condition: str = "any"
    delay: int = 5 * SECOND
    attempts: int = 0
    window: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicy:
    """How an update or a roll back goes (the same file)."""

    parallelism: int = 1
    delay: int = 0
    failure_action: str = "pause"
    monitor: int = 5 * SECOND
    ratio: float = 0.0
    order: str = "stop-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Limits or reservations; 0 is none."""

    nano_cpus: int = 0
    memory_bytes: int = 0
    pids: int = 0
    generic: Settings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """All that a compose file can say of a service and a Swarm keeps of it.

    In `environment` a value of None takes the variable away that the image sets. `init` of None
    leaves it to the daemon. `credential_spec` is its kind and its value.
    """

    image: str
    mode: Mode = Mode.REPLICATED
    replicas: int = 1
    concurrent: int = 1
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()
    labels: Settings = ()
    container_labels: Settings = ()
    mounts: tuple[Mount, ...] = ()
    networks: tuple[Attachment, ...] = ()
    ports: tuple[Port, ...] = ()
    endpoint_mode: str = "vip"
    constraints: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    max_replicas: int = 0
    limits: Resources = Resources()
    reservations: Resources = Resources()
    health: HealthCheck | None = None
    restart: RestartPolicy = RestartPolicy()
    update: UpdatePolicy = UpdatePolicy()
    rollback: UpdatePolicy = UpdatePolicy()
    secrets: tuple[FileUse, ...] = ()
    configs: tuple[FileUse, ...] = ()
    hostname: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    directory: str = ""
    stop_signal: str = ""
    grace: int = 10 * SECOND
    init: bool | None = None
    tty: bool = False
    stdin: bool = False
    read_only: bool = False
    hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    sysctls: Settings = ()
    ulimits: tuple[tuple[str, int, int], ...] = ()
    oom_score_adj: int = 0
    log_driver: str = ""
    log_options: Settings = ()
    isolation: str = ""
    credential_spec: tuple[str, str] = ("", "")
