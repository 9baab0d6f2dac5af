"""What is true of a service, as a sorted tuple of facts: the same for what is declared and runs.

Only what differs from what a Swarm does by itself is a fact. The labels that Docker and dtdeploy
add, and the digest that a deploy adds to the image, are none.
"""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from orchestrator.fleet.observed import Fact, Facts, Mode
from orchestrator.fleet.spec import (
    SECOND,
    Attachment,
    FileUse,
    HealthCheck,
    Mount,
    Port,
    Resources,
    RestartPolicy,
    ServiceSpec,
    Settings,
    UpdatePolicy,
)

_OURS = ("com.docker.stack.", "dtdeploy.")
_OPERATOR = re.compile(r"\s*([!=]=)\s*")
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


SECRETIVE = frozenset(
    {
        "command",
        "container label",
        "entrypoint",
        "environment",
        "health check",
        "label",
        "log option",
        "mount label",
        "mount option",
        "network option",
    }
)
"""Kinds whose values may hold a secret, and are never shown unless declared public."""


OF_THE_SERVICE = frozenset({"label", "mode", "replicas", "rollback", "update"})
"""Kinds that are no task's: a change of these alone restarts none."""


def facts(spec: ServiceSpec) -> Facts:
    """Return all facts of a service, sorted."""
    return tuple(sorted(_facts(spec)))


def tagged(image: str) -> str:
    """Return an image's name as Docker shows it: without digest, with its tag.

    `x`, `docker.io/library/x` and `x:latest@sha256:..` are all `x:latest` (distribution/reference,
    FamiliarString and TagNameOnly). Only a digest without any tag stays.
    """
    name, at, digest = image.partition("@")
    for prefix in ("index.docker.io/", "docker.io/"):
        name = name.removeprefix(prefix)
    name = name.removeprefix("library/")
    if ":" in name.rpartition("/")[2]:
        return name
    return f"{name}@{digest}" if at else f"{name}:latest"


def with_digest(image: str, digest: str) -> str:
    """Return `image` pinned to `digest`, with its tag, as `docker stack deploy` would write it.

    One that is pinned already, or of which no digest is known (""), stays what it is
    (docker/docker client/service_create.go, imageWithDigestString).
    """
    if not digest or "@" in image:
        return image
    tag = "" if ":" in image.rpartition("/")[2] else ":latest"
    return f"{image}{tag}@{digest}"


def digest_of(image: str) -> str:
    """Return the digest that an image is pinned to, "" if it is not."""
    return image.partition("@")[2]


def _facts(spec: ServiceSpec) -> Iterator[Fact]:
    yield Fact("image", "", tagged(spec.image))
    yield from _size(spec)
    yield from _process(spec)
    yield from _labels("label", spec.labels)
    yield from _labels("container label", spec.container_labels)
    for mount in spec.mounts:
        yield from _mount(mount)
    for attachment in spec.networks:
        yield from _network(attachment)
    yield from _ports(spec.ports)
    yield from _placement(spec)
    yield from _resources("limit", spec.limits)
    yield from _resources("reservation", spec.reservations)
    yield from _health(spec.health)
    yield from _restart(spec.restart)
    yield from _update("update", spec.update)
    yield from _update("rollback", spec.rollback)
    yield from _files("secret", spec.secrets)
    yield from _files("config", spec.configs)
    yield from _container(spec)


def _size(spec: ServiceSpec) -> Iterator[Fact]:
    if spec.mode is not Mode.REPLICATED:
        yield Fact("mode", "", spec.mode.value)
    if spec.mode in (Mode.REPLICATED, Mode.REPLICATED_JOB):
        yield Fact("replicas", "", str(spec.replicas))
    if spec.mode is Mode.REPLICATED_JOB and spec.concurrent != spec.replicas:
        yield Fact("concurrent replicas", "", str(spec.concurrent))


def _process(spec: ServiceSpec) -> Iterator[Fact]:
    yield from _words("command", spec.command)
    yield from _words("entrypoint", spec.entrypoint)
    for name, value in spec.environment:
        yield Fact("environment", name, value) if value is not None else Fact("unset", name, "")


def _labels(kind: str, labels: Settings) -> Iterator[Fact]:
    for name, value in labels:
        if not name.startswith(_OURS):
            yield Fact(kind, name, value)


def _words(kind: str, words: tuple[str, ...]) -> Iterator[Fact]:
    if words:
        yield Fact(kind, "", json.dumps(words))


def _mount(mount: Mount) -> Iterator[Fact]:
    parts = [mount.kind, mount.source or "without a name"]
    parts = ["tmpfs"] if mount.kind == "tmpfs" else [" ".join(parts)]
    parts += ["read-only"] if mount.read_only else []
    parts += [mount.propagation] if mount.propagation != "rprivate" else []
    parts += ["nocopy"] if mount.no_copy else []
    parts += [f"driver {mount.driver}"] if mount.driver else []
    parts += [f"size {_bytes(mount.size_bytes)}"] if mount.size_bytes else []
    parts += [f"mode {mount.mode:04o}"] if mount.mode else []
    yield Fact("mount", mount.target, ", ".join(parts))
    for name, value in mount.driver_options:
        yield Fact("mount option", f"{mount.target} {name}", value)
    for name, value in mount.labels:
        if not name.startswith(_OURS):
            yield Fact("mount label", f"{mount.target} {name}", value)


def _network(attachment: Attachment) -> Iterator[Fact]:
    aliases = " ".join(sorted(set(attachment.aliases)))
    yield Fact("network", attachment.network, f"as {aliases}" if aliases else "")
    for name, value in attachment.driver_options:
        yield Fact("network option", f"{attachment.network} {name}", value)


