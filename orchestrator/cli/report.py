import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from orchestrator.errors import ExitCode

_FORMS = ("html", "markdown", "json")


def _complete(_ctx: click.Context, _param: click.Parameter, word: str) -> list[CompletionItem]:
    from orchestrator.cli.completing import complete_runs
    from orchestrator.cli.places import state_folder

    names = complete_runs(state_folder(os.environ))
    return [CompletionItem(name) for name in names if name.startswith(word)]


@click.command()
@click.argument("run", metavar="[RUN]", default="last", shell_complete=_complete)
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS, case_sensitive=False),
    default=None,
    help="Print this form instead of writing all of them.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write one form to this file: html, unless --format or the file's ending says else.",
)
@click.option(
    "--at-managers",
    is_flag=True,
    help="Print what the managers' audit logs know: of a run that another machine carried out.",
)
def report(run: str, *, opened: bool, form: str | None, out: Path | None, at_managers: bool) -> int:
    """Make the report of a run anew from its journal, and say where it lies.

    RUN is an id, the beginning of one, or last. Every run leaves its report by itself; this is
    for one that was killed, or is still under way, and for other forms. Nothing is contacted,
    unless --at-managers is given.

    \b
      dtdeploy report --open              the last run, in a browser
      dtdeploy report 20261122T0930 --format markdown | less
      dtdeploy report last --out restart.html
    """
    if at_managers:
        if opened or form or out:
            raise click.UsageError("--at-managers goes with none of --open, --format, --out")
        from orchestrator.cli.audit_logs import show_audited

        return show_audited(run)
    from orchestrator.cli.reporting import make_report

    make_report(run, opened=opened, form=form, out=out)
    return ExitCode.DONE
