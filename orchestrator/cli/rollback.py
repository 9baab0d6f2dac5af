import click

from orchestrator.cli.options import confirming, taking_over
from orchestrator.cli.rolling_back import roll_back


@click.command()
@click.argument("run", metavar="RUN")
@taking_over
@confirming
def rollback(run: str, *, take_over: bool, yes: bool, dry_run: bool) -> int:
    """Bring every unit that RUN changed back to the revision that ran before, in the safe order.

    Of an unfinished run, or of one that ended. What ran before is known from the journal on
    this machine, else from the labels of the services that RUN deployed.

    \b
      dtdeploy rollback 20261122T155812-ab12cd --dry-run
    """
    return roll_back(run, take_over=take_over, yes=yes, dry_run=dry_run)
