from typing import Any

import click

from orchestrator.cli.carry_out import carry_out
from orchestrator.cli.options import at_refs, confirming, request_of, selecting
from orchestrator.planning.plan import Command


@click.command()
@selecting
@at_refs
@confirming
def restart(refs: dict[str, str], *, yes: bool, dry_run: bool, **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Take units down and up again, safely.

    What depends on a selected unit goes down before it and comes up after it, wherever it
    runs. Every site is examined first; if one is not fit, nothing is touched anywhere.

    \b
      dtdeploy restart --all
      dtdeploy restart --site kko
      dtdeploy restart datatrail@chime --dry-run
    """
    return carry_out(Command.RESTART, request_of(**selection), refs, yes=yes, dry_run=dry_run)
