"""Breaking a lock: the run's record is kept here first, and what it had begun is waited out."""

import click

from orchestrator.cli.broken import save
from orchestrator.cli.conduct import conduct
from orchestrator.cli.journals import journal_of
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.meeting import Found, find_run, held, holding_of, unfit
from orchestrator.cli.picking import must_be
from orchestrator.cli.resuming import nothing_to_do
from orchestrator.cli.run_state import state_of
from orchestrator.cli.wiring import World, open_world
from orchestrator.command_line import typed
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.record import RunRecord
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session
from orchestrator.errors import ExitCode, FleetError, RefusedError
from orchestrator.procedures.asking import ask_sleep
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.lock import release_lock
from orchestrator.words.phrases import limit

_TRIES = 5
"""A holder that is alive writes to its lock now and then, and may do so in between."""


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
    must_be_let_act(world)
    world.talk.lock(holding_of(world, found), state_of(world, found))
    save(world, found, because)
    world.talk.say(
        f"breaking it, and waiting {limit(WAIT_OUT_SECONDS)}: what run {run} was about to begin"
        " may still begin"
    )
    record = found.record
    if record is None or found.refused is not None or unfit(world.inventory, record):
        return _let_go(world, found)
    end = _give_up(world, run, record)
    if end.exit_code is ExitCode.DONE:
        world.talk.say(
            f"its record is kept on this machine: {found.going_on('resume')} goes on with it"
        )
    return end.exit_code


def _give_up(world: World, run: str, record: RunRecord) -> RunEnd:
    """End the run where it stands: what it left down is owed."""
    end = _given_up(world, run, record)
    for _ in range(_TRIES):
        if not any(problem.code == "lock.held" for problem in end.problems):
            break
        end = _given_up(world, run, record)
    world.talk.run_ended(end, end.exit_code)
    return end


def _given_up(world: World, run: str, record: RunRecord) -> RunEnd:
    found = find_run(world)
    if found is None or found.hold.run != run:
        return RunEnd(run=run, plan=record.plan, words=record.words)
    return conduct(
        world,
        run,
        lambda means: Session(means, world.inventory, record, former={}).give_up(
            found.lock, found.hold, wait_seconds=WAIT_OUT_SECONDS
        ),
        lambda _end: None,
        journal=journal_of(run),
    )


def _let_go(world: World, found: Found) -> ExitCode:
    """Release a lock whose run cannot be understood here: nobody can tell what is owed."""
    problem = carry_alone(world.backend, release_lock(world.inventory.coordinator, found.lock))
    if problem is not None:
        raise FleetError(problem)
    after = find_run(world)
    if after is not None and after.hold.run == found.hold.run:
        raise RefusedError(held(holding_of(world, after)))
    try:
        carry_alone(world.backend, ask_sleep(WAIT_OUT_SECONDS))
    except KeyboardInterrupt:
        world.talk.say("the lock is broken already; wait before anything else")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    world.talk.say("the lock is broken; what the run left down is not known")
    world.talk.next_is(typed("status"))
    return ExitCode.DONE
