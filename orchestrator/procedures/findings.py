"""Problems that procedures report, each worded once, with what to do next."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Retry, Where
from orchestrator.fleet.health import Health
from orchestrator.fleet.presence import Presence, Whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Usage
from orchestrator.inventory.model import SiteState
from orchestrator.procedures.book import Book

_DIFFERENCES = 10


def where(unit: Unit) -> Where:
    """Return the place of a unit."""
    return Where(site=unit.site, stack=unit.stack)


def not_prepared(site: str, words: str) -> Problem:
    """Releases or images are not known to be in place, and nobody said more than `words`."""
    return Problem(
        code="preflight.not-prepared",
        what=f"the releases and images of {site} are not known to be in place",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site),
        evidence=(words,) if words else (),
        fix="give the same command again: what is in place already is not sent twice",
        state_left="nothing that runs was touched",
        runbook="run-stopped-half-way",
    )


def node_cannot_pull(site: str, refused: tuple[tuple[str, str, str], ...]) -> Problem:
    """Say that nodes cannot pull images that the manager has: node, image, the Swarm's words."""
    node, image, _ = refused[0]
    return Problem(
        code="registry.node-cannot-pull",
        what=f"node {node} cannot pull {image}",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site, node=node),
        evidence=tuple(f"node {name}: {said}" for name, _, said in refused),
        fix=f"docker node update --availability pause {node}   # on {site}'s manager: the node gets"
        f" no new tasks; then the same command again. Its dockerd says why: on {node},"
        " journalctl -u docker | grep 'pulling image failed'",
        state_left="nothing that runs was touched",
        runbook="service-not-healthy",
    )


def node_silent(site: str, node: str, words: tuple[str, ...]) -> Problem:
    """Say that a node did not tell in time that it has its images; `words` how far each is."""
    return Problem(
        code="preflight.node-silent",
        what=f"node {node} has not said that its images are in place",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site, node=node),
        evidence=words,
        fix="give the same command again: what a node has is not pulled twice, and one that is down"
        f" is not asked. To leave it out: docker node update --availability pause {node}"
        f"   # on {site}'s manager",
        state_left="nothing that runs was touched",
        runbook="service-not-healthy",
    )


def _way_on(lost: tuple[str, ...], otherwise: str) -> str:
    """Say how a run goes on that waits for what was last seen on the nodes `lost`."""
    if not lost:
        return otherwise
    flags = (word for name in lost for word in ("--accept-lost", name))
    return (
        f"bring the node back, then {typed('resume')}; or, if its machine is off for certain, "
        f"{typed('resume', *flags, '--because', 'TEXT')}"
    )


def _answering(lost: tuple[str, ...]) -> Retry:
    return Retry(adds=tuple(("--accept-lost", name) for name in lost))


def refused_removal(unit: Unit, blockers: tuple[str, ...], lost: tuple[str, ...] = ()) -> Problem:
    """S1 says no: something that depends on the unit is not known to be gone.

    `lost` are the nodes, NODE@SITE, where that was last seen and that nobody can see.
    """
    otherwise = (
        f"{typed('status')}, then remove or find again what is named above and repeat the command"
    )
    return Problem(
        code="removal.refused",
        what=f"{unit} was not removed: what depends on it is not known to be gone",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=where(unit),
        evidence=blockers,
        fix=_way_on(lost, otherwise),
        state_left=f"{unit} was not touched and runs on",
        runbook="stack-does-not-go-away",
        retry=_answering(lost),
    )


def not_running(unit: Unit) -> str:
    """Say of a unit that another one depends on that nothing of it is there."""
    return f"{unit} does not run"


def refused_deploy(book: Book, unit: Unit, blockers: Mapping[Unit, str]) -> Problem:
    """S2 says no: something that the unit depends on is not healthy; `blockers` say why."""
    ours = [other for other in blockers if book.inventory.state(other) is SiteState.ACTIVE]
    theirs = [str(other) for other in blockers if other not in ours]
    first = f"have {', '.join(theirs)} mended: never changed from here; then " if theirs else ""
    gone = [other for other in ours if blockers[other] == not_running(other)]
    return Problem(
        code="deploy.refused",
        what=f"{unit} was not deployed: what it depends on is not healthy",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=where(unit),
        evidence=tuple(blockers.values()),
        fix=f"{first}{typed('up', *ours, unit)}   # brings up all that does not run; what runs"
        " and is not healthy has to be mended first",
        state_left=f"{unit} is not deployed",
        runbook="service-not-healthy",
        retry=Retry(first=typed("up", *gone) if gone else ""),
    )


def refused_overwrite(unit: Unit, blockers: tuple[str, ...]) -> Problem:
    """Deploying over a running unit restarts its tasks under those that depend on it."""
    return Problem(
        code="deploy.over-running",
        what=f"{unit} runs, and deploying over it would restart it under what depends on it",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=where(unit),
        evidence=blockers,
        fix=f"{typed('restart', unit)}   # takes its dependents down first",
        state_left=f"{unit} was not touched",
        runbook="restart-everything",
    )


