"""The graph of a plan: preflight everywhere, then down from the leaves, then up from the roots."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.graph import waves
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Action, Plan, Step, StepKind, UnitPlan

EXAMINED = "gate: preflight passed"
PREPARED = "gate: releases and images in place"
ANNOUNCED = "announce downtime"
STILL_FIT = "gate: still fit"
_EXAMINE_SECONDS = 60.0
_PREPARE_SECONDS = 900.0
_ANNOUNCE_SECONDS = 90.0
"""For proving that the lock is held, sending, and the time-outs of both."""


def plan_steps(
    inventory: Inventory,
    units: tuple[UnitPlan, ...],
    *,
    without: frozenset[str] = frozenset(),
) -> tuple[Step, ...]:
    """Build the steps of a plan. Sites in `without` get none.

    Every removal waits for both gates, so nothing is touched before every site has passed
    preflight (S3), nor before a downtime that has to be announced is. A unit's removal waits
    for that of all its dependents (S1), its deploy for that of all its dependencies (S2) and
    for its own removal.
    """
    acted = tuple(planned for planned in units if planned.action is not Action.KEEP)
    if not acted:
        return ()
    planned = {item.unit: item for item in acted}
    sites = tuple(s for s in _sites(inventory, acted) if s not in without)
    here = frozenset(item.unit.site for item in acted)
    prepared = _ordered(inventory, (item.unit.site for item in acted if _deploys(item)))
    steps = (
        *(_examine(site, here) for site in sites),
        _gate(EXAMINED, tuple(f"examine {site}" for site in sites), inventory.coordinator),
        *(_prepare(site) for site in prepared),
        _gate(
            PREPARED, (EXAMINED, *(f"prepare {site}" for site in prepared)), inventory.coordinator
        ),
        *(_remove(item, planned) for item in acted if _removes(item)),
        *(_deploy(item, planned) for item in acted if _deploys(item)),
        *(_settle(inventory, item) for item in acted if _deploys(item)),
    )
    down = tuple(item.unit for item in acted if must_be_announced(inventory, item))
    return _announcing(steps, inventory.coordinator, down) if down else steps


def must_be_announced(inventory: Inventory, item: UnitPlan) -> bool:
    """Whether the plan takes a unit down whose stack says `announce: true`, and that may be up."""
    up = item.before.presence is not Presence.GONE
    return item.action.removes and up and inventory.spec(item.unit).announce


def noticed(plan: Plan, notice: Notice) -> Plan:
    """Return the plan with how its downtime is announced; without one it stays as it is.

    Where notice is given, every site is examined once more when it has passed.
    """
    if not plan.announces:
        return plan
    steps = tuple(
        replace(step, wait_seconds=step.wait_seconds + notice.minutes * 60)
        if step.id == ANNOUNCED
        else step
        for step in plan.steps
    )
    if notice.minutes:
        steps = _examined_again(steps, plan.coordinator)
    return replace(plan, notice=notice, steps=steps)


def _announcing(steps: tuple[Step, ...], site: str, down: tuple[Unit, ...]) -> tuple[Step, ...]:
    """Let all that touches anything wait for the announcement that `down` goes down."""
    more = f" and {len(down) - 1} more" if len(down) > 1 else ""
    announce = Step(
        id=ANNOUNCED,
        kind=StepKind.ANNOUNCE,
        site=site,
        needs=(PREPARED,),
        reason=f"{down[0]}{more} will go down",
        wait_seconds=_ANNOUNCE_SECONDS,
    )
    return _insert(steps, PREPARED, (announce,), ANNOUNCED)


def _examined_again(steps: tuple[Step, ...], site: str) -> tuple[Step, ...]:
    again = tuple(
        replace(step, id=f"{step.id} again", needs=(ANNOUNCED,), reason="notice was given since")
        for step in steps
        if step.kind is StepKind.EXAMINE
    )
    gate = _gate(STILL_FIT, tuple(step.id for step in again), site)
    return _insert(steps, ANNOUNCED, (*again, gate), STILL_FIT)


def _insert(
    steps: tuple[Step, ...], after: str, more: tuple[Step, ...], last: str
) -> tuple[Step, ...]:
    """Put steps behind the step `after`; what needed that one needs `last` of them instead."""
    found: list[Step] = []
    for step in steps:
        needs = tuple(last if need == after else need for need in step.needs)
        found.append(replace(step, needs=needs))
        if step.id == after:
            found += more
    return tuple(found)


def restore_steps(inventory: Inventory, units: tuple[UnitPlan, ...]) -> tuple[Step, ...]:
    """Build the steps that bring units back: as `plan_steps`, with no gate over all sites.

    Things are down already: a site that cannot be reached must not keep the others so.
    """
    acted = tuple(item for item in units if item.action is not Action.KEEP)
    planned = {item.unit: item for item in acted}
    prepared = _ordered(inventory, (item.unit.site for item in acted if _deploys(item)))
    steps = (
        *(_prepare(site) for site in prepared),
        *(_remove(item, planned) for item in acted if _removes(item)),
        *(_deploy(item, planned) for item in acted if _deploys(item)),
        *(_settle(inventory, item) for item in acted if _deploys(item)),
    )
    return tuple(replace(step, needs=_ungated(step, prepared)) for step in steps)


def _ungated(step: Step, prepared: tuple[str, ...]) -> tuple[str, ...]:
    own = (f"prepare {step.site}",) if step.site in prepared else ()
    gates = (EXAMINED, PREPARED)
    needs = tuple(need for need in step.needs if need not in gates)
    return (*own, *needs) if step.kind in (StepKind.REMOVE, StepKind.DEPLOY) else needs


def verify_steps(inventory: Inventory, units: tuple[UnitPlan, ...]) -> tuple[Step, ...]:
    """Build the steps that only watch units: each by itself, nothing before it."""
    return tuple(replace(_settle(inventory, item), needs=()) for item in units)


def step_waves(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], ...]:
    """Group the steps that may run side by side, for showing; gates are left out."""
    by_id = {step.id: step for step in steps}
    groups = waves({step.id: step.needs for step in steps})
    shown = (tuple(by_id[name] for name in group) for group in groups)
    kept = (tuple(step for step in group if step.kind is not StepKind.GATE) for group in shown)
    return tuple(group for group in kept if group)


def _sites(inventory: Inventory, acted: tuple[UnitPlan, ...]) -> tuple[str, ...]:
    names = {item.unit.site for item in acted}
    for item in acted:
        if _deploys(item):
            names |= {unit.site for unit in item.dependencies}
        if _removes(item):
            names |= {unit.site for unit in item.dependents}
    return _ordered(inventory, names)


def _ordered(inventory: Inventory, names: Iterable[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(
        site.name
        for site in inventory.sites
        if site.name in wanted and site.state is not SiteState.PLANNED
    )


def _removes(item: UnitPlan) -> bool:
    return item.action.removes


def _deploys(item: UnitPlan) -> bool:
    return item.action.deploys


def _examine(site: str, acted: frozenset[str]) -> Step:
    here = site in acted
    reason = "units here are acted on" if here else "units here must be seen gone, or healthy"
    return Step(
        id=f"examine {site}",
        kind=StepKind.EXAMINE,
        site=site,
        reason=reason,
        wait_seconds=_EXAMINE_SECONDS,
    )


def _gate(name: str, needs: tuple[str, ...], site: str) -> Step:
    return Step(id=name, kind=StepKind.GATE, site=site, needs=needs)


def _prepare(site: str) -> Step:
    return Step(
        id=f"prepare {site}",
        kind=StepKind.PREPARE,
        site=site,
        needs=(EXAMINED,),
        reason="so that the downtime holds no copying and no pull",
        wait_seconds=_PREPARE_SECONDS,
    )


def _remove(item: UnitPlan, planned: Mapping[Unit, UnitPlan]) -> Step:
    before = tuple(unit for unit in item.dependents if unit in planned and _removes(planned[unit]))
    return Step(
        id=f"remove {item.unit}",
        kind=StepKind.REMOVE,
        site=item.unit.site,
        unit=item.unit,
        needs=(PREPARED, *(f"remove {unit}" for unit in before)),
        reason=item.reason,
        wait_seconds=item.remove_seconds,
    )


def _deploy(item: UnitPlan, planned: Mapping[Unit, UnitPlan]) -> Step:
    below = tuple(unit for unit in item.dependencies if unit in planned and _deploys(planned[unit]))
    own = (f"remove {item.unit}",) if _removes(item) else (PREPARED,)
    return Step(
        id=f"deploy {item.unit}",
        kind=StepKind.DEPLOY,
        site=item.unit.site,
        unit=item.unit,
        needs=(*own, *(f"deploy {unit}" for unit in below)),
        reason=item.reason,
        wait_seconds=item.healthy_seconds,
    )


def _settle(inventory: Inventory, item: UnitPlan) -> Step:
    policy = inventory.spec(item.unit).policy
    return Step(
        id=f"settle {item.unit}",
        kind=StepKind.SETTLE,
        site=item.unit.site,
        unit=item.unit,
        needs=(f"deploy {item.unit}",),
        reason=f"the same tasks must keep running for {policy.stable_seconds:g} s",
        wait_seconds=policy.stable_seconds * 3 + 30.0,
    )
