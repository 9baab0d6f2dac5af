from typing import Any

import click

from orchestrator.cli.options import (
    announcing,
    at_refs,
    confirming,
    leaving_out,
    notice_of,
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


@click.command()
@selecting
@leaving_out
@overriding
@announcing
@at_refs
@restoring
@queueing
@confirming
def restart(
    refs: dict[str, str],
    on_failure: OnFailure,
    lock_wait: float,
    *,
    yes: bool,
    dry_run: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Take units down and up again, safely.

    What depends on a selected unit goes down before it and comes up after it, wherever it
    runs. Every site is examined first; if one is not fit, nothing is touched anywhere.

    \b
      dtdeploy restart --all
      dtdeploy restart --site kko
      dtdeploy restart datatrail@chime --dry-run
      dtdeploy restart --all --on-failure restore
    """
    from orchestrator.cli.carry_out import carry_out

    override, notice = override_of(selection), notice_of(selection)
    return carry_out(
        Order(
            command=Command.RESTART,
            request=request_of(**selection),
            refs=refs,
            on_failure=on_failure,
            lock_wait=lock_wait,
            override=override,
            notice=notice,
            yes=yes,
            dry_run=dry_run,
        )
    )
