import click

from orchestrator.errors import ExitCode


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Show so many.",
)
def runs(limit: int) -> int:
    """List the runs of this machine, newest first: what, who, how it ended, how long it was down.

    Read from the journals here, so nothing is contacted. A run that another machine carried out
    is listed there.

    \b
      dtdeploy runs                 the last 20
      dtdeploy report last --open   all about the last one
      dtdeploy lock                 which run is under way, or unfinished, anywhere
    """
    from orchestrator.cli.past_runs import list_runs
    from orchestrator.cli.wiring import journals_here, open_talk

    open_talk().runs(list_runs(journals_here(), limit))
    return ExitCode.DONE
