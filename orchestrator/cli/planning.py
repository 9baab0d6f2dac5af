"""From what was typed to a plan: look at the fleet, fetch the repos, decide."""

from collections.abc import Mapping

from orchestrator.cli.pricing import priced
from orchestrator.cli.wiring import World
from orchestrator.engine.gather import look_at
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Command
from orchestrator.planning.planner import make_plan
from orchestrator.planning.scope import make_scope
from orchestrator.planning.selection import Request, dependencies, dependents, select
from orchestrator.procedures.book import Book


def make_book(world: World, command: Command, request: Request, refs: Mapping[str, str]) -> Book:
    """Plan `command`: the fleet is looked at while the repos are fetched.

    Raises:
        UsageError, RefusedError: the selection makes no sense, or is not ours to change.
        SourceError: a repo cannot be fetched, or what it holds cannot be deployed.

    """
    inventory = world.inventory
    chosen = frozenset(select(inventory, request))
    if command is not Command.DOWN:
        world.checkout.begin(_repos(inventory, chosen), refs)
    looks = look_at(world.backend, contacted(inventory))
    pins = {} if command is Command.DOWN else world.checkout.pins()
    scope = make_scope(inventory, command, request, looks, pins)
    sourced = world.checkout.read(scope.to_read) if scope.to_read else {}
    plan = make_plan(
        inventory, command=command, request=request, scope=scope, looks=looks, sourced=sourced
    )
    plan = priced(world, plan, looks)
    return Book(run=world.run_id, inventory=inventory, plan=plan, sourced=sourced)


def contacted(inventory: Inventory) -> tuple[str, ...]:
    """Return every site that may be contacted."""
    return tuple(site.name for site in inventory.sites if site.state is not SiteState.PLANNED)


def _repos(inventory: Inventory, chosen: frozenset[Unit]) -> list[str]:
    """Return the repos of all that may be acted on: safety may drag in more than was chosen."""
    may = chosen | dependents(inventory, chosen) | dependencies(inventory, chosen)
    return [spec.repo for spec in inventory.units if spec.unit in may]
