"""From one look at every site to the rows of a status screen."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.cli.meeting import holding_of, understand
from orchestrator.cli.planning import contacted
from orchestrator.cli.wiring import World
from orchestrator.engine.gather import gather
from orchestrator.errors import Problem, RefusedError
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.presence import Presence, undeclared_stacks
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.plan import Before
from orchestrator.planning.scope import look_before
from orchestrator.planning.selection import Request, check_names
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import Observe, ReadConfig, StoredConfig
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.lock import read_lock
from orchestrator.procedures.owed import OWED, Owed, read_owed
from orchestrator.ui.status_view import Fleet, StatusRow

T = TypeVar("T")


def fleet_status(world: World, only: tuple[str, ...] = ()) -> Fleet:
    """Look at every site, or those of `only`, side by side and judge every unit there.

    Raises:
        UsageError: a site is unknown.

    """
    check_names(world.inventory, Request(sites=only))
    home = world.inventory.coordinator
    sites = [name for name in contacted(world.inventory) if not only or name in only]
    reads = [ReadConfig(site=home, name=LOCK), ReadConfig(site=home, name=OWED)]
    lock, owed, *looks = gather(world.backend, [*reads, *(Observe(site=s) for s in sites)])
    seen = {look.site: look for look in looks if isinstance(look, Sight | Unseen)}
    fleet = judge_fleet(world.inventory, seen)
    fleet = _with_lock(world, fleet, concluded(read_lock(home), lock))
    return _with_owed(world, fleet, concluded(read_owed(home), owed), only)


def concluded(asking: Asking[T], answer: object) -> T:
    """Return what a procedure that asks once makes of an answer that is there already."""
    next(asking)
    try:
        asking.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    raise TypeError("it asks more than once")


def _with_lock(world: World, fleet: Fleet, lock: StoredConfig | Problem | None) -> Fleet:
    """Add who holds the lock, or why nobody can tell."""
    if lock is None:
        return fleet
    if isinstance(lock, Problem):
        return _untold(fleet, lock)
    try:
        return replace(fleet, holding=holding_of(world, understand(lock).hold))
    except RefusedError as error:
        return _untold(fleet, *error.problems)


def _with_owed(
    world: World, fleet: Fleet, owed: tuple[Owed, ...] | Problem, only: tuple[str, ...]
) -> Fleet:
    if isinstance(owed, Problem):
        return _untold(fleet, owed)
    chosen = tuple(item for item in owed if not only or item.unit.site in only)
    return replace(fleet, owed=chosen, now=world.wall())


def _untold(fleet: Fleet, *problems: Problem) -> Fleet:
    """Add problems that are not told by a look at the same site already."""
    known = {(problem.code, problem.where) for problem in fleet.unreachable}
    new = tuple(p for p in problems if (p.code, p.where) not in known)
    return replace(fleet, unreachable=fleet.unreachable + new)


def judge_fleet(inventory: Inventory, looks: Mapping[str, Look]) -> Fleet:
    """Judge every unit at every contacted site by one look at each."""
    return Fleet(
        rows=tuple(
            _row(inventory, spec, looks[spec.unit.site])
            for spec in inventory.units
            if spec.unit.site in looks
        ),
        undeclared=tuple(
            Unit(stack=stack, site=site)
            for site, look in looks.items()
            for stack in undeclared_stacks(
                look,
                managed_prefix=inventory.managed_prefix,
                declared=frozenset(s.unit.stack for s in inventory.units if s.unit.site == site),
            )
        ),
        unreachable=tuple(look.problem for look in looks.values() if isinstance(look, Unseen)),
        planned=tuple(site.name for site in inventory.sites if site.state is SiteState.PLANNED),
    )


def fully_healthy(fleet: Fleet) -> bool:
    """Whether there is nothing to do: every unit healthy, nothing undeclared, nothing owed."""
    well = all(row.verdict is Verdict.HEALTHY and not row.words for row in fleet.rows)
    return well and not fleet.undeclared and not fleet.unreachable and not fleet.owed


def _row(inventory: Inventory, spec: UnitSpec, look: Look) -> StatusRow:
    before = look_before(spec.unit, spec, look)
    return StatusRow(
        unit=spec.unit,
        site_state=inventory.state(spec.unit),
        presence=before.presence,
        verdict=before.verdict if before.presence is not Presence.GONE else None,
        running=before.running,
        expected=before.expected,
        revision=before.revision,
        words=before.words + lacking(spec, before),
    )


def lacking(spec: UnitSpec, before: Before) -> tuple[str, ...]:
    """Return, in words, the services that operators rely on and that do not exist."""
    if before.presence is not Presence.PRESENT:
        return ()
    missing = [name for name in spec.must_have if name not in before.services]
    return (f"lacks {', '.join(missing)}",) if missing else ()
