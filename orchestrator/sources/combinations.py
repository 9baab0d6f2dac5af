"""What a compose file must not say together: docker's command or the Swarm would stop there."""

import re
from collections.abc import Iterator

from orchestrator.fleet.desired import PublishedPort
from orchestrator.fleet.observed import Mode
from orchestrator.fleet.spec import Mount, Port
from orchestrator.sources.document import Scalar, Table, Tree, items, table
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.full_names import full_name, is_external
from orchestrator.sources.mounts import mounted
from orchestrator.sources.port_specs import port_specs
from orchestrator.sources.reading import Reader
from orchestrator.sources.service import text

_OBJECTS = ("volumes", "networks", "configs", "secrets")
_NOT_WITH_EXTERNAL = ("driver", "driver_opts", "labels")
_OPTIONS = ("bind", "volume", "tmpfs")
_KINDS = ("volume", "bind", "tmpfs", "npipe")
_NO_SWARM_DRIVERS = {"bridge", "host", "none", "null", "ipvlan"}
_SERVICE_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
_LONGEST_SERVICE_NAME = 63
_OBJECT_NAME = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?")
_LONGEST_OBJECT_NAME = 64
_JOBS = (Mode.REPLICATED_JOB.value, Mode.GLOBAL_JOB.value)


class _Taken:
    """The ports that services publish, and where each is said first."""

    def __init__(self) -> None:
        self._first: dict[tuple[object, ...], tuple[str, Position]] = {}

    def take(self, service: str, port: PublishedPort, at: Position) -> tuple[str, Position] | None:
        """Note a port; returns who has one already that the Swarm does not take beside it.

        See `PublishedPort.excludes`. Those of one service exclude each other however they are
        published.
        """
        ways = (("of", service), ("mode", "ingress"), ("mode", "host"))
        told = [(port.port, port.protocol, *way) for way in ways]
        excluded = told if port.mode == "ingress" else told[:2]
        other = next((self._first[way] for way in excluded if way in self._first), None)
        for way in (told[0], (port.port, port.protocol, "mode", port.mode)):
            self._first.setdefault(way, (service, at))
        return other


def check_combinations(root: Table, findings: Findings) -> None:
    """Note all that excludes each other, in the words of the one that refuses it.

    From docker/cli (cli/compose/loader and convert) and swarmkit (manager/controlapi).
    """
    for kind in _OBJECTS:
        for pair in table(root.get(kind)):
            _check_object(kind, pair.key, table(pair.value), findings, pair.at)
    taken = _Taken()
    for pair in table(root.get("services")):
        body = table(pair.value)
        _check_service_name(pair.key, findings, pair.at)
        for item, mount in mounted(body.get("volumes"), Reader()):
            _check_mount(item, mount, findings)
        _check_ports(pair.key, body, taken, findings)
        _check_credentials(body, root, findings)
        _check_job(pair.key, table(body.get("deploy")), findings)


def _check_object(kind: str, key: str, body: Table, findings: Findings, at: Position) -> None:
    one, reader = kind.removesuffix("s"), Reader()
    external = body.get("external")
    text(body.get("name"), findings)
    if isinstance(external, Table) and external.get("name") and body.get("name"):
        what = f"{one} {key}: {one}.external.name and {one}.name conflict"
        findings.add("conflict", what, at, fix=f"only use {one}.name")
    if is_external(body, reader):
        for name in _NOT_WITH_EXTERNAL if kind == "volumes" else ():
            if (tree := body.get(name)) is not None:
                what = f'conflicting parameters "external" and "{name}" specified for {one} "{key}"'
                findings.add("conflict", what, tree.at, fix=f"remove {name}, or external")
        return
    if body.get("driver") and body.get("file"):
        what = f"{one} {key}: {one}.driver and {one}.file conflict"
        findings.add("conflict", what, at, fix=f"only use {one}.driver")
    if kind in {"configs", "secrets"}:
        name = full_name(key, body, findings.unit.stack, reader)
        if not _OBJECT_NAME.fullmatch(name) or len(name) > _LONGEST_OBJECT_NAME:
            what = (
                f"the {one}'s name {name!r} is invalid: at most {_LONGEST_OBJECT_NAME} of "
                "[a-zA-Z0-9-_.] are allowed, with a letter or digit at both ends"
            )
            findings.add("bad-name", what, at, fix="give it another `name:`")
    driver = reader.text(body.get("driver"))
    if kind == "networks" and driver in _NO_SWARM_DRIVERS:
        what = (
            f"the network {key!r} with the driver {driver} cannot be used with services: only "
            "networks scoped to the swarm can be used, such as those created with overlay"
        )
        findings.add(
            "conflict", what, at, fix="use the driver overlay, or make the network external"
        )


