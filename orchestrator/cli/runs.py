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
@click.option(
    "--at-managers",
    is_flag=True,
    help="List what the managers' audit logs know of: runs of every machine.",
)
def runs(limit: int, *, at_managers: bool) -> int:
    """List the runs of this machine, newest first: what, who, how it ended, how long it was down.

    Read from the journals here, so nothing is contacted. A run that another machine carried out
    is listed there; with --at-managers, what each changed where is asked of the managers.

    \b
      dtdeploy runs                 the last 20
      dtdeploy runs --at-managers   those of other machines too
      dtdeploy report last --open   all about the last one
      dtdeploy lock                 which run is under way, or unfinished, anywhere
    """
    if at_managers:
        from orchestrator.cli.audit_logs import list_audited

        return list_audited(limit)
    from orchestrator.cli.past_runs import list_runs
    from orchestrator.cli.wiring import journals_here, open_talk

    open_talk().runs(list_runs(journals_here(), limit))
    return ExitCode.DONE
