"""From one look at every site to the rows of a status screen."""

from collections.abc import Mapping

from orchestrator.cli.planning import contacted
from orchestrator.cli.wiring import World
from orchestrator.engine.gather import look_at
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Unseen
from orchestrator.fleet.presence import Presence, undeclared_stacks
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.plan import Before
from orchestrator.planning.scope import look_before
from orchestrator.planning.selection import Request, check_names
from orchestrator.ui.status_view import Fleet, StatusRow


def fleet_status(world: World, only: tuple[str, ...] = ()) -> Fleet:
    """Look at every site, or those of `only`, side by side and judge every unit there.

    Raises:
        UsageError: a site is unknown.

    """
    check_names(world.inventory, Request(sites=only))
    sites = [name for name in contacted(world.inventory) if not only or name in only]
    return judge_fleet(world.inventory, look_at(world.backend, sites))


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
    """Whether there is nothing to do: every unit healthy, nothing undeclared."""
    well = all(row.verdict is Verdict.HEALTHY and not row.words for row in fleet.rows)
    return well and not fleet.undeclared and not fleet.unreachable


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
