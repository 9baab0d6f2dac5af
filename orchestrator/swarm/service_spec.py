"""`Spec` of Docker's service JSON, to the one form that what is declared has as well.

Docker leaves out, or says null, where nothing was asked for; then a Swarm's default stands.
"""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from orchestrator.fleet import spec
from orchestrator.fleet.observed import Mode
from orchestrator.fleet.platforms import platform
from orchestrator.fleet.spec import SECOND

T = TypeVar("T")
OrEmpty = Annotated[T, BeforeValidator(lambda value: {} if value is None else value)]
"""A struct that Docker may leave null."""
Labels = Annotated[dict[str, str], BeforeValidator(lambda value: value or {})]
_Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: value or ())]
_Many = Annotated[tuple[T, ...], BeforeValidator(lambda value: value or ())]


class Model(BaseModel):
    """A part of Docker's JSON, as far as it is used."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Driver(Model):
    name: str = Field("", alias="Name")
    options: Labels = Field(default_factory=dict, alias="Options")


class _BindOptions(Model):
    propagation: str = Field("", alias="Propagation")


class _VolumeOptions(Model):
    no_copy: bool = Field(default=False, alias="NoCopy")
    labels: Labels = Field(default_factory=dict, alias="Labels")
    driver: OrEmpty[_Driver] = Field(default=_Driver(), alias="DriverConfig")


class _TmpfsOptions(Model):
    size: int = Field(0, alias="SizeBytes")
    mode: int = Field(0, alias="Mode")


class _Mount(Model):
    kind: str = Field("", alias="Type")
    target: str = Field("", alias="Target")
    source: str = Field("", alias="Source")
    read_only: bool = Field(default=False, alias="ReadOnly")
    bind: OrEmpty[_BindOptions] = Field(default=_BindOptions(), alias="BindOptions")
    volume: OrEmpty[_VolumeOptions] = Field(default=_VolumeOptions(), alias="VolumeOptions")
    tmpfs: OrEmpty[_TmpfsOptions] = Field(default=_TmpfsOptions(), alias="TmpfsOptions")

    def read(self) -> spec.Mount:
        return spec.Mount(
            kind=self.kind,
            target=self.target,
            source=self.source,
            read_only=self.read_only,
            propagation=self.bind.propagation or "rprivate",
            no_copy=self.volume.no_copy,
            driver=self.volume.driver.name,
            driver_options=_settings(self.volume.driver.options),
            labels=_settings(self.volume.labels),
            size_bytes=self.tmpfs.size,
            mode=self.tmpfs.mode,
        )


class _FileTarget(Model):
    name: str = Field("", alias="Name")
    uid: str = Field("", alias="UID")
    gid: str = Field("", alias="GID")
    mode: int = Field(0, alias="Mode")


class _FileUse(Model):
    file: OrEmpty[_FileTarget] = Field(default=_FileTarget(), alias="File")
    secret: str = Field("", alias="SecretName")
    config: str = Field("", alias="ConfigName")
    config_id: str = Field("", alias="ConfigID")

    def read(self) -> spec.FileUse:
        return spec.FileUse(
            name=self.secret or self.config,
            target=self.file.name,
            uid=self.file.uid,
            gid=self.file.gid,
            mode=self.file.mode,
        )


class _Health(Model):
    test: _Texts = Field((), alias="Test")
    interval: int = Field(0, alias="Interval")
    timeout: int = Field(0, alias="Timeout")
    start_period: int = Field(0, alias="StartPeriod")
    start_interval: int = Field(0, alias="StartInterval")
    retries: int = Field(0, alias="Retries")

    def read(self) -> spec.HealthCheck:
        return spec.HealthCheck(**self.model_dump())


class _CredentialSpec(Model):
    config: str = Field("", alias="Config")
    file: str = Field("", alias="File")
    registry: str = Field("", alias="Registry")


class _Privileges(Model):
    credentials: OrEmpty[_CredentialSpec] = Field(default=_CredentialSpec(), alias="CredentialSpec")


class _Dns(Model):
    servers: _Texts = Field((), alias="Nameservers")
    search: _Texts = Field((), alias="Search")
    options: _Texts = Field((), alias="Options")


class _Ulimit(Model):
    name: str = Field(alias="Name")
    soft: int = Field(0, alias="Soft")
    hard: int = Field(0, alias="Hard")


class ContainerSpec(Model):
    """`ContainerSpec`: what each task's container is made from."""

    image: str = Field("", alias="Image")
    labels: Labels = Field(default_factory=dict, alias="Labels")
    command: _Texts = Field((), alias="Command")
    args: _Texts = Field((), alias="Args")
    hostname: str = Field("", alias="Hostname")
    env: _Texts = Field((), alias="Env")
    directory: str = Field("", alias="Dir")
    user: str = Field("", alias="User")
    groups: _Texts = Field((), alias="Groups")
    privileges: OrEmpty[_Privileges] = Field(default=_Privileges(), alias="Privileges")
    init: bool | None = Field(default=None, alias="Init")
    signal: str = Field("", alias="StopSignal")
    tty: bool = Field(default=False, alias="TTY")
    stdin: bool = Field(default=False, alias="OpenStdin")
    read_only: bool = Field(default=False, alias="ReadOnly")
    mounts: _Many[_Mount] = Field((), alias="Mounts")
    grace: int | None = Field(None, alias="StopGracePeriod")
    health: _Health | None = Field(None, alias="Healthcheck")
    hosts: _Texts = Field((), alias="Hosts")
    dns: OrEmpty[_Dns] = Field(default=_Dns(), alias="DNSConfig")
    secrets: _Many[_FileUse] = Field((), alias="Secrets")
    configs: _Many[_FileUse] = Field((), alias="Configs")
    isolation: str = Field("", alias="Isolation")
    sysctls: Labels = Field(default_factory=dict, alias="Sysctls")
    cap_add: _Texts = Field((), alias="CapabilityAdd")
    cap_drop: _Texts = Field((), alias="CapabilityDrop")
    ulimits: _Many[_Ulimit] = Field((), alias="Ulimits")
    oom_score_adj: int = Field(0, alias="OomScoreAdj")

    @property
    def grace_nanoseconds(self) -> int:
        """How long a task is given to stop (swarmkit api/defaults/service.go: 10 s)."""
        return 10 * SECOND if self.grace is None else self.grace


