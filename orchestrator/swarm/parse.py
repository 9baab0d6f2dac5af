"""Docker's JSON to the values of fleet.observed; pydantic holds the fields that are used.

The functions are cached by the very bytes: most looks see what the last one saw.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field, TypeAdapter

from orchestrator.fleet.facts import facts
from orchestrator.fleet.observed import (
    NAMESPACE_LABEL,
    Attached,
    Container,
    Mode,
    Node,
    NodeState,
    Resource,
    Service,
    SwarmInfo,
    Task,
    TaskState,
    Volume,
)
from orchestrator.fleet.spec import ServiceSpec
from orchestrator.swarm import service_spec
from orchestrator.swarm.service_spec import (
    EndpointSpec,
    Labels,
    OrEmpty,
    Platform,
    Template,
    UpdateConfig,
)
from orchestrator.swarm.service_spec import Model as _Model

_NANO = 1e9
_MONITOR_NANOSECONDS = 5_000_000_000  # swarmkit api/defaults/service.go
_CACHED = 256
_SERVICE_LABEL = "com.docker.swarm.service.id"
"""On every container of a task (moby daemon/cluster/executor/container/container.go)."""


class _Version(_Model):
    index: int = Field(0, alias="Index")


class _Identity(_Model):
    id: str = Field("", alias="ID")


class _Swarm(_Model):
    node_id: str = Field("", alias="NodeID")
    state: str = Field("", alias="LocalNodeState")
    control: bool = Field(default=False, alias="ControlAvailable")
    error: str = Field("", alias="Error")
    cluster: OrEmpty[_Identity] = Field(default=_Identity(), alias="Cluster")


class _Info(_Model):
    swarm: _Swarm = Field(alias="Swarm")
    version: str = Field("", alias="ServerVersion")
    root: str = Field("", alias="DockerRootDir")
    time: AwareDatetime | None = Field(None, alias="SystemTime")


class _Spec(_Model):
    name: str = Field("", alias="Name")
    labels: Labels = Field(default_factory=dict, alias="Labels")
    availability: str = Field("active", alias="Availability")
    role: str = Field("", alias="Role")


class _NodeStatus(_Model):
    state: NodeState = Field(alias="State")
    address: str = Field("", alias="Addr")


class _Engine(_Model):
    labels: Labels = Field(default_factory=dict, alias="Labels")


class _Description(_Model):
    hostname: str = Field("", alias="Hostname")
    platform: OrEmpty[Platform] = Field(default=Platform(), alias="Platform")
    engine: OrEmpty[_Engine] = Field(default=_Engine(), alias="Engine")

    def read_platform(self) -> str:
        known = self.platform
        return known.read() if known.system and known.architecture else ""


class _ManagerStatus(_Model):
    leader: bool = Field(default=False, alias="Leader")
    reachability: str = Field("", alias="Reachability")


class _Node(_Model):
    id: str = Field(alias="ID")
    spec: _Spec = Field(alias="Spec")
    status: _NodeStatus = Field(alias="Status")
    description: OrEmpty[_Description] = Field(default=_Description(), alias="Description")
    manager: OrEmpty[_ManagerStatus] = Field(default=_ManagerStatus(), alias="ManagerStatus")


class _Replicated(_Model):
    replicas: int = Field(1, alias="Replicas")


class _ReplicatedJob(_Model):
    completions: int = Field(1, alias="TotalCompletions")
    concurrent: int = Field(1, alias="MaxConcurrent")


class _Mode(_Model):
    replicated: _Replicated | None = Field(None, alias="Replicated")
    everywhere: dict[str, object] | None = Field(None, alias="Global")
    job: _ReplicatedJob | None = Field(None, alias="ReplicatedJob")
    job_everywhere: dict[str, object] | None = Field(None, alias="GlobalJob")

    def read(self) -> tuple[Mode, int, int]:
        """Return the mode, how many tasks, and how many of them at once."""
        if self.job is not None:
            return Mode.REPLICATED_JOB, self.job.completions, self.job.concurrent
        if self.job_everywhere is not None:
            return Mode.GLOBAL_JOB, 0, 0
        if self.everywhere is not None:
            return Mode.GLOBAL, 0, 0
        replicas = self.replicated.replicas if self.replicated else 1
        return Mode.REPLICATED, replicas, replicas


class _ServiceSpec(_Spec):
    template: Template = Field(alias="TaskTemplate")
    mode: OrEmpty[_Mode] = Field(default=_Mode(), alias="Mode")
    update: OrEmpty[UpdateConfig] = Field(default=UpdateConfig(), alias="UpdateConfig")
    rollback: OrEmpty[UpdateConfig] = Field(default=UpdateConfig(), alias="RollbackConfig")
    endpoint: OrEmpty[EndpointSpec] = Field(default=EndpointSpec(), alias="EndpointSpec")


class _Port(_Model):
    published: int = Field(0, alias="PublishedPort")
    protocol: str = Field("tcp", alias="Protocol")
    mode: str = Field("ingress", alias="PublishMode")


class _Endpoint(_Model):
    ports: tuple[_Port, ...] = Field((), alias="Ports")


class _UpdateStatus(_Model):
    state: str = Field("", alias="State")
    message: str = Field("", alias="Message")


class _JobStatus(_Model):
    iteration: OrEmpty[_Version] = Field(default=_Version(), alias="JobIteration")


class _Service(_Model):
    id: str = Field(alias="ID")
    version: _Version = Field(alias="Version")
    spec: _ServiceSpec = Field(alias="Spec")
    endpoint: OrEmpty[_Endpoint] = Field(default=_Endpoint(), alias="Endpoint")
    update: OrEmpty[_UpdateStatus] = Field(default=_UpdateStatus(), alias="UpdateStatus")
    job: _JobStatus | None = Field(None, alias="JobStatus")
    changed: AwareDatetime | None = Field(None, alias="UpdatedAt")


class _ContainerStatus(_Model):
    id: str = Field("", alias="ContainerID")
    exit_code: int = Field(0, alias="ExitCode")


class _TaskContainer(_Model):
    image: str = Field("", alias="Image")
    labels: Labels = Field(default_factory=dict, alias="Labels")


class _TaskSpec(_Model):
    container: OrEmpty[_TaskContainer] = Field(default=_TaskContainer(), alias="ContainerSpec")


class _TaskStatus(_Model):
    state: str = Field(alias="State")
    message: str = Field("", alias="Message")
    error: str = Field("", alias="Err")
    entered: AwareDatetime | None = Field(None, alias="Timestamp")
    container: OrEmpty[_ContainerStatus] = Field(
        default=_ContainerStatus(), alias="ContainerStatus"
    )


class _Task(_Model):
    id: str = Field(alias="ID")
    service: str = Field("", alias="ServiceID")
    slot: int = Field(0, alias="Slot")
    node: str = Field("", alias="NodeID")
    status: _TaskStatus = Field(alias="Status")
    desired: str = Field(alias="DesiredState")
    spec: _TaskSpec = Field(alias="Spec")
    iteration: _Version | None = Field(None, alias="JobIteration")


class _AttachedContainer(_Model):
    id: str = Field("", alias="ContainerID")


class _AttachmentSpec(_Model):
    container: OrEmpty[_AttachedContainer] = Field(
        default=_AttachedContainer(), alias="NetworkAttachmentSpec"
    )


class _AttachedNetworkSpec(_Model):
    spec: _Spec = Field(default=_Spec(), alias="Spec")


class _NetworkAttachment(_Model):
    network: OrEmpty[_AttachedNetworkSpec] = Field(default=_AttachedNetworkSpec(), alias="Network")


class _Attachment(_Model):
    """A task that stands for a container which no service started (swarmkit `attachment`)."""

    node: str = Field("", alias="NodeID")
    status: _TaskStatus = Field(alias="Status")
    spec: _AttachmentSpec = Field(alias="Spec")
    networks: Annotated[
        tuple[_NetworkAttachment, ...], BeforeValidator(lambda value: value or ())
    ] = Field((), alias="NetworksAttachments")


class _TaskId(_Model):
    id: str = Field(alias="ID")


class _Resource(_Model):
    id: str = Field(alias="ID")
    spec: _Spec = Field(alias="Spec")


class _Network(_Model):
    id: str = Field(alias="Id")
    name: str = Field(alias="Name")
    scope: str = Field("", alias="Scope")
    labels: Labels = Field(default_factory=dict, alias="Labels")


class _PublicPort(_Model):
    port: int = Field(0, alias="PublicPort")
    protocol: str = Field("tcp", alias="Type")


class _Container(_Model):
    id: str = Field(alias="Id")
    names: tuple[str, ...] = Field((), alias="Names")
    labels: Labels = Field(default_factory=dict, alias="Labels")
    state: str = Field("", alias="State")
    ports: tuple[_PublicPort, ...] = Field((), alias="Ports")


class _Volume(_Model):
    name: str = Field(alias="Name")
    driver: str = Field("local", alias="Driver")
    options: Labels = Field(default_factory=dict, alias="Options")


class _EngineVersion(_Model):
    api: str = Field(alias="ApiVersion")
    oldest_api: str = Field("1.12", alias="MinAPIVersion")


class _Words(_Model):
    message: str


_NODES = TypeAdapter(tuple[_Node, ...])
_SERVICES = TypeAdapter(tuple[_Service, ...])
_TASKS = TypeAdapter(tuple[_Task, ...])
_ATTACHMENTS = TypeAdapter(tuple[_Attachment, ...])
_TASK_IDS = TypeAdapter(tuple[_TaskId, ...])
_RESOURCES = TypeAdapter(tuple[_Resource, ...])
_NETWORKS = TypeAdapter(tuple[_Network, ...])
_CONTAINERS = TypeAdapter(tuple[_Container, ...])


def info(raw: bytes) -> SwarmInfo:
    """Read `GET /info`."""
    seen = _Info.model_validate_json(raw)
    return SwarmInfo(
        node_id=seen.swarm.node_id,
        node_state=seen.swarm.state,
        control=seen.swarm.control,
        error=seen.swarm.error,
        server_version=seen.version,
        cluster_id=seen.swarm.cluster.id,
        time=seen.time.timestamp() if seen.time else None,
    )


def root_and_time(raw: bytes) -> tuple[str, datetime | None]:
    """Read Docker's data folder and the host's clock from `GET /info`."""
    seen = _Info.model_validate_json(raw)
    return seen.root, seen.time


def api_versions(raw: bytes) -> tuple[str, str]:
    """Read the newest and the oldest API version from `GET /version`."""
    seen = _EngineVersion.model_validate_json(raw)
    return seen.api, seen.oldest_api


def message(raw: bytes) -> str:
    """Read the words of an error answer."""
    return _Words.model_validate_json(raw).message


@lru_cache(_CACHED)
def nodes(raw: bytes) -> tuple[Node, ...]:
    """Read `GET /nodes`."""
    return tuple(
        Node(
            id=seen.id,
            hostname=seen.description.hostname,
            state=seen.status.state,
            availability=seen.spec.availability,
            manager=seen.spec.role == "manager",
            leader=seen.manager.leader,
            reachability=seen.manager.reachability,
            platform=seen.description.read_platform(),
            labels=tuple(sorted(seen.spec.labels.items())),
            engine_labels=tuple(sorted(seen.description.engine.labels.items())),
            address=seen.status.address,
        )
        for seen in _NODES.validate_json(raw)
    )


@lru_cache(_CACHED)
def services(raw: bytes, raw_networks: bytes = b"[]") -> tuple[Service, ...]:
    """Read `GET /services`, and `GET /networks` for the names of what they are attached to."""
    names = {seen.id: seen.name for seen in _NETWORKS.validate_json(raw_networks)}
    return tuple(_service(seen, names) for seen in _SERVICES.validate_json(raw))


def _service(seen: _Service, networks: dict[str, str]) -> Service:
    mode, replicas, _ = seen.spec.mode.read()
    return Service(
        id=seen.id,
        name=seen.spec.name,
        stack=seen.spec.labels.get(NAMESPACE_LABEL, ""),
        version=seen.version.index,
        mode=mode,
        replicas=replicas,
        image=seen.spec.template.container.image,
        platforms=tuple(p.read() for p in seen.spec.template.placement.platforms),
        update_state=seen.update.state,
        update_message=seen.update.message,
        monitor_seconds=(seen.spec.update.monitor or _MONITOR_NANOSECONDS) / _NANO,
        grace_seconds=seen.spec.template.container.grace_nanoseconds / _NANO,
        labels=tuple(sorted(seen.spec.labels.items())),
        published=tuple(
            (port.published, port.protocol, port.mode)
            for port in seen.endpoint.ports
            if port.published
        ),
        facts=facts(_spec(seen.spec, networks)),
        job_iteration=seen.job.iteration.index if seen.job else None,
        changed=seen.changed.timestamp() if seen.changed else None,
    )


def _spec(seen: _ServiceSpec, networks: dict[str, str]) -> ServiceSpec:
    return service_spec.read(
        labels=seen.labels,
        mode=seen.mode.read(),
        template=seen.template,
        endpoint=seen.endpoint,
        update=seen.update,
        rollback=seen.rollback,
        networks=networks,
    )


@lru_cache(_CACHED)
def tasks(raw: bytes, raw_up_to_date: bytes) -> tuple[Task, ...]:
    """Read `GET /tasks`, and the same list filtered by `_up-to-date`.

    Comparing a task's spec with its service's would not do: Swarm also counts endpoint
    changes and stored registry logins, neither of which a task shows (swarmkit
    manager/orchestrator/task.go, IsTaskDirty). The docker CLI asks the same way.
    """
    current = {seen.id for seen in _TASK_IDS.validate_json(raw_up_to_date)}
    return tuple(_task(seen, up_to_date=seen.id in current) for seen in _TASKS.validate_json(raw))


def _task(seen: _Task, *, up_to_date: bool) -> Task:
    state = TaskState[seen.status.state.upper()]
    container = seen.status.container
    # Before its end a task says 0 or -1 here (20.10).
    ended = state.terminal and container.id
    return Task(
        id=seen.id,
        service_id=seen.service,
        stack=seen.spec.container.labels.get(NAMESPACE_LABEL, ""),
        slot=str(seen.slot) if seen.slot else seen.node,
        state=state,
        desired=TaskState[seen.desired.upper()],
        node_id=seen.node,
        error=seen.status.error,
        message=seen.status.message,
        exit_code=container.exit_code if ended else None,
        image=seen.spec.container.image,
        up_to_date=up_to_date,
        job_iteration=seen.iteration.index if seen.iteration else None,
        since=seen.status.entered.timestamp() if seen.status.entered else None,
    )


@lru_cache(_CACHED)
def attached(raw: bytes) -> tuple[Attached, ...]:
    """Read `GET /tasks`, filtered by the runtime `attachment`: those that have not ended."""
    return tuple(
        Attached(id=seen.spec.container.id, node_id=seen.node, network=joined.network.spec.name)
        for seen in _ATTACHMENTS.validate_json(raw)
        if not TaskState[seen.status.state.upper()].terminal
        for joined in seen.networks
    )


@lru_cache(_CACHED)
def resources(raw: bytes) -> tuple[Resource, ...]:
    """Read `GET /configs` or `GET /secrets`."""
    return tuple(
        Resource(id=seen.id, name=seen.spec.name, stack=seen.spec.labels.get(NAMESPACE_LABEL, ""))
        for seen in _RESOURCES.validate_json(raw)
    )


@lru_cache(_CACHED)
def networks(raw: bytes) -> tuple[Resource, ...]:
    """Read the Swarm's networks from `GET /networks`; those of one host only are left out.

    The remains of a removed network on this very host count: Docker lists them alike.
    """
    return tuple(
        Resource(id=seen.id, name=seen.name, stack=seen.labels.get(NAMESPACE_LABEL, ""))
        for seen in _NETWORKS.validate_json(raw)
        if seen.scope == "swarm"
    )


def volume(raw: bytes) -> Volume:
    """Read `GET /volumes/NAME`."""
    seen = _Volume.model_validate_json(raw)
    options = tuple(sorted(seen.options.items()))
    return Volume(name=seen.name, driver=seen.driver, options=options)


@lru_cache(_CACHED)
def containers(raw: bytes) -> tuple[Container, ...]:
    """Read `GET /containers/json`."""
    return tuple(
        Container(
            id=seen.id,
            name=seen.names[0].lstrip("/") if seen.names else seen.id[:12],
            stack=seen.labels.get(NAMESPACE_LABEL, ""),
            state=seen.state,
        )
        for seen in _CONTAINERS.validate_json(raw)
    )


def container_ports(
    raw: bytes,
) -> tuple[frozenset[tuple[int, str]], frozenset[tuple[int, str]]]:
    """Read the host ports, with their protocol, that containers of services publish, and others."""
    found: dict[bool, set[tuple[int, str]]] = {True: set(), False: set()}
    for seen in _CONTAINERS.validate_json(raw):
        ports = {(port.port, port.protocol) for port in seen.ports if port.port}
        found[_SERVICE_LABEL in seen.labels] |= ports
    return frozenset(found[True]), frozenset(found[False])
