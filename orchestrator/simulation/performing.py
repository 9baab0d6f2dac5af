"""What each effect does to the simulated world, as processes on virtual time."""

from collections.abc import Iterable

from orchestrator.fleet.desired import Probe
from orchestrator.fleet.observed import Resource, Sight, stacks_seen
from orchestrator.fleet.pulling import LABEL_PULL, Pulled, Pulling
from orchestrator.planning.pinning import as_pinned
from orchestrator.procedures.effects import (
    AuditLog,
    CheckedImages,
    CheckedVolumes,
    CheckImages,
    CheckVolumes,
    DeployStack,
    Examination,
    Examine,
    HeldRelease,
    ProbeResult,
    PullImages,
    PullOnNodes,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    RunProbe,
    ShipRelease,
    SiteMutation,
    WatchPulls,
    WriteAudit,
    Written,
)
from orchestrator.procedures.inspection import SESSIONS, Inspect, Inspection, Named
from orchestrator.simulation import api, commands
from orchestrator.simulation.behaviour import GOOD
from orchestrator.simulation.clock import EPOCH_SECONDS, Process
from orchestrator.simulation.fleet import SimSite, SimulatedFleet
from orchestrator.simulation.happening import What
from orchestrator.simulation.objects import SimResource, SimService
from orchestrator.simulation.saying import task_lines
from orchestrator.simulation.swarm import SimSwarm

Mutation = SiteMutation
_BETWEEN_READS = (0.003, 0.02)
_PREDEFINED = ("ingress", "docker_gwbridge", "bridge", "host", "none")
_GIVE_UP_SECONDS = 10.0
"""So long a look waits for a daemon that hangs, and then says so: sshd beside it answers."""
_LOOK_AGAIN = 0.25
_AGAIN_SECONDS = 0.5
_MAKING_SECONDS = 60.0
_NO_ANSWER = "the Docker daemon does not answer"


def mutate(
    fleet: SimulatedFleet, site: SimSite, effect: Mutation, may_send: commands.MaySend
) -> Process[str]:
    """Let a mutating effect act at a site; returns words, raises ApiError.

    What is one remote command goes on whatever becomes of the connection; what is a series of
    requests ends with it.
    """
    swarm = site.swarm
    match effect:
        case RemoveServices():
            return commands.remove_services(swarm, effect.ids, may_send)
        case RemoveLeftovers():
            return commands.remove_leftovers(
                swarm,
                networks=effect.networks,
                secrets=effect.secrets,
                configs=effect.configs,
                may_send=may_send,
            )
        case ShipRelease():
            return _ship(site, effect)
        case PullImages():
            pulling = commands.pull(swarm, effect.images, GOOD.pull_seconds)
            return api.within(swarm, effect.timeout_seconds, pulling)
        case PullOnNodes():
            making = commands.pull_on_nodes(swarm, effect.run, effect.pulls)
            return api.within(swarm, _MAKING_SECONDS, making)
        case DeployStack():
            return _deploy(fleet, site, effect)


def ask(
    fleet: SimulatedFleet, site: SimSite, effect: RunProbe | ReadLogs | WatchPulls
) -> Process[ProbeResult | Written | Pulling]:
    """Send a probe, read what containers wrote, or see how far nodes are with images."""
    if isinstance(effect, ReadLogs):
        return (yield from read_logs(site.swarm, effect))
    if isinstance(effect, WatchPulls):
        return (yield from watch_pulls(site.swarm, effect))
    return (yield from probe(fleet, effect))


def read_logs(swarm: SimSwarm, effect: ReadLogs) -> Process[Written]:
    """Read what containers wrote."""

    def written() -> Written:
        lines = (
            line
            for query in effect.queries
            for task in swarm.tasks.values()
            if task.service.id == query.id
            for line in task_lines(task, query, began=EPOCH_SECONDS, now=swarm.clock.now)
        )
        return Written(lines=tuple(lines))

    return (yield from api.read(swarm, written))


def _ship(site: SimSite, effect: ShipRelease) -> Process[str]:
    release = effect.release
    yield site.swarm.between(0.02, 0.1)
    key = (release.name, release.digest)
    words = "present, checked by its digest"
    if key not in site.releases:
        site.releases[key] = release
        site.swarm.tell(What.RELEASE_SHIPPED, release.unit.stack, release.name)
        words = "shipped"
    if effect.former:
        kept = {release.name, effect.former}
        for other, held in list(site.releases.items()):
            of_stack = held.unit.stack == release.unit.stack
            if held.holds_secrets and of_stack and held.name not in kept:
                del site.releases[other]
    if effect.deploy is not None:
        yield from _read_by_docker(site)
    return words