class _Discrete(Model):
    kind: str = Field("", alias="Kind")
    value: int = Field(0, alias="Value")


class _Named(Model):
    kind: str = Field("", alias="Kind")
    value: str = Field("", alias="Value")


class _Generic(Model):
    discrete: _Discrete | None = Field(None, alias="DiscreteResourceSpec")
    named: _Named | None = Field(None, alias="NamedResourceSpec")


class _Amounts(Model):
    cpus: int = Field(0, alias="NanoCPUs")
    memory: int = Field(0, alias="MemoryBytes")
    pids: int = Field(0, alias="Pids")
    generic: _Many[_Generic] = Field((), alias="GenericResources")

    def read(self) -> spec.Resources:
        known = [one.discrete or one.named for one in self.generic]
        return spec.Resources(
            nano_cpus=self.cpus,
            memory_bytes=self.memory,
            pids=self.pids,
            generic=tuple(sorted((one.kind, str(one.value)) for one in known if one)),
        )


class _Resources(Model):
    limits: OrEmpty[_Amounts] = Field(default=_Amounts(), alias="Limits")
    reservations: OrEmpty[_Amounts] = Field(default=_Amounts(), alias="Reservations")


class _Restart(Model):
    condition: str = Field("", alias="Condition")
    delay: int | None = Field(None, alias="Delay")
    attempts: int | None = Field(None, alias="MaxAttempts")
    window: int | None = Field(None, alias="Window")

    def read(self) -> spec.RestartPolicy:
        usual = spec.RestartPolicy()
        return spec.RestartPolicy(
            condition=self.condition or usual.condition,
            delay=usual.delay if self.delay is None else self.delay,
            attempts=self.attempts or 0,
            window=self.window or 0,
        )


class _Spread(Model):
    descriptor: str = Field("", alias="SpreadDescriptor")


class _Preference(Model):
    spread: OrEmpty[_Spread] = Field(default=_Spread(), alias="Spread")


class Platform(Model):
    """Of an image that a service runs, or of a node."""

    system: str = Field("", alias="OS")
    architecture: str = Field("", alias="Architecture")

    def read(self) -> str:
        """Return it as fleet/platforms.py has it, "" where nothing is said."""
        said = self.system or self.architecture
        return platform(self.system, self.architecture) if said else ""


class _Placement(Model):
    constraints: _Texts = Field((), alias="Constraints")
    preferences: _Many[_Preference] = Field((), alias="Preferences")
    max_replicas: int = Field(0, alias="MaxReplicas")
    platforms: _Many[Platform] = Field((), alias="Platforms")


class _Attachment(Model):
    target: str = Field("", alias="Target")
    aliases: _Texts = Field((), alias="Aliases")
    options: Labels = Field(default_factory=dict, alias="DriverOpts")


class Template(Model):
    """`TaskTemplate`, or a task's own `Spec`."""

    container: OrEmpty[ContainerSpec] = Field(default=ContainerSpec(), alias="ContainerSpec")
    resources: OrEmpty[_Resources] = Field(default=_Resources(), alias="Resources")
    restart: OrEmpty[_Restart] = Field(default=_Restart(), alias="RestartPolicy")
    placement: OrEmpty[_Placement] = Field(default=_Placement(), alias="Placement")
    networks: _Many[_Attachment] = Field((), alias="Networks")
    log: OrEmpty[_Driver] = Field(default=_Driver(), alias="LogDriver")


