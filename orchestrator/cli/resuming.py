"""Going on with a run that stopped, here or on another machine."""

from dataclasses import replace

from orchestrator.cli.asking import ask, somebody_must_be_there
from orchestrator.cli.broken import lock_again
from orchestrator.cli.conduct import conduct, saying
from orchestrator.cli.meeting import Found, find_run, holding_of
from orchestrator.cli.picking import must_be, must_fit, planned_revisions
from orchestrator.cli.planning import contacted
from orchestrator.cli.run_state import state_of
from orchestrator.cli.taking import Taking, may_take
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.gather import look_at
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session, Sources
from orchestrator.errors import ExitCode, UsageError
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.lost import amended
from orchestrator.planning.restoring import formers
from orchestrator.planning.selection import Request, unreasoned
from orchestrator.procedures.hold import Goal

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
) -> ExitCode:
    """Go on with the run that holds the lock, after asking.

    Raises:
        UsageError: another run than `run` holds it, nobody is there to be asked, or `lost` names
            a node that is not there, or gives no reason.
        RefusedError: somebody is at it (10), or it was planned with another inventory (4).

    """
    somebody_must_be_there(f"resume {run}".strip(), yes=yes, dry_run=dry_run)
    with open_world() as world:
        return resume_in(
            world,
            run,
            take_over=take_over,
            yes=yes,
            dry_run=dry_run,
            announced=announced,
            lost=lost,
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
) -> ExitCode:
    """Do what `resume` says, in `world`."""
    must_be_reasoned(lost)
    found = find_run(world)
    if found is None and run and not dry_run:
        found = lock_again(world, run)
    if found is None:
        return nothing_to_do(world, run, "resume")
    must_be(found, run, "resume")
    if dry_run:
        world.talk.lock(holding_of(world, found), state_of(world, found))
        return ExitCode.DONE
    must_fit(world, found.readable())
    taking = may_take(world, found, take_over=take_over)
    if taking is None:
        return nothing_to_do(world, run, "resume")
    taking = replace(taking, found=answered(world, taking.found, lost))
    world.talk.state(state_of(world, taking.found))
    ask(f"resume run {taking.found.hold.run}, dtdeploy {taking.found.hold.words}", yes=yes)
    return _go_on(world, taking, announced).exit_code


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
    reasons = (record.because, lost.because.strip())
    because = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
    return replace(found, record=replace(record, plan=plan, because=because))


def nothing_to_do(world: World, run: str, what: str) -> ExitCode:
    """Say that nobody holds the lock."""
    which = f"run {run} does not hold the lock" if run else "nobody holds the lock"
    world.talk.say(f"{which}: nothing to {what}")
    return ExitCode.DONE


def _go_on(world: World, taking: Taking, announced: str) -> RunEnd:
    found, record = taking.found, taking.found.readable()
    back = found.hold.goal is Goal.RESTORE
    former = former_of(world, found) if back or record.on_failure is OnFailure.RESTORE else {}
    sourced = {} if back else world.checkout.read_at(planned_revisions(record))
    return conduct(
        world,
        record.run,
        lambda means: Session(means, world.inventory, record, former=former).go_on(
            found.lock, found.hold, sourced, wait_seconds=taking.wait_seconds, announced=announced
        ),
        saying(world, lambda end: end.exit_code),
    )


def former_of(world: World, found: Found) -> Sources:
    """Read what ran before a run, where that is known."""
    known = formers(world.inventory, found.readable().plan)
    return world.checkout.read_at(known.revisions)
