"""Logins that may only look: a run is refused before it asks anybody or takes the lock."""

from orchestrator.cli.wiring import World
from orchestrator.errors import FleetError
from orchestrator.planning.plan import Action, Plan
from orchestrator.swarm.problems import look_only


def must_be_let_act(world: World, plan: Plan | None = None) -> None:
    """Let a run of `plan` pass, or without one whatever changes the lock alone.

    A plan itself does not say so: whoever carries it out may log in as somebody else.

    Raises:
        FleetError: the login at the coordinator, or at a site of the plan, may only look (13).

    """
    acted = [] if plan is None else [i for i in plan.units if i.action is not Action.KEEP]
    sites = dict.fromkeys((world.inventory.coordinator, *(item.unit.site for item in acted)))
    if denied := [look_only(site) for site in sites if world.looks_only(site)]:
        raise FleetError(denied)
