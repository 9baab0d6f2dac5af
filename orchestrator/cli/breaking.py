"""Breaking a lock: the run's record is kept here first, and what it had begun is waited out."""

import click

from orchestrator.cli.broken import note, save
from orchestrator.cli.meeting import find_run, held, holding_of
from orchestrator.cli.picking import must_be
from orchestrator.cli.resuming import nothing_to_do
from orchestrator.cli.run_state import state_of
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, FleetError, RefusedError
from orchestrator.procedures.asking import ask_sleep
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.lock import release_lock
from orchestrator.ui.phrases import limit


def break_lock(run: str, because: str) -> ExitCode:
    """Break the lock of `run`, typed exactly, and return once its holder can begin nothing more.

    Raises:
        UsageError: another run holds the lock.
        RefusedError: somebody took the run over in between.
        JournalError: the run's record cannot be kept here; the lock was left alone.

    """
    with open_world() as world:
        return break_in(world, run, because)


def break_in(world: World, run: str, because: str) -> ExitCode:
    """Do what `break_lock` says, in `world`."""
    found = find_run(world)
    if found is None:
        return nothing_to_do(world, run, "break")
    must_be(found, run, "lock break")
    world.talk.lock(holding_of(world, found.hold), state_of(world, found))
    save(world, found, because)
    problem = carry_alone(world.backend, release_lock(world.inventory.coordinator, found.lock))
    if problem is not None:
        raise FleetError(problem)
    after = find_run(world)
    if after is not None and after.hold.run == run:
        # Somebody took it over in between.
        raise RefusedError(held(holding_of(world, after.hold)))
    note(world, run, "broken")
    _wait_out(world, run)
    world.talk.say(f"the lock of run {run} is broken, its record is kept on this machine")
    if found.hold.touched:
        world.talk.say(f"NEXT  dtdeploy resume {run}   # puts it back; or dtdeploy status")
    else:
        world.talk.say("NEXT  dtdeploy status   # the run had touched nothing")
    return ExitCode.DONE


def _wait_out(world: World, run: str) -> None:
    """Wait until nothing more of the former holder can begin."""
    seconds = limit(WAIT_OUT_SECONDS)
    world.talk.say(f"waiting {seconds}: what run {run} was about to begin may still begin")
    try:
        carry_alone(world.backend, ask_sleep(WAIT_OUT_SECONDS))
    except KeyboardInterrupt:
        world.talk.say(f"the lock is broken already; let {seconds} pass before anything else")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
