"""Whether the fleet is as it should be, seen from beside it.

It is asked after every test, so it starts no process: it reads /proc and Docker's API.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import hosts, processes, state
from lab.daemons import dockerd, sshd
from lab.errors import LabError
from lab.parallel import at_once
from lab.standins.compose import image
from lab.standins.repos import CLIENT_STACK, DAEMONS_STACK, SERVER_STACK, services_of
from lab.topology import Host, Role
from lab.witness import records

STACKS = (SERVER_STACK, DAEMONS_STACK, CLIENT_STACK)
_LABEL = "com.docker.stack.namespace"
_TASK = "com.docker.swarm.task.id"
_REVISION = "dtdeploy.revision"
_ENDED = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
_WITH_FILES = frozenset({"tmpfs", "ext4", "xfs", "btrfs", "overlay"})
_LEAST_FREE = 64 * 1024

MISSING = "a service is missing"
_STILL_CUT_OFF_SECONDS = 8.0
"""Who does not reach the server says so every 6 s at least (standins/rootfs/poll.sh)."""
_PATIENCE_NANOSECONDS = 60_000_000_000

Unit = tuple[str, str]
"""A stack and the alias of its site."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be; `cause` is worded the same wherever it happens."""

    cause: str
    where: str
    lasts: bool = False
    """Whether waiting is in vain."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.cause}: {self.where}"


@dataclass(frozen=True, slots=True)
class Stray:
    """A service that is not described, or not like this."""

    site: str
    stack: str
    name: str


def troubles(units: Collection[Unit] | None) -> list[Trouble]:
    """Look at every host.

    Args:
        units: what has to run, with the services and images that are described, and nothing
            else; None when the three stacks may be in any state that changes no more.

    """
    shape = state.current().shape
    found = [trouble for listed in at_once(_host_troubles, shape.hosts()) for trouble in listed]
    if found:
        return found
    sites = [(site, units) for site in shape.site_managers()]
    found = [trouble for listed in at_once(_site_troubles, sites) for trouble in listed]
    return found or (_cut_off() if units else [])


def strays(units: Collection[Unit]) -> list[Stray]:
    """Find the services that are not as described."""
    return [
        Stray(site, service["Spec"]["Labels"].get(_LABEL, ""), service["Spec"]["Name"])
        for site in state.current().shape.site_managers()
        for service in hosts.api(hosts.find(site), "GET", "/services")
        if not _as_described(service, _described(site, units))
    ]


def _cut_off() -> list[Trouble]:
    """Find who said a moment ago that it does not reach the server, and nothing since."""
    last = {line.container: line for line in records.logs()}
    since = records.now() - _STILL_CUT_OFF_SECONDS
    return [
        Trouble("the server is not reached", line.container)
        for line in last.values()
        if line.is_unreachable and line.at >= since
    ]


def _host_troubles(host: Host) -> list[Trouble]:
    try:
        init = state.init_pid(host)
    except LabError:
        return [Trouble("a host is gone", host.name, lasts=True)]
    full = [
        Trouble("a disk is full", f"{host.name}:{place}", lasts=True) for place in _full_disks(init)
    ]
    if host.runs_docker and not dockerd.responds(host):
        return [*full, Trouble("a dockerd does not answer", host.name)]
    if host.runs_sshd and not _listens(host):
        return [*full, Trouble("an sshd does not answer", host.name)]
    return full


def _listens(host: Host) -> bool:
    return any(not processes.is_frozen(pid) for pid in sshd.listeners(host))


def _full_disks(init: int) -> Iterator[str]:
    """Find the file systems a host writes to that have no room; those of containers are theirs."""
    for line in Path(f"/proc/{init}/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind not in _WITH_FILES or "ro" in options.split(",") or "/docker/" in place:
            continue
        try:
            room = os.statvfs(f"/proc/{init}/root{place}")
        except OSError:
            continue  # unmounted meanwhile, or under another mount
        if room.f_blocks and room.f_bavail * room.f_frsize < _LEAST_FREE:
            yield place


def _site_troubles(asked: tuple[str, Collection[Unit] | None]) -> list[Trouble]:
    site, units = asked
    shape = state.current().shape
    members = shape.hosts_of(site)
    manager = next(host for host in members if host.role is Role.MANAGER)
    try:
        return list(_swarm_troubles(site, manager, members, units))
    except LabError as error:
        return [Trouble("a Swarm does not answer", f"{manager.name}: {error}")]


def _swarm_troubles(
    site: str, manager: Host, members: list[Host], units: Collection[Unit] | None
) -> Iterator[Trouble]:
    nodes = hosts.api(manager, "GET", "/nodes")
    if [node["Status"]["State"] for node in nodes] != ["ready"] * len(members):
        yield Trouble("a node is not ready", manager.name)
    services = {item["ID"]: item for item in hosts.api(manager, "GET", "/services")}
    tasks = hosts.api(manager, "GET", "/tasks")
    yield from _leftovers(manager, members, services.values(), tasks)
    if units is not None:
        yield from _differences(manager, _described(site, units), services, tasks)


def _leftovers(
    manager: Host, members: list[Host], services: Iterable[Any], tasks: list[Any]
) -> Iterator[Trouble]:
    for service in services:
        if service["Spec"]["Labels"].get(_LABEL) not in STACKS:
            yield Trouble(
                "a service of a test is left", f"{manager.name} {service['Spec']['Name']}"
            )
    for task in tasks:
        if task["DesiredState"] != "running" and task["Status"]["State"] not in _ENDED:
            container = task["Spec"]["ContainerSpec"]
            image = container["Image"].partition("@")[0]
            lasts = container.get("StopGracePeriod", 0) > _PATIENCE_NANOSECONDS
            yield Trouble("a container does not end", f"{manager.name} {image}", lasts=lasts)
    wanted = {task["ID"] for task in tasks if task["DesiredState"] == "running"}
    for host in members:
        for container in hosts.api(host, "GET", "/containers/json"):
            if container["Labels"].get(_TASK) not in wanted:
                yield Trouble("a container does not end", f"{host.name} {container['Names'][0]}")


def _differences(
    manager: Host, described: dict[str, str], services: dict[str, Any], tasks: list[Any]
) -> Iterator[Trouble]:
    there = {item["Spec"]["Name"]: item for item in services.values()}
    for name in sorted(described.keys() | there.keys()):
        if name not in there:
            yield Trouble(MISSING, f"{manager.name} {name}")
        elif not _as_described(there[name], described):
            yield Trouble("a service is not as described", f"{manager.name} {name}")
        elif _running(there[name]["ID"], tasks) != 1:
            yield Trouble("a service does not run", f"{manager.name} {name}")


def _described(site: str, units: Collection[Unit]) -> dict[str, str]:
    """Give the image of every service that belongs to a site."""
    shape = state.current().shape
    return {
        f"{stack}_{service.name}": image(service)
        for stack in STACKS
        if (stack, site) in units
        for service in services_of(shape, stack, site)
    }


def _as_described(service: Any, described: dict[str, str]) -> bool:  # noqa: ANN401 - JSON
    """Whether a service is to run its image once; no good stand-in asks for time to end.

    One that was deployed by hand does not tell at which revision it is, which tests ask.
    """
    if _REVISION not in service["Spec"]["Labels"]:
        return False
    container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    image = container["Image"].partition("@")[0]
    wanted = described.get(service["Spec"]["Name"])
    once = service["Spec"]["Mode"].get("Replicated", {}).get("Replicas") == 1
    return bool(image == wanted and once and not container.get("StopGracePeriod"))


def _running(service: str, tasks: list[Any]) -> int:
    mine = (task for task in tasks if task["ServiceID"] == service)
    return sum(task["DesiredState"] == task["Status"]["State"] == "running" for task in mine)
