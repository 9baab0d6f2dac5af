"""A service of a compose file as `docker stack deploy` sends it to the Swarm.

The rules are those of docker/cli 20.10 to 28 (cli/compose/loader and convert); what the lab's
Swarms made of each of them was compared with this, field by field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.fleet.observed import Mode
from orchestrator.fleet.spec import (
    SECOND,
    Attachment,
    FileUse,
    HealthCheck,
    Resources,
    RestartPolicy,
    ServiceSpec,
    UpdatePolicy,
)
from orchestrator.sources.document import Scalar, Series, Table, Tree, items, table
from orchestrator.sources.environment import environment
from orchestrator.sources.extra_hosts import host_line
from orchestrator.sources.full_names import full_name
from orchestrator.sources.mounts import mounts
from orchestrator.sources.port_specs import port_specs
from orchestrator.sources.reading import Reader, parsed
from orchestrator.sources.restart import restart_policy
from orchestrator.sources.shell_words import split
from orchestrator.sources.targets import source_and_target

_PREDEFINED = frozenset({"default", "bridge", "host", "none"})
"""Networks on which no further names are given (docker/cli, IsUserDefined)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that a service's meaning rests on beside its own lines.

    `env_files` are contents by the path that the file names, `given` the variables that the
    deploy has in its environment.
    """

    root: Table
    stack: str
    reader: Reader
    env_files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)

    def section(self, name: str) -> Table:
        """Return a top-level section."""
        return table(self.root.get(name))


def service_spec(name: str, body: Table, around: Surroundings) -> ServiceSpec:
    """Return what a Swarm will hold of the service `name` once it is deployed."""
    reader, deploy = around.reader, table(body.get("deploy"))
    placement, resources = table(deploy.get("placement")), table(deploy.get("resources"))
    mode, replicas = _mode(deploy, reader)
    cap_add, cap_drop = _capabilities(body, reader)
    logging = table(body.get("logging"))
    return ServiceSpec(
        image=reader.text(body.get("image")),
        mode=mode,
        replicas=replicas,
        concurrent=replicas,
        command=_words(body.get("command"), reader),
        entrypoint=_words(body.get("entrypoint"), reader),
        environment=environment(body, _env_files(body, around), around.given, reader),
        labels=reader.pairs(deploy.get("labels")),
        container_labels=reader.pairs(body.get("labels")),
        mounts=mounts(body.get("volumes"), around.section("volumes"), around.stack, reader),
        networks=_networks(name, body, around),
        ports=port_specs(body.get("ports"), reader),
        endpoint_mode=reader.text(deploy.get("endpoint_mode")).lower() or "vip",
        constraints=reader.texts(placement.get("constraints")),
        preferences=_spreads(placement, reader),
        max_replicas=reader.whole(placement.get("max_replicas_per_node")),
        limits=_resources(table(resources.get("limits")), reader),
        reservations=_resources(table(resources.get("reservations")), reader),
        health=_health(body.get("healthcheck"), reader),
        restart=_restart(body, deploy, reader),
        update=_update(deploy.get("update_config"), reader),
        rollback=_update(deploy.get("rollback_config"), reader),
        secrets=_files(body, "secrets", around),
        configs=(*_files(body, "configs", around), *_runtime_config(body, around)),
        hostname=reader.text(body.get("hostname")),
        user=reader.text(body.get("user")),
        directory=reader.text(body.get("working_dir")),
        stop_signal=reader.text(body.get("stop_signal")),
        grace=reader.nanoseconds(body.get("stop_grace_period"), 10 * SECOND),
        init=reader.flag(body.get("init")) if body.get("init") else None,
        tty=reader.flag(body.get("tty")),
        stdin=reader.flag(body.get("stdin_open")),
        read_only=reader.flag(body.get("read_only")),
        hosts=_hosts(body.get("extra_hosts"), reader),
        dns=reader.texts(body.get("dns")),
        dns_search=reader.texts(body.get("dns_search")),
        cap_add=cap_add,
        cap_drop=cap_drop,
        sysctls=reader.pairs(body.get("sysctls")),
        ulimits=_ulimits(body.get("ulimits"), reader),
        oom_score_adj=reader.whole(body.get("oom_score_adj")),
        log_driver=reader.text(logging.get("driver")),
        log_options=reader.pairs(logging.get("options")),
        isolation=reader.text(body.get("isolation")).replace("default", ""),
        credential_spec=_credential_spec(table(body.get("credential_spec")), around),
    )


def _mode(deploy: Table, reader: Reader) -> tuple[Mode, int]:
    known = {mode.value: mode for mode in Mode}
    mode = known.get(reader.text(deploy.get("mode")), Mode.REPLICATED)
    everywhere = mode in (Mode.GLOBAL, Mode.GLOBAL_JOB)
    return mode, 0 if everywhere else reader.whole(deploy.get("replicas"), 1)


def _words(tree: Tree | None, reader: Reader) -> tuple[str, ...]:
    if isinstance(tree, Scalar):
        return parsed(split, reader.text(tree), ())
    return reader.texts(tree)


def _env_files(body: Table, around: Surroundings) -> list[bytes]:
    paths = around.reader.texts(body.get("env_file"))
    return [around.env_files[path] for path in paths if path in around.env_files]


def used_networks(body: Table, reader: Reader) -> dict[str, Table]:
    """Return the networks a service is attached to by their names in the file."""
    tree = body.get("networks")
    if isinstance(tree, Table):
        used = {pair.key: table(pair.value) for pair in tree}
    else:
        named = reader.texts(tree) if isinstance(tree, Series) else ()
        used = {name: table(None) for name in named}
    return used or {"default": table(None)}


def _networks(name: str, body: Table, around: Surroundings) -> tuple[Attachment, ...]:
    return tuple(
        _attachment(name, key, own, around)
        for key, own in used_networks(body, around.reader).items()
    )


def _attachment(service: str, key: str, own: Table, around: Surroundings) -> Attachment:
    reader = around.reader
    network = full_name(key, table(around.section("networks").get(key)), around.stack, reader)
    aliases = reader.texts(own.get("aliases"))
    return Attachment(
        network=network,
        aliases=aliases if network in _PREDEFINED else (*aliases, service),
        driver_options=reader.pairs(own.get("driver_opts")),
    )


def _spreads(placement: Table, reader: Reader) -> tuple[str, ...]:
    return tuple(reader.text(table(i).get("spread")) for i in items(placement.get("preferences")))


def _resources(body: Table, reader: Reader) -> Resources:
    counted = [
        table(table(item).get("discrete_resource_spec"))
        for item in items(body.get("generic_resources"))
        if table(item).get("discrete_resource_spec")
    ]
    generic = [
        (reader.text(one.get("kind")), str(reader.whole(one.get("value")))) for one in counted
    ]
    return Resources(
        nano_cpus=reader.nano_cpus(body.get("cpus")),
        memory_bytes=reader.size(body.get("memory")),
        pids=reader.whole(body.get("pids")),
        generic=tuple(sorted(generic)),
    )


def _health(tree: Tree | None, reader: Reader) -> HealthCheck | None:
    if not isinstance(tree, Table):
        return None
    if reader.flag(tree.get("disable")):
        return HealthCheck(test=("NONE",))
    test = tree.get("test")
    words = reader.texts(test)
    return HealthCheck(
        test=("CMD-SHELL", *words) if isinstance(test, Scalar) else words,
        interval=reader.nanoseconds(tree.get("interval")),
        timeout=reader.nanoseconds(tree.get("timeout")),
        start_period=reader.nanoseconds(tree.get("start_period")),
        start_interval=reader.nanoseconds(tree.get("start_interval")),
        retries=reader.whole(tree.get("retries")),
    )


def _restart(body: Table, deploy: Table, reader: Reader) -> RestartPolicy:
    policy = deploy.get("restart_policy")
    usual = RestartPolicy()
    if not isinstance(policy, Table):
        return parsed(restart_policy, reader.text(body.get("restart")), usual)
    return RestartPolicy(
        condition=reader.text(policy.get("condition")) or usual.condition,
        delay=reader.nanoseconds(policy.get("delay"), usual.delay),
        attempts=reader.whole(policy.get("max_attempts")),
        window=reader.nanoseconds(policy.get("window")),
    )


def _update(tree: Tree | None, reader: Reader) -> UpdatePolicy:
    body, usual = table(tree), UpdatePolicy()
    return UpdatePolicy(
        parallelism=reader.whole(body.get("parallelism"), usual.parallelism),
        delay=reader.nanoseconds(body.get("delay")),
        failure_action=reader.text(body.get("failure_action")) or usual.failure_action,
        monitor=reader.nanoseconds(body.get("monitor")) or usual.monitor,
        ratio=reader.ratio(body.get("max_failure_ratio")),
        order=reader.text(body.get("order")) or usual.order,
    )


def _files(body: Table, kind: str, around: Surroundings) -> tuple[FileUse, ...]:
    """Return the secrets or configs a service uses, one use after the other."""
    reader, found = around.reader, []
    for item in items(body.get(kind)):
        long = table(item)
        source, target = source_and_target(item, reader)
        declared = table(around.section(kind).get(source))
        use = FileUse(
            name=full_name(source, declared, around.stack, reader),
            target=target,
            uid=reader.text(long.get("uid")) or "0",
            gid=reader.text(long.get("gid")) or "0",
            mode=reader.whole(long.get("mode"), 0o444),
        )
        found.append(use)
    return tuple(found)


def _runtime_config(body: Table, around: Surroundings) -> tuple[FileUse, ...]:
    kind, name = _credential_spec(table(body.get("credential_spec")), around)
    return (FileUse(name=name, target=""),) if kind == "config" else ()


def _credential_spec(body: Table, around: Surroundings) -> tuple[str, str]:
    for kind in ("config", "file", "registry"):
        if value := around.reader.text(body.get(kind)):
            declared = table(around.section("configs").get(value))
            named = full_name(value, declared, around.stack, around.reader)
            return kind, named if kind == "config" else value
    return "", ""


def _hosts(tree: Tree | None, reader: Reader) -> tuple[str, ...]:
    """Return lines for /etc/hosts, `address name`."""
    if isinstance(tree, Table):
        lines = (f"{pair.key}={reader.text(pair.value)}" for pair in tree)
    else:
        lines = (line for line in reader.texts(tree))
    return tuple(filter(None, map(host_line, lines)))


def _capabilities(body: Table, reader: Reader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is added and dropped, as Docker does (docker/cli opts/capabilities.go)."""
    add, drop = (
        {_capability(name) for name in reader.texts(body.get(key))}
        for key in ("cap_add", "cap_drop")
    )
    add, drop = ({"ALL"} if "ALL" in names else names for names in (add, drop))
    return tuple(sorted(add)), tuple(sorted(drop - add))


def _capability(name: str) -> str:
    upper = name.strip().upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _ulimits(tree: Tree | None, reader: Reader) -> tuple[tuple[str, int, int], ...]:
    found = []
    for pair in table(tree):
        body = pair.value
        soft = body.get("soft") if isinstance(body, Table) else body
        hard = body.get("hard") if isinstance(body, Table) else body
        found.append((pair.key, reader.whole(soft), reader.whole(hard)))
    return tuple(sorted(found))
