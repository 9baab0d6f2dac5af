import click

from orchestrator.cli.fleet_status import fleet_status, fully_healthy
from orchestrator.cli.options import names
from orchestrator.cli.wiring import open_world
from orchestrator.errors import ExitCode, worst


@click.command()
@click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="SITE",
    help="Only this site. May be given several times.",
    shell_complete=lambda ctx, _param, word: names(ctx, "site", word),
)
def status(sites: tuple[str, ...]) -> int:
    """Show the whole fleet on one screen: what runs where, how well, and at which revision.

    Ends with 0 only if everything is healthy, nothing is owed and no run is under way or
    unfinished; with 21 if something is not healthy or is owed, with 10 if a run holds the lock,
    with 11 to 13 if a site cannot be seen.
    """
    with open_world() as world:
        fleet = fleet_status(world, sites)
        if fleet.holding:
            world.talk.notice(fleet.holding)
        world.talk.status(fleet)
        if fleet.unreachable:
            return worst(fleet.unreachable)
        if fleet.holding:
            return ExitCode.LOCK_HELD
        return ExitCode.DONE if fully_healthy(fleet) else ExitCode.UNHEALTHY