def read_release(site: SimSite, effect: ReadRelease) -> Process[HeldRelease]:
    """Read what lies on the manager's disk: a remote command that needs no Docker."""
    yield site.swarm.between(0.02, 0.1)
    held = (release for (name, _), release in site.releases.items() if name == effect.name)
    files = next((release.files for release in held), None)
    return HeldRelease(site=site.swarm.site, name=effect.name, files=files)


def read_audit(site: SimSite) -> Process[AuditLog]:
    """Read the audit log on the manager's disk: a remote command that needs no Docker."""
    yield site.swarm.between(0.02, 0.1)
    return AuditLog(site=site.swarm.site, lines=tuple(site.audit))


def _read_by_docker(site: SimSite) -> Process[None]:
    """Let the manager's docker command read a compose file: it asks no daemon for it."""
    yield site.swarm.between(0.02, 0.1)
    if site.refuses_files:
        raise api.FileRefusedError("unsupported Compose file version: 3.8")


def write_audit(site: SimSite, effect: WriteAudit) -> Process[str]:
    """Append a line to the manager's audit log: a remote command that needs no Docker."""
    yield site.swarm.between(0.02, 0.1)
    site.audit.append(effect.line)
    site.swarm.tell(What.AUDIT, "", effect.line)
    return "written"


def _deploy(fleet: SimulatedFleet, site: SimSite, effect: DeployStack) -> Process[str]:
    release = effect.release
    wanted = fleet.declared(effect.unit, release.digest)
    if wanted is None:
        yield 0.05
        raise api.ApiError(f"open {release.name}/{release.compose}: no such file or directory")
    yield from _read_by_docker(site)
    if (release.name, release.digest) not in site.releases:
        # It was brought to another manager.
        yield from _ship(site, ShipRelease(site=site.swarm.site, release=release))
    wanted = as_pinned(wanted, effect.images)
    deploying = commands.deploy(
        site.swarm, wanted, effect.labels, prune=effect.prune, again=effect.again
    )
    return (yield from api.within(site.swarm, effect.timeout_seconds, deploying))


def look(swarm: SimSwarm, started: float) -> Process[Sight]:
    """Read a Swarm, as several requests do: what changes between them is seen half.

    Raises ApiError when the daemon is not there, is no manager, or has no leader; the first
    seconds without a quorum look as if all was well.
    """
    hung_since = swarm.clock.now
    while swarm.frozen:
        if swarm.clock.now - hung_since >= _GIVE_UP_SECONDS:
            raise api.ApiError(_NO_ANSWER)
        yield _LOOK_AGAIN
    if not swarm.daemon_up:
        raise api.ApiError(api.NO_DAEMON)
    api.check_leader(swarm)
    nodes = tuple([machine.look() for machine in swarm.machines.values()])
    services = tuple([service.look() for service in swarm.services.values()])
    yield swarm.between(*_BETWEEN_READS)
    return Sight(
        site=swarm.site,
        started=started,
        at=swarm.clock.now,
        info=swarm.info(),
        nodes=nodes,
        services=services,
        tasks=swarm.task_list(),
        containers=tuple([c.look() for c in swarm.manager.containers.values()]),
        networks=_of_stacks(swarm.network_list()),
        configs=_of_stacks(swarm.configs.values()),
        secrets=_of_stacks(swarm.secrets.values()),
        via=swarm.manager.hostname if swarm.detour else "",
    )


def _of_stacks(kept: Iterable[SimResource]) -> tuple[Resource, ...]:
    return tuple([resource.look() for resource in kept if resource.stack])


def watch_pulls(swarm: SimSwarm, effect: WatchPulls) -> Process[Pulling]:
    """See how far the pulls of a run on the site's nodes are."""

    def seen() -> Pulling:
        pulls = [s for s in swarm.services.values() if (LABEL_PULL, effect.run) in s.labels]
        return Pulling(site=swarm.site, at=swarm.clock.now, pulls=tuple(map(_pulled, pulls)))

    return (yield from api.read(swarm, seen))


def _pulled(service: SimService) -> Pulled:
    placed = ((task.look(), task.machine) for task in service.tasks)
    tasks = tuple((task, machine.look()) for task, machine in placed if machine is not None)
    return Pulled(image=service.desired.image, tasks=tasks)


def probe(fleet: SimulatedFleet, effect: RunProbe) -> Process[ProbeResult]:
    """Send a probe; what it meets is what stands when it arrives."""
    yield fleet.rng.uniform(0.002, 0.01)
    return (yield from patiently(fleet, effect.site, effect.probe, effect.patience_seconds))


