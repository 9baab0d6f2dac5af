"""Is a site fit for what the plan wants to do there? Pure: an examination in, problems out."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.desired import DesiredStack, Probe
from orchestrator.fleet.observed import Mode, NodeState, Sight
from orchestrator.fleet.ownership import DECLARED_ALONE, Ownership, renamed_from, undeclared_stacks
from orchestrator.fleet.placement import Unplaceable, meets, takes_tasks, unplaceable
from orchestrator.fleet.platforms import fits, listed, usable
from orchestrator.fleet.presence import blindness, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import CONFIG, NETWORK, SECRET, VOLUME, Use, makers_seen
from orchestrator.planning.in_use import in_use
from orchestrator.planning.lost import node_in_the_way, volumes_of, weigh
from orchestrator.planning.plan import Command
from orchestrator.procedures.book import Limits
from orchestrator.procedures.effects import Examination, ImageCheck
from orchestrator.procedures.ports import Wish, clashes
from orchestrator.procedures.room import lacks

_MIN_API = (1, 40)
"""The oldest Engine API with everything that is used; Docker 29 itself ends there."""

_FIRST_WITH_JOBS = 23
_ON_EVERY_NODE = (
    "published in the mode ingress, it is taken on every node: of 22, no login by SSH is left",
)
"""What listens there is passed over, and no longer reached (moby#39089)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the plan wants at one site.

    `in_place` are the units that are deployed over what runs; `ports` are those that are
    published; `declared` are the stacks the inventory knows there,
    None when undeclared ones are not in the way; `must_be_gone` are units that block a
    removal and that this run may not remove itself. `removed` are the stacks that are taken down
    there, `uses` what units use of each other, `goes` all units that have to be gone. `ssh` is what
    ssh is told to reach the manager.
    """

    site: str
    limits: Limits
    acted: tuple[Unit, ...] = ()
    desired: tuple[DesiredStack, ...] = ()
    in_place: frozenset[Unit] = frozenset()
    images: tuple[str, ...] = ()
    requires: tuple[Probe, ...] = ()
    ports: tuple[Wish, ...] = ()
    declared: frozenset[str] | None = None
    ownership: Ownership = DECLARED_ALONE
    must_be_gone: tuple[Unit, ...] = ()
    command: Command = Command.RESTART
    removed: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()
    uses: tuple[Use, ...] = ()
    goes: frozenset[Unit] = frozenset()
    ssh: str = ""


def judge_sight(wanted: Wanted, sight: Sight) -> tuple[Problem, ...]:
    """Return what speaks against carrying out the plan and can be seen by looking at the Swarm.

    A plan is judged by this before anybody says yes, and a site once more before it is touched.
    """
    if blind := blindness(sight):
        return (
            _problem(
                wanted,
                "swarm.not-well",
                blind,
                ExitCode.SAFETY_REFUSED,
                fix=f"on {wanted.site}'s manager: docker info, docker node ls",
                runbook="site-unreachable",
            ),
        )
    checks = (
        _nodes(wanted, sight),
        _places(wanted, sight),
        _strays(wanted, sight),
        _blocking(wanted, sight),
        in_use(sight, wanted.command, wanted.removed, wanted.ours, ssh=wanted.ssh),
    )
    return tuple(problem for check in checks for problem in check)


def judge_site(wanted: Wanted, seen: Examination) -> tuple[Problem, ...]:
    """Return everything at the site that speaks against carrying out the plan."""
    by_sight = judge_sight(wanted, seen.sight)
    if blindness(seen.sight):
        return by_sight
    checks = (
        by_sight,
        seen.strangers,
        _versions(wanted, seen),
        _jobs(wanted, seen),
        _machine(wanted, seen),
        (p for check in seen.images if (p := _image(wanted, check)) is not None),
        _platforms(wanted, seen),
        _room(wanted, seen),
        _outside(wanted, seen),
        _externals(wanted, seen),
        _ports(wanted, seen),
    )
    return tuple(problem for check in checks for problem in check)


def _problem(
    wanted: Wanted,
    code: str,
    what: str,
    exit_code: ExitCode,
    *,
    fix: str,
    runbook: str,
    evidence: tuple[str, ...] = (),
    stack: str = "",
) -> Problem:
    return Problem(
        code=code,
        what=what,
        exit_code=exit_code,
        where=Where(site=wanted.site, stack=stack),
        evidence=evidence,
        fix=fix,
        state_left="nothing was touched",
        runbook=runbook,
    )


def _versions(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    parts = seen.api_version.split(".")
    version = tuple(int(part) for part in parts if part.isdigit())
    if version < _MIN_API:
        yield _problem(
            wanted,
            "docker.too-old",
            f"the Docker Engine speaks API {seen.api_version or 'unknown'}, needed is 1.40",
            ExitCode.SAFETY_REFUSED,
            fix="update Docker Engine to 19.03 or newer there",
            runbook="set-up-a-control-machine",
        )


def _jobs(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    """Find jobs that the docker command refuses only once it has begun to create (docker/cli#2907).

    What it refuses when it reads the file, it is asked itself.
    """
    major = seen.cli_version.partition(".")[0]
    if not major.isdigit() or int(major) >= _FIRST_WITH_JOBS:
        return
    for desired in wanted.desired:
        for service in desired.services:
            if service.mode in (Mode.REPLICATED_JOB, Mode.GLOBAL_JOB):
                yield _problem(
                    wanted,
                    "source.manager-refuses",
                    f"the docker command of {wanted.site}'s manager deploys no jobs: "
                    f"{service.name} is a {service.mode.value}",
                    ExitCode.SOURCE_FAILED,
                    evidence=(f"docker {seen.cli_version}: Unknown mode: {service.mode.value}",),
                    fix=f"update Docker on the manager to {_FIRST_WITH_JOBS}.0 or newer",
                    runbook="git-source-failed",
                    stack=desired.unit.stack,
                )


def _nodes(wanted: Wanted, sight: Sight) -> Iterator[Problem]:
    if not any(node.leader for node in sight.nodes):
        yield _problem(
            wanted,
            "swarm.no-leader",
            "the Swarm has no leader",
            ExitCode.SAFETY_REFUSED,
            fix="docker node ls   # on the manager; bring a majority of the managers back",
            runbook="site-unreachable",
        )
    for weighed in weigh(wanted.site, sight, wanted.goes):
        if weighed.tasks:
            yield node_in_the_way(weighed, sight, wanted.ssh)


def _places(wanted: Wanted, sight: Sight) -> Iterator[Problem]:
    for desired in wanted.desired:
        for found in unplaceable(desired, sight):
            yield _problem(
                wanted,
                "swarm.no-node-fits",
                found.words,
                ExitCode.SAFETY_REFUSED,
                evidence=(
                    *_data_away(found),
                    *(f"{n.hostname}: {n.state.value}, {n.availability}" for n in sight.nodes),
                ),
                fix=_make_room(found, sight, wanted.ssh),
                runbook="node-lost",
                stack=desired.unit.stack,
            )


def _data_away(found: Unplaceable) -> Iterator[str]:
    """Say what the service would not find on another node."""
    if found.away and (volumes := volumes_of(found.facts)):
        names = ", ".join(node.hostname for node in found.away)
        yield f"its data is on {names}, and may be missed elsewhere: volume {', '.join(volumes)}"


def _make_room(found: Unplaceable, sight: Sight, ssh: str) -> str:
    """Say what lets a node take the service, with the host to type it at."""
    resting = [node for node in found.away if node.state is NodeState.READY]
    if resting:
        return f"ssh {ssh} docker node update --availability active {resting[0].hostname}"
    for label in found.constraints:
        key, _, value = label.removeprefix("node.labels.").partition(" == ")
        rest = [constraint for constraint in found.constraints if constraint != label]
        fit = sorted(
            (n.manager, n.hostname) for n in sight.nodes if takes_tasks(n) and meets(n, rest)
        )
        if label == f"node.labels.{key} == {value}" and fit:
            line = f"ssh {ssh} docker node update --label-add {key}={value} {fit[0][1]}"
            back = f"bring {found.away[0].hostname} back; or " if found.away else ""
            return f"{back}{line}   # or another one that is ready"
    return "bring such a node back, or change the constraint in the compose file"


def _machine(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    if wanted.desired and seen.disk_free_bytes < wanted.limits.disk_free_bytes:
        free, least = seen.disk_free_bytes // 10**6, wanted.limits.disk_free_bytes // 10**6
        yield _problem(
            wanted,
            "site.disk-low",
            f"{free} MB are free where Docker keeps its data, wanted are {least} MB",
            ExitCode.SAFETY_REFUSED,
            fix="docker system df; docker image prune   # on the manager",
            runbook="site-unreachable",
        )
    if abs(seen.clock_offset_seconds) > wanted.limits.clock_offset_seconds:
        yield _problem(
            wanted,
            "site.clock-skew",
            f"the manager's clock is {seen.clock_offset_seconds:+.0f} s off ours",
            ExitCode.SAFETY_REFUSED,
            fix="timedatectl status   # on the manager, and here",
            runbook="site-unreachable",
        )


def _image(wanted: Wanted, check: ImageCheck) -> Problem | None:
    if check.ok:
        return None
    registry = check.image.split("/", maxsplit=1)[0]
    if check.denied:
        code, exit_code = "registry.login-refused", ExitCode.LOGIN_REFUSED
        what = f"the registry refuses {check.image} with the login of this manager"
        fix = f"docker login {registry}   # on {wanted.site}'s manager, as the SSH user"
    elif check.missing:
        code, exit_code = "registry.image-missing", ExitCode.SOURCE_FAILED
        what = f"there is no image {check.image}"
        fix = "push the image, or name another one in the compose file"
    else:
        code, exit_code = "registry.unreachable", ExitCode.SAFETY_REFUSED
        what = f"the registry cannot be asked for {check.image}"
        fix = f"docker manifest inspect {check.image}   # on {wanted.site}'s manager"
    evidence = (check.words,) if check.words else ()
    runbook = "service-not-healthy"
    return _problem(wanted, code, what, exit_code, fix=fix, runbook=runbook, evidence=evidence)


def _platforms(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    """Find images that are for no platform that a node has: their tasks would wait for ever."""
    there = usable(seen.sight.nodes)
    for check in seen.images:
        if not fits(check.platforms, there):
            yield _problem(
                wanted,
                "registry.other-platform",
                f"image {check.image} is for {listed(check.platforms)}, "
                f"the nodes of {wanted.site} are {listed(there)}",
                ExitCode.SOURCE_FAILED,
                fix=f"push {check.image} for {listed(there)}, or name another image in the "
                "compose file",
                runbook="service-not-healthy",
            )


def _room(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    digests = {check.image: check.digest for check in seen.images if check.digest}
    for desired in wanted.desired:
        unit = desired.unit
        over = unit in wanted.in_place
        for lack in lacks(desired, seen.sight, in_place=over, digests=digests):
            fix = "fewer replicas or more nodes; docker node ls   # on the manager: all active?"
            if lack.updated:
                fix = (
                    f"{typed('deploy', unit, '--strategy', 'recreate')}, or order: stop-first in"
                    " its compose file"
                )
            yield _problem(
                wanted,
                "swarm.no-room",
                f"the tasks of {lack.service} of {unit} can never all run: {lack.why}",
                ExitCode.SAFETY_REFUSED,
                fix=fix,
                runbook="service-not-healthy",
                stack=unit.stack,
            )


def _outside(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    for probe, result in seen.requires:
        if not result.ok:
            yield _problem(
                wanted,
                "preflight.dependency-down",
                f"{probe.name} at {probe.host}:{probe.port} does not answer",
                ExitCode.SAFETY_REFUSED,
                evidence=(result.words,),
                fix=f"mend {probe.name} first: what is deployed could not work without it",
                runbook="service-not-healthy",
            )


def _externals(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    """Find what has to be there before a unit is deployed, and neither is nor will be.

    What another unit of the plan makes is made before: its user depends on it. What goes with a
    stack that goes down is not there any more by then.
    """
    there = {
        *((NETWORK, name) for name in seen.all_networks),
        *((CONFIG, name) for name in seen.all_configs),
        *((SECRET, name) for name in seen.all_secrets),
    }
    stay = there - {
        thing for thing, stack in makers_seen(seen.sight).items() if stack in wanted.removed
    }
    stay.update(thing for desired in wanted.desired for thing in desired.makes)
    makers = {(use.user, use.kind, use.name): use.maker for use in wanted.uses}
    for desired in wanted.desired:
        for kind, name in desired.external:
            if kind == VOLUME or (kind, name) in stay:
                continue
            gone = "will not exist" if (kind, name) in there else "does not exist"
            maker = makers.get((desired.unit, kind, name))
            yield _problem(
                wanted,
                f"swarm.{kind}-missing",
                f"the external {kind} {name} {gone}",
                ExitCode.SAFETY_REFUSED,
                fix=f"{maker} makes it: {typed('up', maker, desired.unit)}"
                if maker
                else f"docker {kind} create ... {name}   # on {wanted.site}'s manager",
                runbook="service-not-healthy",
                stack=desired.unit.stack,
            )


def _ports(wanted: Wanted, seen: Examination) -> Iterator[Problem]:
    own = {unit.stack for unit in wanted.acted}
    for clash in clashes(wanted.ports, seen.sight, own=own, listening=seen.listening):
        port, unit = clash.wish.port, clash.wish.unit
        tool = "ss -lntp" if port.protocol == "tcp" else "ss -lnup"
        yield _problem(
            wanted,
            "swarm.port-taken",
            f"port {port.port}/{port.protocol}, which {unit} publishes, is taken by {clash.by}",
            ExitCode.SAFETY_REFUSED,
            evidence=_ON_EVERY_NODE if port.mode == "ingress" else (),
            fix=f"{tool} sport = :{port.port}   # on the manager; stop it or move it",
            runbook="service-not-healthy",
        )


def _strays(wanted: Wanted, sight: Sight) -> Iterator[Problem]:
    if wanted.declared is None:
        return
    known = {
        stack.unit.stack: frozenset(service.name for service in stack.services)
        for stack in wanted.desired
    }
    found = undeclared_stacks(sight, ownership=wanted.ownership, declared=wanted.declared)
    for stack in found:
        renamed = renamed_from(sight, stack, known)
        yield _problem(
            wanted,
            "swarm.undeclared-stack",
            f"stack {stack} runs at {wanted.site} and no inventory line declares it",
            ExitCode.SAFETY_REFUSED,
            evidence=(_renamed(renamed),) if renamed else (),
            fix=(
                f"declare it in sites.yaml and stacks/{stack}.yaml, or write ignore: [{stack}]"
                f" there if it is not yours, or: docker stack rm {stack}"
            ),
            runbook="stack-does-not-go-away",
            stack=stack,
        )


def _renamed(before: str) -> str:
    return (
        f"its services are those of {before}, of which nothing runs there: if it was renamed, it"
        f" has volumes, networks and configs of its own, and those of {before} lie unused"
    )


def _blocking(wanted: Wanted, sight: Sight) -> Iterator[Problem]:
    for unit in wanted.must_be_gone:
        there = whereabouts(unit, sight)
        if not there.gone:
            yield _problem(
                wanted,
                "removal.blocked",
                f"{unit} is {there.presence.value}, has to be gone first, and is not in this run",
                ExitCode.SAFETY_REFUSED,
                evidence=there.evidence[:4],
                fix=f"take it down at {wanted.site}, or make the site active in sites.yaml",
                runbook="stack-does-not-go-away",
                stack=unit.stack,
            )
