"""The graph of a plan: preflight everywhere, then down from the leaves, then up from the roots."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.graph import waves
from orchestrator.planning.plan import Action, Step, StepKind, UnitPlan

EXAMINED = "gate: preflight passed"
PREPARED = "gate: releases and images in place"
_EXAMINE_SECONDS = 60.0
_PREPARE_SECONDS = 900.0


def plan_steps(
    inventory: Inventory,
    units: tuple[UnitPlan, ...],
    *,
    without: frozenset[str] = frozenset(),
) -> tuple[Step, ...]:
    """Build the steps of a plan. Sites in `without` get none.

    Every removal waits for both gates, so nothing is touched before every site has passed
    preflight (S3). A unit's removal waits for that of all its dependents (S1), its deploy
    for that of all its dependencies (S2) and for its own removal.
    """
    acted = tuple(planned for planned in units if planned.action is not Action.KEEP)
    if not acted:
        return ()
    planned = {item.unit: item for item in acted}
    sites = tuple(s for s in _sites(inventory, acted) if s not in without)
    here = frozenset(item.unit.site for item in acted)
    prepared = _ordered(inventory, (item.unit.site for item in acted if _deploys(item)))
    return (
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