def patiently(
    fleet: SimulatedFleet, site: str, wanted: Probe, seconds: float
) -> Process[ProbeResult]:
    """Send a probe again for so long until it is answered as it should be (swarm/probes.py)."""
    last = fleet.clock.now + seconds
    while True:
        result = probe_now(fleet, site, wanted)
        if result.ok or fleet.clock.now + _AGAIN_SECONDS > last:
            return result
        yield _AGAIN_SECONDS


def probe_now(fleet: SimulatedFleet, site: str, wanted: Probe) -> ProbeResult:
    """Return what a probe from `site` would be told at this moment."""
    ok, words = fleet.answer(site, wanted)
    return ProbeResult(ok=ok, at=fleet.clock.now, words=words)


def check_images(swarm: SimSwarm, effect: CheckImages) -> Process[CheckedImages]:
    """Ask the registries about images; the daemon has to be there for it."""
    yield from api.settled(swarm)
    yield swarm.between(0.05, 0.2)
    checks = tuple(swarm.registry.check(image) for image in effect.images)
    return CheckedImages(site=swarm.site, images=checks)


def check_volumes(site: SimSite, effect: CheckVolumes) -> Process[CheckedVolumes]:
    """Ask the manager's daemon for volumes."""
    found = tuple(volume for volume in site.volumes if volume.name in effect.names)
    return (
        yield from api.read(site.swarm, lambda: CheckedVolumes(site=site.swarm.site, volumes=found))
    )


def examine(
    fleet: SimulatedFleet, site: SimSite, effect: Examine, at: float
) -> Process[Examination]:
    """Find out what preflight asks; changes nothing."""
    swarm, found = site.swarm, site.conditions
    sight = yield from look(swarm, at)
    yield swarm.between(0.1, 0.4)
    images = tuple(swarm.registry.check(image) for image in effect.images)
    requires = []
    for wanted in effect.requires:
        result = yield from patiently(fleet, swarm.site, wanted, wanted.timeout_seconds)
        requires.append((wanted, result))
    return Examination(
        sight=sight,
        api_version=found.api_version,
        cli_version=found.cli_version,
        disk_free_bytes=found.disk_free_bytes,
        disk_total_bytes=found.disk_total_bytes,
        clock_offset_seconds=found.clock_offset_seconds,
        images=images,
        requires=tuple(requires),
        listening=tuple((port, "tcp") for port in found.listening if port in effect.ports),
        all_networks=(*(n.name for n in swarm.network_list()), *_PREDEFINED),
        all_configs=tuple(c.name for c in swarm.configs.values()),
        all_secrets=tuple(s.name for s in swarm.secrets.values()),
    )


def examined(
    fleet: SimulatedFleet, site: SimSite, effect: Examine | Inspect, at: float
) -> Process[Examination | Inspection]:
    """Find out what preflight asks, or doctor."""
    if isinstance(effect, Inspect):
        return (yield from inspect(site, at))
    return (yield from examine(fleet, site, effect, at))


def inspect(site: SimSite, at: float) -> Process[Inspection]:
    """Find out what doctor asks; changes nothing."""
    swarm, found = site.swarm, site.conditions
    sight = yield from look(swarm, at)
    yield swarm.between(0.1, 0.4)
    pool = swarm.pool
    images = dict.fromkeys(service.image for service in swarm.services.values())
    asked = tuple(map(swarm.registry.check, images))
    return Inspection(
        site=swarm.site,
        engine_version=found.engine_version,
        cli_version=found.cli_version,
        api_version=found.api_version,
        disk_free_bytes=found.disk_free_bytes,
        disk_total_bytes=found.disk_total_bytes,
        clock_offset_seconds=found.clock_offset_seconds,
        pool_size=pool.capacity,
        pool_used=pool.capacity - pool.free,
        reclaimable_bytes=found.reclaimable_bytes,
        images_words=f"Images: reclaimable {found.reclaimable_bytes} B",
        certificate_days=found.certificate_days,
        sessions=min(SESSIONS, found.sessions),
        releases=found.releases,
        stacks=tuple(sorted(stacks_seen(sight))),
        unpullable=tuple((check.image, check.words) for check in asked if not check.ok),
        managers=tuple(m.look() for m in swarm.machines.values() if m.manager),
        named=tuple(
            Named(host=m.hostname, node_id=m.id) for m in swarm.machines.values() if m.manager
        ),
        unknown=(("certificate", "it may not be read, and was not shown on port 2377"),),
    )
