from typing import Any

import click

from orchestrator.cli.carry_out import carry_out
from orchestrator.cli.options import confirming, request_of, selecting
from orchestrator.planning.plan import Command


@click.command()
@selecting
@confirming
def down(*, yes: bool, dry_run: bool, **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Take units down, everything that depends on them first.

    Needs no repository: git may be down.

    \b
      dtdeploy down --site gbo
      dtdeploy down datatrail@chime     # and so every stack that needs the server
    """
    return carry_out(Command.DOWN, request_of(**selection), {}, yes=yes, dry_run=dry_run)
