import re
from typing import Any

import click

from orchestrator.cli.log_options import check_since, read_pattern, read_since
from orchestrator.cli.options import by_site, by_stack, names, request_of


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every unit; so it is without any name.")
@by_site
@by_stack
@click.option(
    "--since",
    metavar="TIME",
    callback=check_since,
    help="Only what was written since: 10m or 1h30m ago, 23:15, or 2026-11-22T23:15Z. Without a"
    " zone it is yours.",
)
@click.option(
    "--tail",
    type=click.IntRange(min=0, max=100_000),
    metavar="N",
    help="The newest N lines of each service: 100, or with --since 10000.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--grep",
    metavar="REGEX",
    callback=read_pattern,
    help="Only lines in which this is found, among the newest 10000 of each task. (?i) in front"
    " takes capitals for small letters.",
)
@click.argument(
    "units",
    nargs=-1,
    metavar="[STACK@SITE[/SERVICE]]...",
    shell_complete=lambda ctx, _param, word: names(ctx, "unit", word),
)
def logs(
    since: str | None,
    tail: int | None,
    grep: re.Pattern[str] | None,
    *,
    follow: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Show what services write, at all sites at once, in the order of time.

    Without a name: everything. SERVICE is the name in the compose file; `*` stands for any
    letters. Times are yours; in a pipe and with --json each line has its date and zone.

    \b
      dtdeploy logs datatrail@chime
      dtdeploy logs --stack datatrail-client --since 10m --grep '(?i)error'
      dtdeploy logs 'datatrail-client@kko/*worker*' -f

    Lines of tasks that ended are there as long as Docker keeps them, five tasks back; of a stack
    that was removed nothing is left. Ends with 0, with 11 to 13 if a site, or a node of it, gave
    nothing: that is said on stderr, and the others are shown all the same.
    """
    from orchestrator.cli.showing_logs import Wanted, show_logs
    from orchestrator.cli.wiring import open_world

    with open_world() as world:
        wanted = Wanted(
            since=read_since(since, world.talk.clock()) if since else 0.0,
            tail=tail,
            grep=grep,
            follow=follow,
        )
        return show_logs(world, request_of(**selection), wanted)
