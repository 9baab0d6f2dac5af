from typing import Any

import click

from orchestrator.cli.options import (
    announcing,
    confirming,
    leaving_out,
    notice_of,
    override_of,
    overriding,
    queueing,
    request_of,
    selecting,
)
from orchestrator.cli.order import Order
from orchestrator.planning.plan import Command


@click.command()
@selecting
@leaving_out
@overriding
@announcing
@queueing
@confirming
def down(lock_wait: float, *, yes: bool, dry_run: bool, **selection: Any) -> int:  # noqa: ANN401 - the selecting options, passed on whole
    """Take units down, everything that depends on them first.

    Needs no repository: git may be down.

    \b
      dtdeploy down --site gbo
      dtdeploy down datatrail@chime     # and so every stack that needs the server
    """
    from orchestrator.cli.carry_out import carry_out

    override, notice = override_of(selection), notice_of(selection)
    return carry_out(
        Order(
            command=Command.DOWN,
            request=request_of(**selection),
            lock_wait=lock_wait,
            override=override,
            notice=notice,
            yes=yes,
            dry_run=dry_run,
        )
    )
