"""The plan that brings back what ran before a run: only what differs now, in the safe order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.running import FORMER_GONE, MIXED, Origin, origin
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.pinning import former_images
from orchestrator.planning.plan import Action, Before, Command, Override, Plan, UnitPlan
from orchestrator.planning.planner import healthy_seconds, remove_seconds
from orchestrator.planning.progress import Mark, UnitProgress
from orchestrator.planning.risk import Risk
from orchestrator.planning.scope import look_before
from orchestrator.planning.selection import dependencies, dependents
from orchestrator.planning.sharing import around
from orchestrator.planning.steps import plan_steps, restore_steps
from orchestrator.sources.model import Sourced


@dataclass(frozen=True, slots=True, kw_only=True)
class Formers:
    """What ran before a run: revisions to go back to, and units of which nobody knows one.

    `releases` are the digests of the files, of those where what ran said so.
    """

    revisions: Mapping[Unit, Revision]
    releases: Mapping[Unit, str]
    unknown: tuple[Unit, ...]


def formers(inventory: Inventory, plan: Plan) -> Formers:
    """Return what ran before `plan` was carried out, by what was seen when it was made.

    What the plan kept as it was counts too: it may have to go down with what it depends on.
    """
    ran = [p for p in plan.units if _ran(p.before)]
    known = [p for p in ran if p.before.revision not in ("", MIXED)]
    return Formers(
        revisions={
            p.unit: Revision(repo=inventory.spec(p.unit).repo, sha=p.before.revision) for p in known
        },
        releases={p.unit: p.before.release for p in known if p.before.release not in ("", MIXED)},
        unknown=tuple(p.unit for p in ran if p not in known and p.action is not Action.KEEP),
    )


def restore_plan(
    inventory: Inventory,
    plan: Plan,
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
    selection: str,
) -> Plan:
    """Return the plan that brings every unit of `plan` back to what it was before it.

    Args:
        inventory: everything that is declared.
        plan: the plan to undo.
        looks: a look, now, at every site of it and of what depends on its units.
        sourced: for each unit that ran, desired state and release at its former revision.
        selection: what was asked for, in words.

    """
    now = {
        p.unit: look_before(p.unit, inventory.spec(p.unit), looks[p.unit.site]) for p in plan.units
    }
    actions = {p.unit: _action(p, now[p.unit], sourced) for p in plan.units}
    harmful = _harmful(inventory, plan, actions, looks=looks, sourced=sourced)
    actions = {unit: Action.KEEP if unit in harmful else a for unit, a in actions.items()}
    actions = _with_dependents(inventory, actions, now)
    units = tuple(
        _restored(inventory, p, actions[p.unit], now[p.unit], looks=looks, sourced=sourced)
        for p in plan.units
    )
    return replace(
        plan,
        command=Command.ROLLBACK,
        selection=selection,
        revisions=tuple(sorted({s.release.revision for s in sourced.values()})),
        units=units,
        steps=restore_steps(inventory, units),
        dangers=(),
        unseen=(),
        risk=Risk(),
        no_way_back=(),
        frozen=(),
        guards=(),
        override=Override(),
        uses=around(inventory, now),
    )


def restored_so_far(
    inventory: Inventory, plan: Plan, looks: Mapping[str, Look]
) -> tuple[UnitProgress, ...]:
    """Judge how far a run that brings back what ran before `plan` has come.

    Args:
        inventory: everything that is declared.
        plan: the plan that is undone.
        looks: a look at every site of it, now.

    """
    return tuple(
        _so_far(item, look_before(item.unit, inventory.spec(item.unit), looks[item.unit.site]))
        for item in plan.units
        if item.action is not Action.KEEP
    )


def _so_far(item: UnitPlan, now: Before) -> UnitProgress:
    mark, words = _standing(item, now)
    return UnitProgress(unit=item.unit, mark=mark, words=words, done=frozenset())


def _standing(item: UnitPlan, now: Before) -> tuple[Mark, str]:
    if now.presence is Presence.UNKNOWN:
        return Mark.UNKNOWN, "cannot be seen"
    if not _ran(item.before):
        gone = now.presence is Presence.GONE
        return (Mark.DONE, "gone, as before") if gone else (Mark.TODO, "to be taken down again")
    if item.before.revision in ("", MIXED):
        return Mark.UNKNOWN, "nobody knows at which revision it ran"
    if _as_before(item, now):
        return Mark.DONE, "back at what ran before"
    return Mark.TODO, "to be brought back to what ran before"


def plan_from_labels(inventory: Inventory, run: str, looks: Mapping[str, Look]) -> Plan | None:
    """Make up, from what services say of themselves, the plan that a finished run carried out.

    It holds the units whose services `run` deployed, each with what ran before, as `formers` and
    `restore_plan` need it. What the run only took down left no trace.

    Args:
        inventory: everything that is declared.
        run: its id.
        looks: a look at every contacted site.

    Returns:
        None when nothing that can be seen was deployed by `run`.

    """
    units = tuple(
        _undone(inventory, spec.unit, there, now=look_before(spec.unit, spec, look))
        for spec in inventory.units
        if inventory.state(spec.unit) is SiteState.ACTIVE
        and isinstance(look := looks[spec.unit.site], Sight)
        and (there := origin(spec.unit, look)).run == run
    )
    if not units:
        return None
    return Plan(
        command=Command.RESTART,
        selection=f"run {run}",
        coordinator=inventory.coordinator,
        revisions=(),
        units=units,
        steps=(),
    )


def _undone(inventory: Inventory, unit: Unit, there: Origin, *, now: Before) -> UnitPlan:
    """Return a unit as it was before; which services it had then is taken to be as now."""
    was = replace(now, revision=there.former, release=there.former_release, images=())
    if there.former == FORMER_GONE:
        was = Before(presence=Presence.GONE)
    return _acted(inventory, unit, was)


def _acted(inventory: Inventory, unit: Unit, before: Before) -> UnitPlan:
    spec = inventory.spec(unit)
    return UnitPlan(
        unit=unit,
        action=Action.RESTART,
        reason="",
        before=before,
        compose=spec.compose,
        dependents=tuple(sorted(dependents(inventory, frozenset({unit})))),
        dependencies=tuple(sorted(dependencies(inventory, frozenset({unit})))),
    )


def with_dependents_of_now(inventory: Inventory, plan: Plan, looks: Mapping[str, Look]) -> Plan:
    """Add what depends on the units of a finished run's plan and runs now, to stay as it is.

    It was not part of that run, and has to go down and come up with what it depends on.
    """
    acted = frozenset(item.unit for item in plan.units if item.action is not Action.KEEP)
    known = {item.unit for item in plan.units if item.action is not Action.KEEP}
    now = {
        spec.unit: look_before(spec.unit, spec, looks[spec.unit.site])
        for spec in inventory.units
        if spec.unit in dependents(inventory, acted) - known
        and inventory.state(spec.unit) is SiteState.ACTIVE
    }
    more = tuple(
        _acted(inventory, unit, before)
        for unit, before in now.items()
        if before.presence is not Presence.GONE
    )
    kept = tuple(item for item in plan.units if item.unit not in {m.unit for m in more})
    return replace(plan, units=(*kept, *more))


def with_preflight(inventory: Inventory, plan: Plan) -> Plan:
    """Return the plan of a way back that begins a run of its own: examined before it acts."""
    return replace(plan, steps=plan_steps(inventory, plan.units))


def _ran(before: Before) -> bool:
    return before.presence is Presence.PRESENT and bool(before.services)


def _action(item: UnitPlan, now: Before, sourced: Mapping[Unit, Sourced]) -> Action:
    if item.action is Action.KEEP or item.before.presence is Presence.UNKNOWN:
        return Action.KEEP
    if not _ran(item.before):
        return Action.KEEP if now.presence is Presence.GONE else Action.DOWN
    if item.unit not in sourced:
        return Action.KEEP
    if now.presence is Presence.GONE or _leftovers(now):
        return Action.UP
    if _as_before(item, now):
        return Action.KEEP
    # What was changed in place is changed back in place: what needs it never went down.
    return Action.UPDATE if item.action is Action.UPDATE else Action.RESTART


def _leftovers(now: Before) -> bool:
    """Whether nothing can be taken from anybody: no service is there, only what one had."""
    return now.presence is Presence.PRESENT and not now.services


def _as_before(item: UnitPlan, now: Before) -> bool:
    return (
        now.revision == item.before.revision
        and set(item.before.services) <= set(now.services)
        and now.verdict is Verdict.HEALTHY
    )


def not_restored(
    inventory: Inventory,
    plan: Plan,
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
) -> Mapping[Unit, Unit]:
    """Return the units that `restore_plan` leaves as they are now, and what else would be lost.

    Arguments as for `restore_plan`.
    """
    actions = {
        p.unit: _action(p, look_before(p.unit, inventory.spec(p.unit), looks[p.unit.site]), sourced)
        for p in plan.units
    }
    return _harmful(inventory, plan, actions, looks=looks, sourced=sourced)


def _harmful(
    inventory: Inventory,
    plan: Plan,
    actions: Mapping[Unit, Action],
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
) -> dict[Unit, Unit]:
    """Return what cannot be taken down without losing something else for good, and what.

    That is a unit that was not there before, and that something which is to stay needs by now;
    and one that something needs of which nobody knows how to bring it back.
    """
    going = {unit for unit, action in actions.items() if action is Action.DOWN}
    again = {unit for unit, action in actions.items() if action is Action.RESTART}

    def loses(unit: Unit, other: Unit) -> bool:
        if other in going or _stays_gone(other, plan, actions, looks):
            return False
        return unit in going or other not in sourced

    found = {
        unit: [o for o in sorted(dependents(inventory, frozenset({unit}))) if loses(unit, o)]
        for unit in going | again
    }
    return {unit: lost[0] for unit, lost in found.items() if lost}


def _stays_gone(
    unit: Unit, plan: Plan, actions: Mapping[Unit, Action], looks: Mapping[str, Look]
) -> bool:
    """Whether `unit` is not there and will not be, as far as anybody can tell or wants to know."""
    if actions.get(unit, Action.KEEP) is not Action.KEEP:
        return False
    if unit.site not in looks:
        return True
    there = whereabouts(unit, looks[unit.site])
    return there.gone or (unit in plan.accepted and there.presence is Presence.UNKNOWN)


def _with_dependents(
    inventory: Inventory, actions: Mapping[Unit, Action], now: Mapping[Unit, Before]
) -> dict[Unit, Action]:
    """Take down with a unit all that depends on it and is there, and bring it back too.

    What is left of one that has no service any more is in the way as well.
    """
    removed = frozenset(unit for unit, action in actions.items() if action.removes)
    below = dependents(inventory, removed)
    dragged = {
        unit: Action.RESTART
        for unit, action in actions.items()
        if action in (Action.KEEP, Action.UP)
        and unit in below
        and now[unit].presence is not Presence.GONE
    }
    return {**actions, **dragged}


def _restored(
    inventory: Inventory,
    item: UnitPlan,
    action: Action,
    now: Before,
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
) -> UnitPlan:
    spec, source = inventory.spec(item.unit), sourced.get(item.unit)
    deploys = action.deploys and source is not None
    removes = action.removes
    return replace(
        item,
        action=action,
        reason="back to what ran before" if action is not Action.KEEP else "as it was before",
        before=now,
        dependents=tuple(sorted(dependents(inventory, frozenset({item.unit})))),
        dependencies=tuple(sorted(dependencies(inventory, frozenset({item.unit})))),
        after=source.release.revision if deploys and source else None,
        services=tuple(s.name for s in source.desired.services) if source else (),
        commands=(),
        remove_seconds=remove_seconds(spec, looks[item.unit.site]) if removes else 0.0,
        healthy_seconds=healthy_seconds(spec, source) if source else 0.0,
        dangers=(),
        images=former_images(item.before.images, source.desired) if deploys and source else (),
        release=source.release.digest if deploys and source else "",
    )
