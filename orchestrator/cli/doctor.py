from dataclasses import replace
from typing import Any

import click

from orchestrator.cli.options import at_refs, request_of, selecting
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request


@click.command()
@selecting
@at_refs
def doctor(refs: dict[str, str], **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Find out what is wrong, and what to type about it; changes nothing.

    First what wears out at each site, a line a check: ingress addresses, disk, images, the Swarm's
    certificate, clock, versions, SSH sessions, releases, registry logins. Then the preflight of a
    restart: all that a run would trip over. At the end each cause once, with the sites it is at,
    what it means, the tool's own words, the command that mends it, and the runbook. Without a
    selection: --all.

    \b
      dtdeploy doctor
      dtdeploy doctor --site kko

    Warnings stop nothing and leave the exit code at 0. What a run would refuse ends with its
    exit code: 11 to 13 a site, 14 git, 20 whatever else is in the way.
    """
    from orchestrator.cli.carry_out import only_examine, run_book
    from orchestrator.cli.examining import inspect_sites, meanings
    from orchestrator.cli.meeting import meet
    from orchestrator.cli.planning import make_book
    from orchestrator.cli.wiring import open_world

    typed = request_of(**selection)
    request = typed if str(typed) else Request(everything=True)
    with open_world() as opened:
        world = replace(opened, talk=replace(opened.talk, reasons=meanings()))
        if holding := meet(world):
            world.talk.met(holding)
        world.talk.warnings(inspect_sites(world, request.sites))
        book = make_book(world, Command.RESTART, request, refs)
        for words in book.plan.warnings:
            world.talk.say(f"warning: {words}")
        return run_book(world, replace(book, plan=only_examine(book.plan))).exit_code
