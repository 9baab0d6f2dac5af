from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import (
    announcing,
    confirming,
    digits_of,
    notice_of,
    override_of,
    overriding,
    queueing,
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--expect",
    default="",
    metavar="HASH",
    callback=digits_of,
    help="The hash of the plan that was approved. Needed in CI and wherever no terminal is; at a"
    " terminal its first 12 digits are enough.",
)
@overriding
@announcing
@click.option("--because", default="", metavar="TEXT", help="Why something is overridden.")
@queueing
@confirming
def apply(
    file: Path,
    expect: str,
    lock_wait: float,
    *,
    yes: bool,
    dry_run: bool,
    **more: Any,  # noqa: ANN401 - the overriding and announcing options, passed on whole
) -> int:
    """Carry out a saved plan: exactly it, or nothing.

    Everything is looked at and planned again first. If anything that matters is not as it was
    when the plan was saved, that is named and nothing is touched. A plan is applied once, and
    only until it expires. With --expect nothing is asked where no terminal is.

    \b
      dtdeploy plan --all --out restart.plan
      dtdeploy apply restart.plan --expect 3f1c09d2ab44
    """
    from orchestrator.cli.applying import apply_plan

    return apply_plan(
        file,
        expect=expect,
        lock_wait=lock_wait,
        yes=yes,
        dry_run=dry_run,
        override=override_of(more),
        notice=notice_of(more),
    )
