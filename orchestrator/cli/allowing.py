"""Before anything disruptive: whether a freeze holds, and whether the guards agree."""

from orchestrator.cli.guards import leave_out
from orchestrator.cli.wiring import World
from orchestrator.errors import RefusedError, UsageError
from orchestrator.fleet.freeze import frozen
from orchestrator.planning.holding_off import (
    Weather,
    disruptive,
    objections,
    override_problems,
    under,
)
from orchestrator.planning.plan import Override, Plan


def check_override(world: World, override: Override) -> None:
    """Raise UsageError when an override names no guard that there is, or gives no reason."""
    if problems := override_problems(world.inventory, override):
        raise UsageError(problems)


def weathered(world: World, plan: Plan, override: Override, *, ask: bool = True) -> Plan:
    """Return `plan` with the freezes that hold now and what the guards say.

    Guards are asked only about what disturbs somebody, and not at all unless `ask`.
    """
    if not disruptive(plan):
        return plan
    asking = world.ask_guard if ask else leave_out
    inventory = world.inventory
    weather = Weather(
        frozen=frozen(inventory.freezes, world.wall()),
        guards=tuple(asking(guard) for guard in inventory.guards),
    )
    return under(plan, weather, override)


def must_be_allowed(plan: Plan) -> None:
    """Raise RefusedError (20) when a freeze holds or a guard objects, and nobody overrode it."""
    if problems := objections(plan):
        raise RefusedError(problems)
