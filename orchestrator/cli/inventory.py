import json
from typing import Literal

import click

from orchestrator.cli.wiring import open_talk, open_world, read_inventory
from orchestrator.errors import ExitCode
from orchestrator.inventory.model import SiteState
from orchestrator.words.foreign import clean


@click.group()
def inventory() -> None:
    """Check or show the site inventory; reads local files, and the compose files if asked."""


@inventory.command()
@click.option(
    "--sources",
    is_flag=True,
    help="Fetch the repositories too: name what units use of each other and no depends_on says.",
)
def check(*, sources: bool) -> int:
    """Check sites.yaml and stacks/, and report everything that is wrong at once.

    \b
      dtdeploy inventory check
      dtdeploy inventory check --sources
    """
    found = read_inventory()
    warnings = found.warnings
    if sources:
        from orchestrator.cli.checking import unsaid

        with open_world() as world:
            warnings += unsaid(world)
    for warning in warnings:
        click.echo(clean(f"warning: {warning.where}: {warning.what}"), err=True)
        click.echo(f"    fix: {clean(warning.fix)}", err=True)
    active = sum(site.state is SiteState.ACTIVE for site in found.sites)
    click.echo(
        f"{clean(found.path)}: {len(found.sites)} sites ({active} active), {len(found.units)} units"
    )
    return ExitCode.DONE


@inventory.command()
def show() -> int:
    """Show sites, stacks and what depends on what, all placeholders filled in."""
    open_talk().inventory(read_inventory())
    return ExitCode.DONE


@inventory.command()
@click.argument(
    "which",
    type=click.Choice(["sites", "stack", "plan", "plan-file", "report", "status"]),
    default="sites",
)
def schema(which: Literal["sites", "stack", "plan", "plan-file", "report", "status"]) -> int:
    """Print the JSON Schema of sites.yaml, stacks/, a plan, its file, a report, a status."""
    # All of these are rarely needed, and slow to import.
    from orchestrator.inventory.schema_json import json_schema
    from orchestrator.planning import plan_file
    from orchestrator.report.schema import report_schema
    from orchestrator.ui.plan_schema import plan_schema
    from orchestrator.ui.status_schema import status_schema

    match which:
        case "status":
            made = status_schema()
        case "plan":
            made = plan_schema()
        case "plan-file":
            made = plan_file.json_schema()
        case "report":
            made = report_schema()
        case _:
            made = json_schema(which)
    click.echo(json.dumps(made, indent=2))
    return ExitCode.DONE
