"""What somebody should know before saying yes: dangers, and what nothing can undo. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.history import JOBS
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.history import History, assess
from orchestrator.planning.left_behind import left_behind
from orchestrator.planning.plan import Action, Plan
from orchestrator.planning.scope import look_before
from orchestrator.sources.lineage import Descent, Lineage
from orchestrator.sources.model import Sourced

_SHORT = 10
_SSH = 22


def with_hazards(
    inventory: Inventory,
    plan: Plan,
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
    lineages: Iterable[Lineage],
    history: History,
) -> Plan:
    """Return the plan with its risk, its dangers and what no rollback undoes.

    Args:
        inventory: everything that is declared.
        plan: what is to be done.
        looks: a look at every contacted site, the same that the plan was made from.
        sourced: what is to run, of each unit whose files were read.
        lineages: of each repository that is deployed from, how its revision stands to what runs.
        history: the runs that this machine remembers.

    """
    known = tuple(lineages)
    return replace(
        plan,
        risk=assess(plan, history),
        warnings=(*plan.warnings, *_run_again(plan, sourced)),
        dangers=(
            *plan.dangers,
            *_unusual(known),
            *_unmet(inventory, plan, looks),
            *_over_ssh(plan, looks, sourced),
        ),
        no_way_back=(
            *left_behind(plan, looks, sourced),
            *_astray(plan, known),
            *_unknown_formers(plan),
        ),
    )


def _unusual(lineages: tuple[Lineage, ...]) -> Iterator[str]:
    for line in lineages:
        if not line.usual:
            yield f"{line.revision} is not on {line.ref}, which sites.yaml names"


def _unmet(inventory: Inventory, plan: Plan, looks: Mapping[str, Look]) -> Iterator[str]:
    """Name what is needed, is not deployed by this plan, and is not healthy."""
    deployed = {item.unit for item in plan.units if item.after and item.action is not Action.KEEP}
    needing: dict[Unit, list[Unit]] = {}
    for unit in deployed:
        for below in inventory.needs.get(unit, ()):
            if below not in deployed and below.site in looks:
                needing.setdefault(below, []).append(unit)
    for below, units in sorted(needing.items()):
        seen = look_before(below, inventory.spec(below), looks[below.site])
        if seen.verdict is Verdict.HEALTHY and seen.presence is Presence.PRESENT:
            continue
        state = seen.verdict.value if seen.verdict else seen.presence.value
        state = "gone" if seen.presence is Presence.GONE else state
        why = f" ({seen.words[0]})" if seen.words else ""
        yield f"{below} is {state}{why}: {_named(units)} will not be deployed without it"


def _run_again(plan: Plan, sourced: Mapping[Unit, Sourced]) -> Iterator[str]:
    """Name jobs that are there and that Docker will run again, as it does at every deploy."""
    for item in plan.units:
        if item.action not in (Action.UP, Action.UPDATE) or item.unit not in sourced:
            continue
        there = set(item.before.services)
        services = sourced[item.unit].desired.services
        if jobs := [s.name for s in services if s.mode in JOBS and s.name in there]:
            again = f"{', '.join(jobs)} of {item.unit} will run again"
            yield f"{again}: Docker runs the jobs of a stack at every deploy"


def _over_ssh(
    plan: Plan, looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> Iterator[str]:
    """Name units that take port 22 of nodes that nobody looks at; preflight asks the manager's."""
    for unit in (item.unit for item in plan.units if item.action.deploys and item.unit in sourced):
        look = looks.get(unit.site)
        alone = isinstance(look, Sight) and len(look.nodes) == 1
        takes = any(
            (port.port, port.protocol, port.mode) == (_SSH, "tcp", "ingress")
            for service in sourced[unit].desired.services
            for port in service.ports
        )
        if takes and not alone:
            yield f"{unit} takes port {_SSH} on every node: a login by SSH on {_SSH} ends there"


def _unknown_formers(plan: Plan) -> Iterator[str]:
    """Name what runs, is touched, and could not be deployed again as it is now."""
    lost = [
        item.unit
        for item in plan.units
        if item.action is not Action.KEEP
        and item.before.presence is Presence.PRESENT
        and item.before.revision in ("", MIXED)
    ]
    if lost:
        yield f"nobody knows the former revision of {_named(lost)}: no rollback brings it back"


def _astray(plan: Plan, lineages: tuple[Lineage, ...]) -> Iterator[str]:
    for line in lineages:
        for old, descent in line.descents:
            if descent not in (Descent.BACK, Descent.SIDEWAYS):
                continue
            units = [
                item.unit
                for item in plan.units
                if item.after == line.revision and item.before.revision == old
            ]
            yield (
                f"{line.revision} is {descent.value} than {old[:_SHORT]}, which runs:"
                f" {_named(units)} may meet data that it does not know"
            )


def _named(units: Iterable[Unit]) -> str:
    every = sorted(units)
    some = ", ".join(str(unit) for unit in every[:3])
    return some if len(every) <= 3 else f"{some} and {len(every) - 3} more"  # noqa: PLR2004 - three are shown
