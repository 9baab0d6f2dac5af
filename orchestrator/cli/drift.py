from typing import Any

import click

from orchestrator.cli.options import at_refs, request_of, selecting
from orchestrator.errors import ExitCode, worst


@click.command()
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="End with 2 when anything differs.",
)
@selecting
@at_refs
def drift(
    refs: dict[str, str],
    *,
    detailed_exitcode: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Show where what runs differs from what is declared, one line each.

    Compares every service with its compose file at the inventory's refs, at watched sites as
    well; changes nothing. Without a selection everything is compared.

    \b
      dtdeploy drift
      dtdeploy drift --site kko --detailed-exitcode
      dtdeploy drift datatrail-client@kko --ref datatrail-admin=v1.2

    Ends with 0, with 2 if anything differs and --detailed-exitcode is given, with 11 to 13 if a
    site cannot be seen; the others are shown all the same.
    """
    from orchestrator.cli.differing import fleet_drift
    from orchestrator.cli.meeting import meet
    from orchestrator.cli.wiring import open_world

    with open_world() as world:
        if holding := meet(world):
            world.talk.notice(holding)
        found = fleet_drift(world, request_of(**selection), refs)
        world.talk.drift(found)
        if found.unreachable:
            return worst(found.unreachable)
        return ExitCode.CHANGES if detailed_exitcode and found.differs else ExitCode.DONE
