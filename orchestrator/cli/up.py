from typing import Any

import click

from orchestrator.cli.options import (
    at_refs,
    confirming,
    leaving_out,
    override_of,
    overriding,
    queueing,
    request_of,
    restoring,
    selecting,
)
from orchestrator.cli.order import Order
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request


@click.command()
@selecting
@click.option(
    "--owed", is_flag=True, help="Bring back what a run left out or could not bring back."
)
@leaving_out
@overriding
@at_refs
@restoring
@queueing
@confirming
def up(
    refs: dict[str, str],
    on_failure: OnFailure,
    lock_wait: float,
    *,
    owed: bool,
    yes: bool,
    dry_run: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Deploy what is not running as declared, dependencies first.

    Units that are healthy are left alone, whichever revision they run: a restart moves them.
    A unit that runs while others that depend on it run too is never deployed over. With --owed
    what is owed is restarted, whatever it runs.

    \b
      dtdeploy up --all
      dtdeploy up --owed
      dtdeploy up datatrail-client@kko --ref datatrail-admin=v1.2
    """
    from orchestrator.cli.carry_out import carry_out

    override = override_of(selection)
    request = request_of(**selection)
    if owed:
        _alone(request)
    return carry_out(
        Order(
            command=Command.RESTART if owed else Command.UP,
            request=request,
            refs=refs,
            on_failure=on_failure,
            lock_wait=lock_wait,
            owed=owed,
            override=override,
            yes=yes,
            dry_run=dry_run,
        )
    )


def _alone(request: Request) -> None:
    if request.selects:
        raise click.UsageError(f"--owed selects by itself: drop {request}, or drop --owed")
