from typing import Any

import click

from orchestrator.cli.options import announced as announcing
from orchestrator.cli.options import answering, answers_of, confirming, expecting, taking_over


@click.command()
@click.argument("run", required=False, default="", metavar="[RUN]")
@announcing
@taking_over
@expecting
@answering
@confirming
def resume(
    run: str,
    announced: str,
    expect: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    **typed: Any,  # noqa: ANN401 - the answering options, passed on whole
) -> int:
    """Go on with the run that stopped half-way, with the same plan, from any machine.

    Every unit is looked at first: what is done is not done again. Without an unfinished run
    there is nothing to resume, and nothing is changed. Has a node died meanwhile, so that nobody
    can see whether something still runs there? Answer for it with --accept-lost.

    \b
      dtdeploy lock                    # what there is to resume
      dtdeploy resume
      dtdeploy resume --take-over      # its owner gives no sign of life
      dtdeploy resume --accept-lost kko-w1@kko --because "its power is off"
    """
    from orchestrator.cli.resuming import resume as resume_run

    lost = answers_of(typed)
    return resume_run(
        run,
        announced,
        take_over=take_over,
        yes=yes,
        dry_run=dry_run,
        lost=lost,
        expect=expect,
    )
