"""What a plan risks: asked of git and of this machine's journals, judged in planning."""

from collections.abc import Mapping

from orchestrator.cli.past import read_history
from orchestrator.cli.wiring import World
from orchestrator.fleet.observed import Look
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Unit
from orchestrator.planning.hazards import with_hazards
from orchestrator.planning.plan import Action, Plan
from orchestrator.sources.model import Sourced


def priced(
    world: World, plan: Plan, looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> Plan:
    """Return the plan with its risk, its dangers and what cannot be undone."""
    return with_hazards(
        world.inventory,
        plan,
        looks=looks,
        sourced=sourced,
        lineages=world.checkout.lineages(_running(world, plan)),
        history=read_history(world.journals),
    )


def _running(world: World, plan: Plan) -> dict[str, list[str]]:
    """Return, for each repo that is deployed from, the full SHAs of it that run."""
    shas: dict[str, list[str]] = {}
    for item in plan.units:
        if item.after is None or item.action is Action.KEEP:
            continue
        known = shas.setdefault(world.inventory.spec(item.unit).repo, [])
        if item.before.revision not in ("", MIXED, *known):
            known.append(item.before.revision)
    return shas
