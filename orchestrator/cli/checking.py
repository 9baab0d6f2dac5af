"""`dtdeploy inventory check --sources`: what the compose files say that the inventory does not."""

from orchestrator.cli.wiring import World
from orchestrator.errors import Problem
from orchestrator.inventory.model import SiteState
from orchestrator.planning.sharing import unsaid_uses, with_declared_uses


def unsaid(world: World) -> tuple[Problem, ...]:
    """Return, as warnings, every use of what another unit makes that no `depends_on` covers.

    Raises:
        SourceError: a repo cannot be fetched, what it holds cannot be deployed, or units need
            each other.

    """
    inventory = world.inventory
    units = [s.unit for s in inventory.units if inventory.state(s.unit) is SiteState.ACTIVE]
    world.checkout.begin([inventory.spec(unit).repo for unit in units], {})
    read = world.checkout.read(units)
    return unsaid_uses(with_declared_uses(inventory, read, read, {}))
