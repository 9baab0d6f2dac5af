"""Finding out what wears out at a site, for doctor; each fact that cannot be had says why."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from orchestrator.errors import FleetError
from orchestrator.fleet.observed import Sight, TaskState, Unseen, stacks_seen
from orchestrator.procedures.inspection import SESSIONS, Inspect, Inspection, Named
from orchestrator.swarm import dtdeploy_look, ingress, registry
from orchestrator.swarm.examine import (
    LOGINS,
    Clocks,
    about,
    ask_daemon,
    ask_registries,
    cli_version,
    disk,
    parts,
    read,
)
from orchestrator.swarm.http_pipe import Request
from orchestrator.swarm.link import SiteLink
from orchestrator.swarm.look import look
from orchestrator.swarm.registry import expiries, read_logins

_AT_ONCE = 8
_DAY_SECONDS = 86400.0
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
"""As docker prints sizes (docker/go-units, HumanSize)."""
_RECLAIMABLE = re.compile(r"^Images: .*reclaimable ([\d.]+)([kMGT]?B)", re.MULTILINE)
_RELEASES = re.compile(r"^(\S+) +(\d+)$", re.MULTILINE)


def inspect(link: SiteLink, clocks: Clocks, effect: Inspect) -> Inspection | Unseen:
    """Inspect a site; nothing there is changed.

    Returns:
        The inspection; Unseen when the site cannot be reached or its Swarm not be asked.

    """
    try:
        daemon = link.reading(lambda: ask_daemon(link, clocks))
        sight = look(link, clocks.monotonic)
        if isinstance(sight, Unseen):
            return sight
        found = parts(link, about("inspection", dtdeploy_look.INSPECTION, daemon.root))
        logins = found.get("logins", b"")
        used = tuple(dict.fromkeys(service.image for service in sight.services))
        asked = ask_registries(link, used, read_logins(logins))
        hosts = {image.partition("/")[0] for image in used}
        free, total = disk(link.site, found.get("df", b""))
        networks, services, tasks = link.api.ask(
            Request(path) for path in ("/networks", "/services", "/tasks")
        )
        pool = ingress.pool(networks.body, services.body, tasks.body, nodes=len(sight.nodes))
        days, life, why = certificate(_text(found, "certificate"), clocks.wall())
        images = _text(found, "images")
        return Inspection(
            site=effect.site,
            engine_version=sight.info.server_version,
            cli_version=cli_version(found.get("cli", b"")),
            api_version=link.api.version,
            disk_free_bytes=free,
            disk_total_bytes=total,
            clock_offset_seconds=daemon.clock_offset_seconds,
            pool_size=pool.size if pool else None,
            pool_used=pool.used if pool else 0,
            starved=starved(sight),
            reclaimable_bytes=reclaimable(images),
            images_words=images.splitlines()[0] if images else "",
            certificate_days=days,
            certificate_life_days=life,
            # One is in use already, for the questions above.
            sessions=1 + link.connection().sessions(SESSIONS - 1),
            releases=tuple(
                (name, int(number)) for name, number in _RELEASES.findall(_text(found, "releases"))
            ),
            unpullable=tuple((check.image, check.words) for check in asked if not check.ok),
            logins_end=tuple(
                (host, at - clocks.wall()) for host, at in expiries(logins) if host in hosts
            ),
            managers=tuple(node for node in sight.nodes if node.manager),
            named=named_managers(link, sight),
            via=link.via,
            stacks=tuple(sorted(stacks_seen(sight))),
            unknown=(
                ("ingress pool", "there is no ingress network"),
                ("images", images or "docker system df said nothing"),
                ("certificate", why),
            ),
        )
    except FleetError as error:
        return Unseen(site=link.site, at=clocks.monotonic(), problem=error.problems[0])


def named_managers(link: SiteLink, sight: Sight) -> tuple[Named, ...]:
    """Ask every manager that the inventory names who it is, each over a connection of its own.

    `sight` is what the one in use shows: where it is the only one, no other has to be asked.
    """
    if not link.roster.several:
        return (Named(host=link.host, node_id=sight.info.node_id),)
    ours = _registries(link)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"managers-{link.site}") as pool:
        return tuple(pool.map(lambda one: _named(one, ours), link.apart()))


def _named(one: SiteLink, ours: frozenset[str]) -> Named:
    host = one.roster.order()[0].host
    try:
        info, _ = one.api.ask_with_info((), max_age_seconds=0.0)
        lacking = ours - _registries(one)
    except FleetError as error:
        return Named(host=host, words=error.problems[0].what)
    finally:
        one.close()
    return Named(host=host, node_id=info.node_id, no_login=tuple(sorted(lacking)))


def _registries(link: SiteLink) -> frozenset[str]:
    return frozenset(registry.read_logins(read(link, LOGINS)).auths.auths)


def starved(sight: Sight) -> tuple[str, ...]:
    """Return the services that publish through ingress and whose tasks wait to be given a node.

    A task without an address stays in state new and says nothing (swarmkit allocator).
    """
    waiting = {
        task.service_id
        for task in sight.tasks
        if task.state is TaskState.NEW and task.desired is TaskState.RUNNING
    }
    return tuple(
        service.name
        for service in sight.services
        if service.id in waiting and any(mode == "ingress" for _, _, mode in service.published)
    )


def reclaimable(text: str) -> int | None:
    """Read from `docker system df` how many bytes images take that nothing uses."""
    found = _RECLAIMABLE.search(text)
    return round(float(found[1]) * _UNITS[found[2]]) if found else None


def certificate(text: str, now: float) -> tuple[float | None, float, str]:
    """Read the dates that openssl prints.

    Returns:
        Days until the certificate expires, and how many it lasts in all; without them why not.

    """
    dates: dict[str, float] = {}
    for line in text.splitlines():
        name, _, said = line.partition("=")
        try:
            at = datetime.strptime(said.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        except ValueError:
            continue
        dates[name] = at.timestamp() / _DAY_SECONDS
    if not {"notBefore", "notAfter"} <= dates.keys():
        said = text.splitlines()[0] if text else "openssl said nothing"
        return None, 0.0, f"it may not be read, and was not shown on port 2377: {said}"
    return dates["notAfter"] - now / _DAY_SECONDS, dates["notAfter"] - dates["notBefore"], ""


def _text(found: Mapping[str, bytes], name: str) -> str:
    return found.get(name, b"").decode(errors="replace").strip()
