"""Going on with a run that stopped, here or on another machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.cli.approval import (
    approval_of,
    must_be_approved,
    question,
    show_record,
    somebody_must_read,
)
from orchestrator.cli.asking import ask
from orchestrator.cli.broken import lock_again
from orchestrator.cli.conduct import conduct, saying
from orchestrator.cli.held_releases import former_sources, planned_sources
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.meeting import Found, find_run, holding_of
from orchestrator.cli.picking import must_be, must_fit
from orchestrator.cli.planning import contacted
from orchestrator.cli.refusals import taking_refusals, tell_refusals
from orchestrator.cli.run_state import state_of
from orchestrator.cli.taking import Taking, may_take
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.gather import look_at
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session, Sources
from orchestrator.errors import ExitCode, Problem, SourceError, UsageError
from orchestrator.fleet.observed import Look
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.lost import amended
from orchestrator.planning.selection import Request, unreasoned
from orchestrator.procedures.hold import Goal, answering, joined

NOBODY = Request()
"""Nobody answers for any node."""


def resume(
    run: str,
    announced: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    lost: Request = NOBODY,
    expect: str = "",
) -> ExitCode:
    """Go on with the run that holds the lock, after asking.

    Raises:
        UsageError: another run than `run` holds it, nobody is there to be asked, or `lost` names
            a node that is not there, or gives no reason.
        RefusedError: somebody is at it (10), it was planned with another inventory, or is not the
            one to `expect` (4), or nothing vouches for it and nobody reads it (20).

    """
    with open_world() as world:
        somebody_must_read(world, "resume", run, yes=yes, dry_run=dry_run)
        return resume_in(
            world,
            run,
            take_over=take_over,
            yes=yes,
            dry_run=dry_run,
            announced=announced,
            lost=lost,
            expect=expect,
        )


def resume_in(
    world: World,
    run: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    announced: str = "",
    lost: Request = NOBODY,
    expect: str = "",
) -> ExitCode:
    """Do what `resume` says, in `world`."""
    must_be_reasoned(lost)
    approval = approval_of(
        yes=yes, expect=expect, take_over=take_over, announced=announced, lost=lost
    )
    found = find_run(world)
    if found is None and run and not dry_run:
        found = lock_again(world, run, approval)
    if found is None:
        return nothing_to_do(world, run, "resume")
    must_be(found, run, "resume")
    if dry_run:
        world.talk.lock(holding_of(world, found), state_of(world, found))
        refused = taking_refusals(world, found, take_over=take_over) or _unread(world, found)
        return tell_refusals(world, refused)
    away = must_fit(world, found.readable())
    must_be_let_act(world, found.readable().plan)
    needed = needed_by(world, found)
    taking = may_take(world, found, take_over=take_over)
    if taking is None:
        return nothing_to_do(world, run, "resume")
    # While it was watched, another run may have taken the lock.
    must_be(taking.found, found.hold.run, "resume")
    must_be_approved(taking.found, "resume", approval)
    if taking.found.hold.goal is not found.hold.goal:
        needed = needed_by(world, taking.found)
    taking = replace(taking, found=answered(world, taking.found, lost))
    show_record(world, taking.found)
    world.talk.state(state_of(world, taking.found, away))
    ask(f"resume {question(taking.found)}", yes=yes)
    return _go_on(world, taking, needed, announced, away).exit_code


def must_be_reasoned(lost: Request) -> None:
    """Raise UsageError when somebody answers for a node and does not say why it may be done."""
    if problems := unreasoned(lost):
        raise UsageError(problems)


def answered(world: World, found: Found, lost: Request) -> Found:
    """Return the unfinished run with the nodes that somebody answers for now.

    Raises:
        UsageError: there is no node of such a name.

    """
    if not lost.accept_lost:
        return found
    record, inventory = found.readable(), world.inventory
    looks = look_at(world.backend, contacted(inventory))
    plan = amended(inventory, record.plan, looks, lost)
    more, why = plan.lost[len(record.plan.lost) :], lost.because.strip()
    hold = answering(found.hold, more, why) if more else found.hold
    record = replace(record, plan=plan, because=joined(record.because, why))
    return replace(found, hold=hold, record=record)


def nothing_to_do(world: World, run: str, what: str) -> ExitCode:
    """Say that nobody holds the lock."""
    which = f"run {run} does not hold the lock" if run else "nobody holds the lock"
    world.talk.say(f"{which}: nothing to {what}")
    return ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What a run needs of its commits to go on: what it deploys, and what ran before it."""

    sourced: Sources
    former: Sources


def needed_by(world: World, found: Found) -> Needed:
    """Read it before anything happens (SourceError, naming each secret that is missing here)."""
    record = found.readable()
    back = found.hold.goal is Goal.RESTORE
    restores = back or record.on_failure is OnFailure.RESTORE
    return Needed(
        sourced={} if back else planned_sources(world, record),
        former=former_sources(world, record.plan) if restores else {},
    )


def _unread(world: World, found: Found) -> tuple[Problem, ...]:
    """Return why what a run needs cannot be read."""
    try:
        needed_by(world, found)
    except SourceError as error:
        return tuple(error.problems)
    return ()


def _go_on(
    world: World, taking: Taking, needed: Needed, announced: str, away: Mapping[str, Look]
) -> RunEnd:
    found, record = taking.found, taking.found.readable()
    return conduct(
        world,
        record.run,
        lambda means: Session(means, world.inventory, record, former=needed.former).go_on(
            found.lock,
            found.hold,
            needed.sourced,
            wait_seconds=taking.wait_seconds,
            announced=announced,
            away=away,
            believed=found.provenance.believed,
        ),
        saying(world, lambda end: end.exit_code),
    )
