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
    with_strategy,
)
from orchestrator.cli.order import Order
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Command


@click.command()
@selecting
@with_strategy
@leaving_out
@overriding
@announcing
@at_refs
@restoring
@queueing
@confirming
def deploy(
    refs: dict[str, str],
    on_failure: OnFailure,
    lock_wait: float,
    *,
    yes: bool,
    dry_run: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Bring there what has changed, and leave the rest alone.

    A unit of which nothing differs from what is declared is not touched. A changed one is
    recreated, and all that depends on it with it; or, where its stack file says
    `strategy: update`, deployed over what runs, which restarts the changed services alone.

    \b
      dtdeploy deploy --all
      dtdeploy deploy datatrail-client@kko --ref datatrail-admin=v1.2
      dtdeploy deploy --stack datatrail-client --strategy update --on-failure restore
    """
    from orchestrator.cli.carry_out import carry_out

    override, notice = override_of(selection), notice_of(selection)
    return carry_out(
        Order(
            command=Command.DEPLOY,
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