def not_gone(
    unit: Unit,
    there: Whereabouts,
    seconds: float,
    users: tuple[Usage, ...] = (),
    lost: tuple[str, ...] = (),
) -> Problem:
    """Say that a removal did not finish in time, or that nobody can tell whether it did.

    `users` are others who use what is left of it, `lost` the nodes, NODE@SITE, where it was last
    seen and that nobody can see.
    """
    unknown = there.presence is Presence.UNKNOWN
    look = f"docker stack ps {unit.stack}   # on {unit.site}'s manager"
    remedy = there.remedy or next((usage.release for usage in users if usage.release), "")
    return Problem(
        code="removal.unknown" if unknown else "removal.unfinished",
        what=(
            f"nobody can tell whether {unit} is gone"
            if unknown
            else f"{unit} is still there {seconds:.0f} s after its removal began"
        ),
        exit_code=ExitCode.OUTCOME_UNKNOWN if unknown else ExitCode.REMOVAL_UNFINISHED,
        where=where(unit),
        evidence=(*there.evidence, *(f"{usage} ({usage.look()})" for usage in users)),
        fix=_way_on(lost, f"{remedy or look}; then repeat the command"),
        state_left=f"{unit} is being removed; what depends on nothing of it was not touched",
        runbook="stack-does-not-go-away",
        retry=_answering(lost),
    )


def removal_failed(unit: Unit, words: str) -> Problem:
    """Docker answered a removal with a refusal."""
    return Problem(
        code="removal.failed",
        what=f"Docker refused to remove {unit}",
        exit_code=ExitCode.REMOVAL_UNFINISHED,
        where=where(unit),
        evidence=(words,),
        fix=typed("status", "--site", unit.site),
        state_left=f"part of {unit} may be left",
        runbook="stack-does-not-go-away",
    )


def deploy_failed(unit: Unit, words: str) -> Problem:
    """`docker stack deploy` ended with an error."""
    return Problem(
        code="deploy.failed",
        what=f"docker stack deploy of {unit} failed",
        exit_code=ExitCode.UNHEALTHY,
        where=where(unit),
        evidence=tuple(line for line in words.splitlines() if line.strip()),
        fix=f"mend the cause, then {typed('up', unit)}",
        state_left=f"part of {unit} may be deployed",
        runbook="service-not-healthy",
    )


def deployed_otherwise(unit: Unit, differences: tuple[str, ...]) -> Problem:
    """Say that the Swarm holds something else than the compose file says."""
    return Problem(
        code="deploy.differs",
        what=f"{unit} was deployed, and is not what its compose file says",
        exit_code=ExitCode.UNHEALTHY,
        where=where(unit),
        evidence=differences[:_DIFFERENCES],
        fix=f"docker version   # at {unit.site}: too old for it? Then, once it is not:"
        f"\n{typed('up', unit)}",
        state_left=f"{unit} is deployed, what depends on it was not started",
        runbook="service-not-healthy",
    )


def deploy_unknown(unit: Unit, words: str) -> Problem:
    """Say that the answer of a deploy was lost and looking did not tell either."""
    return Problem(
        code="deploy.unknown",
        what=f"nobody can tell whether {unit} was deployed",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=where(unit),
        evidence=(words,) if words else (),
        fix=f"{typed('status', '--site', unit.site)}, then {typed('up', unit)}",
        state_left=f"{unit} may be deployed in part",
        runbook="run-stopped-half-way",
    )


def site_lost(unit: Unit, cause: Problem) -> Problem:
    """Say that a unit could not be brought up because its site was lost in the middle."""
    return Problem(
        code="deploy.site-lost",
        what=f"{unit.site} was lost before {unit} was seen healthy",
        exit_code=ExitCode.UNHEALTHY,
        where=where(unit),
        evidence=(cause.what, *cause.evidence),
        fix=f"once {unit.site} answers: {typed('up', '--owed')}",
        state_left=f"{unit} may be gone, or deployed in part",
        runbook="site-unreachable",
    )


def never_reached(unit: Unit, cause: Problem) -> Problem:
    """Say that a unit was not brought up, since its site was away before its turn and still is."""
    return replace(
        site_lost(unit, cause),
        what=f"{unit.site} was never reached, and {unit} not brought up",
        state_left=f"{unit} is as the run left it before",
    )


def unhealthy(unit: Unit, health: Health, extra: tuple[str, ...], seconds: float) -> Problem:
    """Say that a unit did not become, or did not stay, healthy."""
    first = health.reasons[0] if health.reasons else None
    final = any(reason.final for reason in health.reasons)
    how = "will not become healthy" if final else f"is not healthy after {seconds:.0f} s"
    return Problem(
        code="deploy.unhealthy",
        what=f"{unit} {how}",
        exit_code=ExitCode.UNHEALTHY,
        where=Where(
            site=unit.site,
            stack=unit.stack,
            service=first.service if first else "",
            task=first.task if first else "",
            node=first.node if first else "",
        ),
        evidence=tuple(str(reason) for reason in health.reasons) + extra,
        fix=f"docker service ps --no-trunc SERVICE   # at {unit.site}; then:\n{typed('up', unit)}",
        state_left=f"{unit} is deployed, {health.running} of {health.expected} tasks run",
        runbook="service-not-healthy",
    )
