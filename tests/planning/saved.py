"""A saved plan of two sites, for tests to save, alter and hold against what is there later."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.fleet.observed import Look, Service, Sight
from orchestrator.fleet.running import LABEL_REVISION
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command, Plan
from orchestrator.planning.plan_file import SavedPlan
from orchestrator.planning.planner import make_plan
from orchestrator.planning.saving import make_saved
from orchestrator.planning.scope import make_scope
from orchestrator.planning.selection import Request
from orchestrator.sources.model import Sourced
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    SHA,
    inventory,
    service,
    sight,
    sourced,
    task,
)

NOW = 1.8e9
PIN = Revision(repo="app", sha=SHA)
ASKED = Asked(command=Command.RESTART, request=Request(everything=True))


def looks(**changed: Look) -> dict[str, Look]:
    """Return both sites with all that is declared running, but for what is `changed`."""
    return {"home": running(SERVER, DAEMONS, HOME_CLIENT), "far": running(CLIENT)} | changed


def running(*units: Unit) -> Sight:
    """Show units at one site, each with one healthy service that this repo's SHA brought."""
    labels = ((LABEL_REVISION, SHA),)
    return sight(
        units[0].site,
        services=tuple(service("web", u.stack, labels=labels, image="app:1") for u in units),
        tasks=tuple(task("web", u.stack) for u in units),
    )


def with_service(look: Sight, **other: object) -> Sight:
    """Return the sight with its first service changed."""
    first, *rest = look.services
    changed: Service = replace(first, **other)  # type: ignore[arg-type]  # the caller's own
    return replace(look, services=(changed, *rest))


def planned(
    asked: Asked = ASKED,
    *,
    seen: Mapping[str, Look] | None = None,
    of: Inventory | None = None,
) -> tuple[Plan, dict[Unit, Sourced]]:
    """Plan what is asked for."""
    declared, sights = of or inventory(), seen or looks()
    scope = make_scope(declared, asked.command, asked.request, sights, {"app": PIN})
    read = {unit: sourced(unit) for unit in scope.to_read}
    plan = make_plan(
        declared,
        command=asked.command,
        request=asked.request,
        scope=scope,
        looks=sights,
        sourced=read,
    )
    return plan, read


def saved_plan(
    asked: Asked = ASKED, *, seen: Mapping[str, Look] | None = None, of: Inventory | None = None
) -> SavedPlan:
    """Plan what is asked for, and save it for an hour."""
    plan, read = planned(asked, seen=seen, of=of)
    return make_saved(
        of or inventory(),
        asked,
        plan,
        looks=seen or looks(),
        pins={"app": PIN},
        sourced=read,
        images={"app:1": "sha256:" + "1" * 64},
        name="plan-1",
        creator="ann@desk",
        now=NOW + 0.7,
        lifetime=3600.0,
    )
