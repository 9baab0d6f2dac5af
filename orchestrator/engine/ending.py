"""How a run may be left: may its lock be released, and what is owed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, StepKind


class How(Enum):
    """In which way a run ended."""

    FINISHED = "finished"
    UNTOUCHED = "untouched"
    """It failed or was stopped before anything was removed or deployed."""
    OWING = "owing"
    """All that others depend on is back; some units are not, and nothing more waits for them."""
    UNFINISHED = "unfinished"
    """Something is down that the rest needs, or a removal is half done: the lock is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The way a run ended; `owed` are units it should have brought up, each with the reason.

    `settled` are units that it brought up or took down as planned.
    """

    how: How
    owed: Mapping[Unit, str]
    settled: frozenset[Unit]


_CHANGING = (StepKind.REMOVE, StepKind.DEPLOY)


def judge_ending(plan: Plan, report: RunReport, *, touched: bool) -> Ending:
    """Judge how a run may be left.

    Args:
        plan: what was carried out.
        report: how each step ended.
        touched: whether anything may have been removed or deployed, now or in an earlier life.

    """
    changing = [step for step in report.steps if step.step.kind in _CHANGING]
    owed = {unit: why for unit, why in _undeployed(plan, changing) if touched}
    settled = frozenset(_last(changing)) - frozenset(owed)
    return Ending(how=_how(plan, report, changing, touched=touched), owed=owed, settled=settled)


def _how(plan: Plan, report: RunReport, changing: list[StepReport], *, touched: bool) -> How:
    if report.finished:
        return How.FINISHED
    if not touched:
        return How.UNTOUCHED
    return How.OWING if all(_leaves_well(plan, step) for step in changing) else How.UNFINISHED


def _leaves_well(plan: Plan, report: StepReport) -> bool:
    """Whether a step that ended like this leaves nothing that a resume would have to mend."""
    if report.state is State.DONE:
        return True
    unit = report.step.unit
    leaf = unit is not None and not plan.unit(unit).dependents
    return report.step.kind is StepKind.DEPLOY and report.state is State.FAILED and leaf


def _undeployed(plan: Plan, changing: list[StepReport]) -> list[tuple[Unit, str]]:
    found = []
    for report in changing:
        unit = report.step.unit
        if unit is None or report.step.kind is not StepKind.DEPLOY or report.state is State.DONE:
            continue
        ran = plan.unit(unit).before.presence is not Presence.GONE
        if ran or plan.unit(unit).action is Action.UP:
            found.append((unit, _why(report)))
    return found


def _why(report: StepReport) -> str:
    if report.problems:
        return report.problems[0].what
    return f"{report.step.id} was not reached"


def _last(changing: list[StepReport]) -> set[Unit]:
    """Return the units of which the last thing that was planned is done."""
    last = {report.step.unit: report.state for report in changing if report.step.unit is not None}
    return {unit for unit, state in last.items() if state is State.DONE}
