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

    Ends with 0 only if everything is healthy, with 21 if something is not, with 11 to 13 if
    a site cannot be seen.
    """
    with open_world() as world:
        fleet = fleet_status(world, sites)
        world.talk.status(fleet)
        if fleet.unreachable:
            return worst(fleet.unreachable)
        return ExitCode.DONE if fully_healthy(fleet) else ExitCode.UNHEALTHY
