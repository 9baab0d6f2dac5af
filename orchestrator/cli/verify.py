from typing import Any

import click

from orchestrator.cli.options import at_refs, request_of, selecting
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request


@click.command()
@selecting
@at_refs
def verify(refs: dict[str, str], **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Check that units run as their compose files declare, answer their probes and keep running.

    The services must be exactly those of the compose file at the inventory's ref (or --ref),
    every task up to date on a live node, the same tasks for the stack's stable window.
    Changes nothing. Without a selection: --all.
    """
    from orchestrator.cli.carry_out import run_book
    from orchestrator.cli.meeting import meet
    from orchestrator.cli.planning import make_book
    from orchestrator.cli.wiring import open_world

    typed = request_of(**selection)
    request = typed if str(typed) else Request(everything=True)
    with open_world() as world:
        if holding := meet(world):
            world.talk.met(holding)
        book = make_book(world, Command.VERIFY, request, refs)
        return run_book(world, book).exit_code
