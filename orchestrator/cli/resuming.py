"""Going on with a run that stopped, here or on another machine."""

from orchestrator.cli.asking import ask, somebody_must_be_there
from orchestrator.cli.broken import lock_again
from orchestrator.cli.conduct import conduct, saying
from orchestrator.cli.meeting import Found, find_run, holding_of
from orchestrator.cli.picking import must_be, must_fit, planned_revisions
from orchestrator.cli.run_state import state_of
from orchestrator.cli.taking import Taking, may_take
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session, Sources
from orchestrator.errors import ExitCode
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.restoring import formers
from orchestrator.procedures.hold import Goal


def resume(run: str, announced: str, *, take_over: bool, yes: bool, dry_run: bool) -> ExitCode:
    """Go on with the run that holds the lock, after asking.

    Raises:
        UsageError: another run than `run` holds it, or nobody is there to be asked.
        RefusedError: somebody is at it (10), or it was planned with another inventory (4).

    """
    somebody_must_be_there(f"resume {run}".strip(), yes=yes, dry_run=dry_run)
    with open_world() as world:
        return resume_in(
            world, run, take_over=take_over, yes=yes, dry_run=dry_run, announced=announced
        )


def resume_in(
    world: World,
    run: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    announced: str = "",
) -> ExitCode:
    """Do what `resume` says, in `world`."""
    found = find_run(world)
    if found is None and run and not dry_run:
        found = lock_again(world, run)
    if found is None:
        return nothing_to_do(world, run, "resume")
    must_be(found, run, "resume")
    if dry_run:
        world.talk.lock(holding_of(world, found.hold), state_of(world, found))
        return ExitCode.DONE
    must_fit(world, found.readable())
    taking = may_take(world, found, take_over=take_over)
    if taking is None:
        return nothing_to_do(world, run, "resume")
    world.talk.state(state_of(world, taking.found))
    ask(f"resume run {taking.found.hold.run}, dtdeploy {taking.found.hold.words}", yes=yes)
    return _go_on(world, taking, announced).exit_code


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