def _ports(ports: Iterable[Port]) -> Iterator[Fact]:
    published: dict[tuple[int, str], set[str]] = {}
    for port in ports:
        words = f"{port.published or 'any'} ({port.mode})"
        published.setdefault((port.target, port.protocol), set()).add(words)
    for (target, protocol), words_of in published.items():
        yield Fact("port", f"{target}/{protocol}", f"published as {', '.join(sorted(words_of))}")


def _placement(spec: ServiceSpec) -> Iterator[Fact]:
    for constraint in spec.constraints:
        yield Fact("placement constraint", _OPERATOR.sub(r" \1 ", constraint.strip()), "")
    if spec.preferences:
        yield Fact("placement preference", "", f"spread {', '.join(spec.preferences)}")
    if spec.max_replicas:
        yield Fact("replicas per node", "", f"at most {spec.max_replicas}")
    if spec.endpoint_mode != "vip":
        yield Fact("endpoint mode", "", spec.endpoint_mode)


def _resources(kind: str, resources: Resources) -> Iterator[Fact]:
    if resources.nano_cpus:
        yield Fact(kind, "cpus", _decimal(resources.nano_cpus))
    if resources.memory_bytes:
        yield Fact(kind, "memory", _bytes(resources.memory_bytes))
    if resources.pids:
        yield Fact(kind, "pids", str(resources.pids))
    for name, value in resources.generic:
        yield Fact(kind, name, value)


def _health(check: HealthCheck | None) -> Iterator[Fact]:
    if check is None:
        return
    if check.test == ("NONE",):
        yield Fact("health check", "", "none")
        return
    yield Fact("health check", "", json.dumps(check.test))
    times = (
        ("interval", check.interval),
        ("timeout", check.timeout),
        ("start period", check.start_period),
        ("start interval", check.start_interval),
    )
    for name, time in times:
        if time:
            yield Fact("health", name, _seconds(time))
    if check.retries:
        yield Fact("health", "retries", str(check.retries))


def _restart(policy: RestartPolicy) -> Iterator[Fact]:
    usual = RestartPolicy()
    if policy.condition != usual.condition:
        yield Fact("restart", "condition", policy.condition)
    if policy.delay != usual.delay:
        yield Fact("restart", "delay", _seconds(policy.delay))
    if policy.attempts:
        yield Fact("restart", "attempts", str(policy.attempts))
    if policy.window:
        yield Fact("restart", "window", _seconds(policy.window))


def _update(kind: str, policy: UpdatePolicy) -> Iterator[Fact]:
    usual = UpdatePolicy()
    said = (
        ("parallelism", str(policy.parallelism), str(usual.parallelism)),
        ("delay", _seconds(policy.delay), _seconds(usual.delay)),
        ("failure action", policy.failure_action, usual.failure_action),
        ("monitor", _seconds(policy.monitor), _seconds(usual.monitor)),
        ("failure ratio", f"{policy.ratio:.6g}", f"{usual.ratio:.6g}"),
        ("order", policy.order, usual.order),
    )
    for name, value, otherwise in said:
        if value != otherwise:
            yield Fact(kind, name, value)


def _files(kind: str, files: Iterable[FileUse]) -> Iterator[Fact]:
    for file in files:
        if not file.target:
            yield Fact(kind, f"{file.name} for the runtime", "")
            continue
        owner = f"{file.uid}:{file.gid}, mode {file.mode:04o}"
        yield Fact(kind, f"{file.name} at {file.target}", f"owner {owner}")


def _container(spec: ServiceSpec) -> Iterator[Fact]:
    single = (
        ("hostname", spec.hostname),
        ("user", spec.user),
        ("groups", " ".join(spec.groups)),
        ("working directory", spec.directory),
        ("stop signal", spec.stop_signal),
        ("stop grace period", "" if spec.grace == 10 * SECOND else _seconds(spec.grace)),
        ("init", {None: "", True: "yes", False: "no"}[spec.init]),
        ("tty", "yes" if spec.tty else ""),
        ("stdin", "open" if spec.stdin else ""),
        ("root filesystem", "read-only" if spec.read_only else ""),
        ("dns", " ".join(spec.dns)),
        ("dns search", " ".join(spec.dns_search)),
        ("dns options", " ".join(spec.dns_options)),
        ("oom score", str(spec.oom_score_adj or "")),
        ("log driver", spec.log_driver),
        ("isolation", spec.isolation),
        ("credential spec", " ".join(spec.credential_spec).strip()),
    )
    for kind, value in single:
        if value:
            yield Fact(kind, "", value)
    for kind, names in (
        ("extra host", spec.hosts),
        ("capability", spec.cap_add),
        ("dropped capability", spec.cap_drop),
    ):
        for name in sorted(set(names)):
            yield Fact(kind, name, "")
    for kind, settings in (("sysctl", spec.sysctls), ("log option", spec.log_options)):
        for name, value in settings:
            yield Fact(kind, name, value)
    for name, soft, hard in spec.ulimits:
        yield Fact("ulimit", name, str(soft) if soft == hard else f"{soft} to {hard}")


def _bytes(size: int) -> str:
    for name, unit in _SIZES:
        if size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def _seconds(nanoseconds: int) -> str:
    return f"{_decimal(nanoseconds)} s"


def _decimal(billionths: int) -> str:
    return f"{(Decimal(billionths) / SECOND).normalize():f}"
