"""What goes down with units that go down, although nobody named it."""

from collections.abc import Mapping

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Before
from orchestrator.planning.selection import dependencies, dependents


def dragged_in(
    inventory: Inventory, going: frozenset[Unit], before: Mapping[Unit, Before]
) -> dict[Unit, str]:
    """Return everything that depends on `going` and may still be there, and why it goes too."""
    return {
        unit: f"depends on {_causes(inventory, unit, going)}"
        for unit in dependents(inventory, going)
        if inventory.state(unit) is SiteState.ACTIVE and before[unit].presence is not Presence.GONE
    }


def _causes(inventory: Inventory, unit: Unit, going: frozenset[Unit]) -> str:
    below = dependencies(inventory, frozenset({unit})) & going
    return ", ".join(str(cause) for cause in sorted(below))
