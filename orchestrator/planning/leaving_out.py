"""What it means to leave a site out: which units become owed, and when it must be refused."""

from collections.abc import Mapping

from orchestrator.errors import ExitCode, Problem, RefusedError, Retry, Where
from orchestrator.fleet.observed import Look
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.lost import nodes_in_the_way
from orchestrator.planning.plan import Before, LeftOut
from orchestrator.planning.selection import Request, dependents

_RUNS = "without.runs"


def leave_out(
    inventory: Inventory,
    request: Request,
    reasons: Mapping[Unit, str],
    before: Mapping[Unit, Before],
    looks: Mapping[str, Look],
    *,
    removed: frozenset[Unit],
) -> tuple[LeftOut, ...]:
    """Return the units at the sites that `request` leaves out and that it would act on.

    Args:
        inventory: everything that is declared.
        request: what was typed; its sites in `without` are left out.
        reasons: every unit that would be acted on, left out or not, and why.
        before: what was seen of each unit.
        looks: a look at every contacted site.
        removed: the units that are taken down: what depends on them must be known to be gone.

    Raises:
        RefusedError: a unit that is left out depends on one that goes down, and it runs, or
            nobody can tell whether it runs and it was not named in `accept_unknown`.

    """
    if not request.without:
        return ()
    going = frozenset(unit for unit in removed if unit.site not in request.without)
    below = dependents(inventory, going)
    away = tuple(unit for unit in before if unit.site in request.without)
    blocking = {unit for unit in away if unit in below}
    problems = [p for u in away if u in blocking and (p := _refusal(u, before[u], request))]
    if problems:
        # Who follows that advice is to be told at once what stands in the way of it.
        sites = dict.fromkeys(p.where.site for p in problems if p.code == _RUNS)
        lost = nodes_in_the_way(inventory, [looks[site] for site in sites], frozenset(away))
        raise RefusedError((*problems, *lost))
    return tuple(
        LeftOut(
            unit=unit,
            reason=f"{request.because.strip()} ({_seen(before[unit])})",
            accepted=unit in blocking and before[unit].presence is Presence.UNKNOWN,
        )
        for unit in away
        if _owed(inventory, request, unit, reasons=reasons, blocking=blocking, before=before)
    )


def _owed(
    inventory: Inventory,
    request: Request,
    unit: Unit,
    *,
    reasons: Mapping[Unit, str],
    blocking: set[Unit],
    before: Mapping[Unit, Before],
) -> bool:
    """Whether this command would have acted on `unit`."""
    if inventory.state(unit) is not SiteState.ACTIVE:
        return unit in blocking and before[unit].presence is Presence.UNKNOWN
    meant = request.everything or unit.stack in request.stacks
    return meant or unit in reasons or (unit in blocking and not _gone(before[unit]))


def _refusal(unit: Unit, before: Before, request: Request) -> Problem | None:
    if _gone(before) or (
        before.presence is Presence.UNKNOWN and str(unit) in request.accept_unknown
    ):
        return None
    if before.presence is Presence.PRESENT:
        return Problem(
            code=_RUNS,
            what=f"{unit} runs, and what it depends on would go down under it",
            exit_code=ExitCode.SAFETY_REFUSED,
            where=Where(site=unit.site, stack=unit.stack),
            fix=f"drop {_flags(unit, request)}: the site can be seen, so its units can go down too",
            state_left="nothing was touched",
            runbook="site-unreachable",
            retry=Retry(drops=_options(unit, request), never=True),
        )
    return Problem(
        code="without.unknown",
        what=f"nobody can tell whether {unit} runs, and what it depends on would go down",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=unit.site, stack=unit.stack),
        evidence=before.words,
        fix=f"if that is acceptable, add --accept-unknown {unit}",
        state_left="nothing was touched",
        runbook="site-unreachable",
        retry=Retry(adds=(("--accept-unknown", str(unit)),), never=True),
    )


def _flags(unit: Unit, request: Request) -> str:
    return " and ".join(" ".join(option) for option in _options(unit, request))


def _options(unit: Unit, request: Request) -> tuple[tuple[str, str], ...]:
    """Return the options that leave the unit's site out; none but the first may stand alone."""
    with_it = [name for name in request.accept_unknown if name.rpartition("@")[2] == unit.site]
    return (("--without", unit.site), *(("--accept-unknown", name) for name in with_it))


def _gone(before: Before) -> bool:
    return before.presence is Presence.GONE


def _seen(before: Before) -> str:
    return {
        Presence.GONE: "not running when it was left out",
        Presence.PRESENT: "running when it was left out",
        Presence.UNKNOWN: "nobody could tell whether it runs",
    }[before.presence]
