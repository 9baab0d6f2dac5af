from typing import Any

import click

from orchestrator.cli.carry_out import carry_out
from orchestrator.cli.options import at_refs, confirming, request_of, selecting
from orchestrator.planning.plan import Command


@click.command()
@selecting
@at_refs
@confirming
def up(refs: dict[str, str], *, yes: bool, dry_run: bool, **selection: Any) -> int:  # noqa: ANN401 - the four selecting options, passed on whole
    """Deploy what is not running as declared, dependencies first.

    Units that are healthy are left alone, whichever revision they run: a restart moves them.
    A unit that runs while others that depend on it run too is never deployed over.

    \b
      dtdeploy up --all
      dtdeploy up datatrail-client@kko --ref datatrail-admin=v1.2
    """
    return carry_out(Command.UP, request_of(**selection), refs, yes=yes, dry_run=dry_run)
