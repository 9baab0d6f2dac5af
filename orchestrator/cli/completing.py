"""The names that shell completion offers."""

from pathlib import Path

from orchestrator.errors import DtdeployError
from orchestrator.inventory.load import load_inventory


def complete(path: Path, what: str) -> list[str]:
    """Return all sites, stacks or units of the inventory at `path`; none if it is invalid."""
    try:
        inventory = load_inventory(path)
    except DtdeployError:
        return []
    names = {
        "site": [site.name for site in inventory.sites],
        "stack": sorted({spec.unit.stack for spec in inventory.units}),
        "unit": [str(spec.unit) for spec in inventory.units],
    }
    return names[what]