def _check_service_name(key: str, findings: Findings, at: Position) -> None:
    name = f"{findings.unit.stack}_{key}"
    if not _SERVICE_NAME.fullmatch(name):
        what = f"the service's name {name!r} must be valid as a DNS name component"
        findings.add("bad-name", what, at, fix="use letters, digits, - and _")
    elif len(name) > _LONGEST_SERVICE_NAME:
        what = f"the service's name {name!r} must be {_LONGEST_SERVICE_NAME} characters or fewer"
        findings.add("bad-name", what, at, fix="shorten it")


def _check_mount(item: Tree, mount: Mount, findings: Findings) -> None:
    body = table(item)
    if isinstance(item, Table) and body.get("type") is None:
        return  # told by its shape
    if mount.kind not in _KINDS:
        findings.add("conflict", "volume type must be volume, bind, tmpfs, or npipe", item.at)
        return
    for name in _OPTIONS:
        tree = body.get(name)
        if isinstance(tree, Table) and name != mount.kind:
            what = f"{name} options are incompatible with type {mount.kind}"
            findings.add("conflict", what, tree.at, fix=f"remove `{name}:`")
    if not mount.target:
        findings.add("conflict", "invalid mount: the target must not be empty", item.at)
    if mount.kind in {"bind", "npipe"} and not mount.source:
        what = f"invalid {mount.kind} source, source cannot be empty"
        findings.add("conflict", what, item.at, fix="give a `source:`")
    if mount.kind == "tmpfs" and mount.source:
        what = "invalid tmpfs source, source must be empty"
        findings.add("conflict", what, item.at, fix="remove `source:`")


def _check_ports(service: str, body: Table, taken: _Taken, findings: Findings) -> None:
    mode = Reader().text(table(body.get("deploy")).get("endpoint_mode"))
    for port, at in _ports(body):
        if not port.target:
            findings.add("conflict", "a port needs a target from 1 to 65535", at)
        if mode == "dnsrr" and port.mode == "ingress":
            what = "port published with ingress mode can't be used with dnsrr mode"
            findings.add(
                "conflict",
                what,
                at,
                fix="publish it with `mode: host`, or use the endpoint mode vip",
            )
        if not port.published:
            continue
        opened = PublishedPort(port=port.published, protocol=port.protocol, mode=port.mode)
        if other := taken.take(service, opened, at):
            by = "" if other[0] == service else f" by service {other[0]!r}"
            what = f"port {port.published}/{port.protocol} is already published{by}"
            findings.add(
                "conflict", what, at, fix=f"keep one; the other is on line {other[1].line}"
            )


def _ports(body: Table) -> Iterator[tuple[Port, Position]]:
    seen = set()
    for item in items(body.get("ports")):
        for port in port_specs(item, Reader()):
            if port not in seen or isinstance(item, Table):
                yield port, item.at
            seen.add(port)


def _check_credentials(body: Table, root: Table, findings: Findings) -> None:
    reader, credentials = Reader(), table(body.get("credential_spec"))
    given = [pair for pair in credentials if reader.text(pair.value)]
    if len(given) > 1:
        names = " and ".join(f'"{pair.key.capitalize()}"' for pair in given[:2])
        what = f"invalid credential spec: cannot specify both {names}"
        findings.add("conflict", what, given[1].at, fix="keep one")
    config = credentials.get("config")
    known = {pair.key for pair in table(root.get("configs"))}
    if isinstance(config, Scalar) and reader.text(config) not in {"", *known}:
        findings.add("undeclared", f'undefined config "{reader.text(config)}"', config.at)


def _check_job(service: str, deploy: Table, findings: Findings) -> None:
    if Reader().text(deploy.get("mode")) not in _JOBS:
        return
    if tree := deploy.get("update_config"):
        what = f"{service} is a job, which takes no update_config"
        findings.add("conflict", what, tree.at, fix="remove it")
