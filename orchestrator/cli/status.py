from pathlib import Path

import click

from orchestrator.cli.number import DAY_SECONDS, Number
from orchestrator.cli.options import names
from orchestrator.cli.patience import TIMEOUT_SECONDS
from orchestrator.errors import ExitCode

_WATCH_SECONDS = 5.0


@click.command()
@click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="SITE",
    help="Only this site. May be given several times.",
    shell_complete=lambda ctx, _param, word: names(ctx, "site", word),
)
@click.option(
    "--timeout",
    type=Number(0.1, DAY_SECONDS),
    default=TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long a site may take until it is told to be unreachable. One that answers slowly,"
    " but does, gets four times as long.",
)
@click.option(
    "--fetch",
    is_flag=True,
    help="Ask the git servers for newer commits; without it the mirrors here are used as they are.",
)
@click.option(
    "--probes",
    is_flag=True,
    help="Also send the probes that units declare, and show what each is answered, and when.",
)
@click.option(
    "--watch",
    "watched",
    is_flag=False,
    flag_value=_WATCH_SECONDS,
    default=None,
    type=Number(0.5, DAY_SECONDS),
    metavar="[SECONDS]",
    help="Show it again every 5 seconds, or as many as given, until Ctrl-C.",
)
@click.option(
    "--metrics",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Also write dtdeploy_fleet.prom there, for Prometheus' node_exporter; not with --watch.",
)
def status(
    sites: tuple[str, ...],
    timeout: float,
    watched: float | None,
    metrics: Path | None,
    *,
    fetch: bool,
    probes: bool,
) -> int:
    """Show the whole fleet on one screen: what runs where, how well, and at which revision.

    Each unit with its health and why it is not healthy, services' tasks running of those
    expected, since when, its revision and how many newer commits there are; what differs from
    what is declared, what is owed, who holds the lock. Changes nothing.

    \b
      dtdeploy status
      dtdeploy status --probes
      dtdeploy status --watch
      dtdeploy status --site kko --timeout 15

    Ends with 0 only if everything is healthy, nothing is owed and no run is under way or
    unfinished; with 21 if something is not healthy or is owed, with 10 if a run holds the lock,
    with 11 to 13 if a site cannot be seen, with 14 if --fetch failed. --watch ends with 0.
    """
    from orchestrator.cli.fleet_metrics import write_fleet
    from orchestrator.cli.fleet_status import Rounds
    from orchestrator.cli.judging import exit_code
    from orchestrator.cli.watching import look_once, watch
    from orchestrator.cli.wiring import open_world
    from orchestrator.swarm.performer import Timeouts

    with open_world(Timeouts(retry=timeout / 2, head_start=timeout / 4)) as world:
        rounds = Rounds(world, sites, timeout=timeout, fetch=fetch, probes=probes)
        if watched is not None:
            watch(world, rounds, watched)
            return ExitCode.DONE
        fleet = look_once(world, rounds)
        if metrics is not None and (untold := write_fleet(metrics, world, fleet)):
            world.talk.say(untold)
        return exit_code(fleet)
