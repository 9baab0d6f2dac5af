from dataclasses import replace
from typing import Any

import click

from orchestrator.cli.carry_out import only_examine, run_book
from orchestrator.cli.meeting import meet
from orchestrator.cli.options import at_refs, request_of, selecting
from orchestrator.cli.planning import make_book
from orchestrator.cli.wiring import open_world
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request


@click.command()
@selecting
@at_refs
def doctor(refs: dict[str, str], **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Run the preflight of a restart alone: everything a run would trip over, all at once.

    Reachable, host keys, logins, Swarm, nodes, disk, clock, registry, images, ports, stacks
    nobody declared, what is needed from outside. Changes nothing. Without a selection: --all.
    """
    typed = request_of(**selection)
    request = typed if str(typed) else Request(everything=True)
    with open_world() as world:
        if holding := meet(world):
            world.talk.met(holding)
        book = make_book(world, Command.RESTART, request, refs)
        return run_book(world, replace(book, plan=only_examine(book.plan))).exit_code
