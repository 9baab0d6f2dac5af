"""How far an unfinished run has come, by what is seen now."""

from collections.abc import Iterator, Mapping

from orchestrator.cli.meeting import Found, unfit
from orchestrator.cli.wiring import World
from orchestrator.engine.gather import NOBODY_AWAY, look_at
from orchestrator.engine.record import RunRecord
from orchestrator.fleet.observed import Look
from orchestrator.planning.lost import counted
from orchestrator.planning.plan import StepKind
from orchestrator.planning.progress import (
    at_sites_away,
    deployed_badly,
    progress,
    rest_of,
    which_way,
)
from orchestrator.planning.restoring import restored_so_far
from orchestrator.procedures.announcement import clock
from orchestrator.procedures.hold import Goal, Hold
from orchestrator.procedures.told import News, Sent, about, announced
from orchestrator.ui.lock_view import RunState

_OTHER = (
    "it was planned with another inventory than the one given here: with that one only can be"
    " told how far it has come"
)


def state_of(world: World, found: Found, away: Mapping[str, Look] = NOBODY_AWAY) -> RunState:
    """Look at every site of an unfinished run, and judge how far it has come.

    Those in `away` were found so a moment ago.
    """
    record, refused = found.record, found.refused
    if record is None:
        return RunState(remarks=(refused.what if refused else "",))
    if refused is not None:
        # Nothing is told of how far it has come: that would be in words of who wrote the labels.
        return RunState(because=record.because, remarks=refused.evidence, rest=record.plan)
    if lines := unfit(world.inventory, record):
        return RunState(because=record.because, remarks=(_OTHER, *lines))
    return _judged(world, record, found, away)


def _judged(world: World, record: RunRecord, found: Found, away: Mapping[str, Look]) -> RunState:
    plan, hold = record.plan, found.hold
    sites = (item.unit.site for item in plan.units)
    looks = counted(plan, look_at(world.backend, sites, away))
    if hold.goal is Goal.RESTORE:
        units = restored_so_far(world.inventory, plan, looks)
        return RunState(units=units, because=record.because)
    far = progress(
        plan,
        hold.run,
        looks,
        recorded=hold.done,
        touched=hold.touched,
        announced=announced(hold.told),
        believed=found.provenance.believed,
    )
    steps = [step.id for step in plan.steps if step.kind is not StepKind.GATE]
    rest = rest_of(plan, far.done)
    bad = deployed_badly(world.inventory, plan, looks, hold.run)
    return RunState(
        remarks=tuple(_announced(hold)),
        units=far.units,
        done=sum(name in far.done for name in steps),
        steps=len(steps),
        because=record.because,
        rest=rest,
        away=at_sites_away(rest, looks),
        choice=which_way(bad, touched=far.touched),
    )


def _announced(hold: Hold) -> Iterator[str]:
    """Say what is known of the announcement that something goes down."""
    before = about(hold.told, News.BEFORE)
    if before is None:
        return
    if not before.receipt:
        yield "nobody can tell whether its downtime was announced: look in the channel"
    else:
        how = "by hand, " if before.sent is Sent.BY_HAND else ""
        yield f"its downtime was announced at {clock(before.at)}: {how}{before.words}"
