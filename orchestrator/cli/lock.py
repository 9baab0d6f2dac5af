import click

from orchestrator.errors import ExitCode


@click.group(invoke_without_command=True)
@click.pass_context
def lock(ctx: click.Context) -> int:
    """Show which run holds the lock, what it is doing, how far it is, and what to type next.

    Ends with 0 when nobody holds it, with 10 when a run does.
    """
    from orchestrator.cli.meeting import find_run, holding_of
    from orchestrator.cli.run_state import state_of
    from orchestrator.cli.wiring import open_world
    from orchestrator.ui.lock_view import RunState

    if ctx.invoked_subcommand is not None:
        return ExitCode.DONE
    with open_world() as world:
        found = find_run(world)
        if found is None:
            world.talk.lock(None, RunState())
            return ExitCode.DONE
        world.talk.lock(holding_of(world, found), state_of(world, found))
        return ExitCode.LOCK_HELD


@lock.command("break")
@click.argument("run", metavar="RUN")
@click.option("--because", required=True, metavar="TEXT", help="Why it is broken.")
def break_it(run: str, because: str) -> int:
    """Take the lock away from a run, whoever is at it. RUN must be typed exactly.

    The run's record is kept on this machine first: dtdeploy resume RUN puts the lock back. Try
    dtdeploy resume --take-over before this: it takes the run over with its lock.
    """
    from orchestrator.cli.breaking import break_lock

    return break_lock(run, because)
