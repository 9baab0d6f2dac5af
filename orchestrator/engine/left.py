from collections.abc import Mapping

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.scope import look_before


def unwell(
    inventory: Inventory, left: Mapping[Unit, Unit], looks: Mapping[str, Look]
) -> dict[Unit, str]:
    """Return the units that a way back leaves as they are, and that are not well, with why.

    `left` are those units, each with the one that would have been lost.
    """
    return {
        unit: f"could not be brought back: {other} would have been lost"
        for unit, other in left.items()
        if not _is_well(inventory, unit, looks)
    }


def _is_well(inventory: Inventory, unit: Unit, looks: Mapping[str, Look]) -> bool:
    now = look_before(unit, inventory.spec(unit), looks[unit.site])
    return now.verdict is Verdict.HEALTHY
