"""How a run may be left: may its lock be released, and what is owed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Command, Plan, StepKind


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
    changing = [
        (step.step.unit, step)
        for step in report.steps
        if step.step.unit is not None and step.step.kind in _CHANGING
    ]
    owed = {unit: _why(step) for unit, step in changing if touched and _owes(plan, unit, step)}
    # The last thing that was planned for a unit stands last.
    last = {unit: step.state for unit, step in changing}
    settled = {u for u, state in last.items() if state is State.DONE and not _was_gone(plan, u)}
    return Ending(
        how=_how(plan, report, changing, touched=touched),
        owed=owed,
        settled=frozenset(settled - owed.keys()),
    )


def _was_gone(plan: Plan, unit: Unit) -> bool:
    """Whether a way back took the unit down since it was gone before: what was owed still is."""
    return plan.command is Command.ROLLBACK and plan.unit(unit).action is Action.DOWN


def _how(
    plan: Plan, report: RunReport, changing: list[tuple[Unit, StepReport]], *, touched: bool
) -> How:
    if report.finished:
        return How.FINISHED
    if not touched:
        return How.UNTOUCHED
    well = all(_leaves_well(plan, unit, step) for unit, step in changing)
    return How.OWING if well else How.UNFINISHED


def _leaves_well(plan: Plan, unit: Unit, report: StepReport) -> bool:
    """Whether a step that ended like this leaves nothing that a resume would have to mend."""
    if report.state is State.DONE:
        return True
    failed = report.step.kind is StepKind.DEPLOY and report.state is State.FAILED
    return failed and not plan.unit(unit).dependents


def _owes(plan: Plan, unit: Unit, report: StepReport) -> bool:
    """Whether a step should have brought its unit up, and did not."""
    if report.step.kind is not StepKind.DEPLOY or report.state is State.DONE:
        return False
    planned = plan.unit(unit)
    return planned.before.presence is not Presence.GONE or planned.action is Action.UP


def _why(report: StepReport) -> str:
    if report.problems:
        return report.problems[0].what
    return f"{report.step.id} was not reached"
