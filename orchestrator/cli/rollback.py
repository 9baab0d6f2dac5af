from typing import Any

import click

from orchestrator.cli.options import (
    announcing,
    answering,
    answers_of,
    confirming,
    expecting,
    notice_of,
    taking_over,
)


@click.command()
@click.argument("run", metavar="RUN")
@announcing
@taking_over
@expecting
@answering
@confirming
def rollback(
    run: str,
    expect: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    **typed: Any,  # noqa: ANN401 - the announcing and answering options, passed on whole
) -> int:
    """Bring every unit that RUN changed back to the revision that ran before, in the safe order.

    Of an unfinished run, or of one that ended. What ran before is known from the journal on
    this machine, else from the labels of the services that RUN deployed.

    \b
      dtdeploy rollback 20261122T155812-ab12cd --dry-run
    """
    from orchestrator.cli.rolling_back import roll_back

    notice, lost = notice_of(typed), answers_of(typed)
    return roll_back(
        run,
        take_over=take_over,
        yes=yes,
        dry_run=dry_run,
        notice=notice,
        lost=lost,
        expect=expect,
    )
