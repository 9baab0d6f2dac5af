"""What stands after a run, unit by unit: pure, from the plan and how its steps ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.errors import Problem
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, StepKind, UnitPlan

_DEPLOYED = "deploy.unhealthy"
"""The code that says: Docker took the deploy, and what runs is not healthy."""
_REFUSED = frozenset({"removal.refused", "deploy.refused", "deploy.over-running"})
"""Codes that say: a guard said no, and the unit was not touched by this step."""


class Standing(Enum):
    """Where a unit was left."""

    DEPLOYED = "deployed"
    UNWATCHED = "deployed, stability not seen"
    UNSTABLE = "deployed, not stable"
    UNHEALTHY = "deployed, not healthy"
    HALF_DEPLOYED = "deploy not finished"
    HALF_REMOVED = "removal not finished"
    GONE = "gone"
    UNTOUCHED = "untouched"


_NOT_OWED = frozenset({Standing.DEPLOYED, Standing.UNWATCHED, Standing.UNTOUCHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEnd:
    """Where a unit was left. `owed`: the run took it in hand to bring it up, and it is not well.

    `outage_seconds` is how long it was down: from the start of its removal until it was
    healthy again, or until the run ended; None when it never went down.
    """

    unit: Unit
    standing: Standing
    owed: bool
    outage_seconds: float | None = None
    still_down: bool = False


@dataclass(frozen=True, slots=True)
class _Steps:
    remove: StepReport | None
    deploy: StepReport | None
    settle: StepReport | None


def unit_ends(plan: Plan, report: RunReport) -> tuple[UnitEnd, ...]:
    """Return where each unit of the plan was left, in the plan's order."""
    by_unit: dict[Unit, dict[StepKind, StepReport]] = {}
    for step in report.steps:
        if step.step.unit is not None:
            by_unit.setdefault(step.step.unit, {})[step.step.kind] = step
    return tuple(_end(item, by_unit.get(item.unit, {}), report.ended) for item in plan.units)


def _end(item: UnitPlan, kinds: Mapping[StepKind, StepReport], ended: float) -> UnitEnd:
    steps = _Steps(
        kinds.get(StepKind.REMOVE), kinds.get(StepKind.DEPLOY), kinds.get(StepKind.SETTLE)
    )
    standing = _standing(item, steps)
    wanted_up = item.action.deploys
    was_down = _went_down(item, steps)
    back = steps.deploy is not None and steps.deploy.state is State.DONE
    down = up = None
    if was_down and steps.remove is not None and steps.deploy is not None:
        down, up = steps.remove.started, steps.deploy.ended if back else ended
    return UnitEnd(
        unit=item.unit,
        standing=standing,
        owed=wanted_up and standing not in _NOT_OWED,
        outage_seconds=up - down if up is not None and down is not None else None,
        still_down=down is not None and not back,
    )


def _standing(item: UnitPlan, steps: _Steps) -> Standing:
    if steps.deploy is not None and (after := _after_deploy(steps.deploy, steps.settle)):
        return after
    removed = _after_removal(steps.remove)
    if removed is None or (removed is Standing.UNTOUCHED):
        gone_before = item.action is not Action.KEEP and item.before.presence is Presence.GONE
        return Standing.GONE if gone_before else Standing.UNTOUCHED
    return removed


def _after_deploy(deploy: StepReport, settle: StepReport | None) -> Standing | None:
    """Return what a deploy left; None when it did not touch the unit."""
    if deploy.state is State.DONE:
        if settle is None or settle.state is State.DONE:
            return Standing.DEPLOYED
        return Standing.UNSTABLE if settle.state is State.FAILED else Standing.UNWATCHED
    if deploy.state is State.FAILED and not refused(deploy.problems):
        taken = any(problem.code == _DEPLOYED for problem in deploy.problems)
        return Standing.UNHEALTHY if taken else Standing.HALF_DEPLOYED
    return Standing.HALF_DEPLOYED if deploy.state is State.STOPPED else None


def _after_removal(remove: StepReport | None) -> Standing | None:
    if remove is None:
        return None
    if remove.state is State.DONE:
        return Standing.GONE
    if remove.state is State.STOPPED or (
        remove.state is State.FAILED and not refused(remove.problems)
    ):
        return Standing.HALF_REMOVED
    return Standing.UNTOUCHED


def refused(problems: tuple[Problem, ...]) -> bool:
    """Whether a step failed because a guard said no, so that it touched nothing."""
    return any(problem.code in _REFUSED for problem in problems)


def _went_down(item: UnitPlan, steps: _Steps) -> bool:
    if item.before.presence is Presence.GONE or steps.remove is None:
        return False
    return steps.remove.started is not None and not refused(steps.remove.problems)
