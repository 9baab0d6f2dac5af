"""What goes down with units that go down, although nobody named it."""

from collections.abc import Mapping

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Before
from orchestrator.planning.selection import dependencies, dependents
from orchestrator.planning.sharing import told


def dragged_in(
    inventory: Inventory, going: frozenset[Unit], before: Mapping[Unit, Before]
) -> dict[Unit, str]:
    """Return everything that depends on `going` and may still be there, and why it goes too."""
    uses = told(inventory)
    above = dependents(inventory, going)
    down = going | above
    return {
        unit: f"depends on {_causes(inventory, unit, going)}{_uses(uses, unit, down)}"
        for unit in above
        if inventory.state(unit) is SiteState.ACTIVE and before[unit].presence is not Presence.GONE
    }


def _uses(uses: Mapping[tuple[Unit, Unit], str], unit: Unit, down: frozenset[Unit]) -> str:
    words = [said for (user, maker), said in uses.items() if user == unit and maker in down]
    return f" ({'; '.join(words)})" if words else ""


def _causes(inventory: Inventory, unit: Unit, going: frozenset[Unit]) -> str:
    below = dependencies(inventory, frozenset({unit})) & going
    return ", ".join(str(cause) for cause in sorted(below))