class UpdateConfig(Model):
    """`UpdateConfig` or `RollbackConfig`; a monitor of 0 is Docker's way to say none."""

    parallelism: int = Field(1, alias="Parallelism")
    delay: int = Field(0, alias="Delay")
    failure_action: str = Field("", alias="FailureAction")
    monitor: int = Field(0, alias="Monitor")
    ratio: float = Field(0.0, alias="MaxFailureRatio")
    order: str = Field("", alias="Order")

    def read(self) -> spec.UpdatePolicy:
        """Return it with the defaults of swarmkit filled in."""
        usual = spec.UpdatePolicy()
        return spec.UpdatePolicy(
            parallelism=self.parallelism,
            delay=self.delay,
            failure_action=self.failure_action or usual.failure_action,
            monitor=self.monitor or usual.monitor,
            ratio=self.ratio,
            order=self.order or usual.order,
        )


class _Port(Model):
    target: int = Field(0, alias="TargetPort")
    published: int = Field(0, alias="PublishedPort")
    protocol: str = Field("tcp", alias="Protocol")
    mode: str = Field("ingress", alias="PublishMode")

    def read(self) -> spec.Port:
        return spec.Port(**self.model_dump())


class EndpointSpec(Model):
    """`EndpointSpec`: as it was asked for, not what the Swarm chose."""

    mode: str = Field("vip", alias="Mode")
    ports: _Many[_Port] = Field((), alias="Ports")


def read(
    *,
    labels: Mapping[str, str],
    mode: tuple[Mode, int, int],
    template: Template,
    endpoint: EndpointSpec,
    update: UpdateConfig,
    rollback: UpdateConfig,
    networks: Mapping[str, str],
) -> spec.ServiceSpec:
    """Return a service as the Swarm holds it.

    Args:
        labels: the service's.
        mode: how it multiplies, into how many, and how many at once.
        template: what its tasks are made from.
        endpoint: its ports.
        update: how updates go.
        rollback: how a roll back goes.
        networks: names by id; an id that is not in it stays as it is.

    """
    container = template.container
    kind, replicas, concurrent = mode
    return spec.ServiceSpec(
        image=container.image,
        mode=kind,
        replicas=replicas,
        concurrent=concurrent,
        command=container.args,
        entrypoint=container.command,
        environment=_environment(container.env),
        labels=_settings(labels),
        container_labels=_settings(container.labels),
        mounts=tuple(mount.read() for mount in container.mounts),
        networks=tuple(
            spec.Attachment(
                network=networks.get(one.target, one.target),
                aliases=one.aliases,
                driver_options=_settings(one.options),
            )
            for one in template.networks
        ),
        ports=tuple(port.read() for port in endpoint.ports),
        endpoint_mode=endpoint.mode,
        constraints=template.placement.constraints,
        preferences=tuple(one.spread.descriptor for one in template.placement.preferences),
        max_replicas=template.placement.max_replicas,
        limits=template.resources.limits.read(),
        reservations=template.resources.reservations.read(),
        health=container.health.read() if container.health else None,
        restart=template.restart.read(),
        update=update.read(),
        rollback=rollback.read(),
        secrets=tuple(use.read() for use in container.secrets),
        configs=tuple(use.read() for use in container.configs),
        hostname=container.hostname,
        user=container.user,
        groups=container.groups,
        directory=container.directory,
        stop_signal=container.signal,
        grace=container.grace_nanoseconds,
        init=container.init,
        tty=container.tty,
        stdin=container.stdin,
        read_only=container.read_only,
        hosts=container.hosts,
        dns=container.dns.servers,
        dns_search=container.dns.search,
        dns_options=container.dns.options,
        cap_add=container.cap_add,
        cap_drop=container.cap_drop,
        sysctls=_settings(container.sysctls),
        ulimits=tuple(sorted((one.name, one.soft, one.hard) for one in container.ulimits)),
        oom_score_adj=container.oom_score_adj,
        log_driver=template.log.name,
        log_options=_settings(template.log.options),
        isolation=container.isolation.replace("default", ""),
        credential_spec=_credential_spec(container),
    )


def _settings(values: Mapping[str, str]) -> spec.Settings:
    return tuple(sorted(values.items()))


def _environment(env: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    parts = (item.partition("=") for item in env)
    return tuple(sorted((name, value if equals else None) for name, equals, value in parts))


def _credential_spec(container: ContainerSpec) -> tuple[str, str]:
    found = container.privileges.credentials
    if found.config:
        names = {use.config_id: use.config for use in container.configs}
        return "config", names.get(found.config, found.config)
    if found.file:
        return "file", found.file
    return ("registry", found.registry) if found.registry else ("", "")
