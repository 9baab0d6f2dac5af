"""up, down, status, enter, ops and the rest, without logic."""

import json
import sys
from pathlib import Path

import click

from lab import byhand, control, hosts, lifecycle, packages, paths, soak, status, suites, witness
from lab.cli.faults import fault
from lab.errors import LabError
from lab.topology import DEFAULT_SITES, DEFAULT_WORKERS, OPERATOR, OTHER_OPERATOR, Shape

_ENGINES = click.Choice(list(suites.ENGINES))
_PASS_ALL = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Five real Docker Swarms on this machine, and ways to break them."""


@cli.command()
@click.option("--sites", default=DEFAULT_SITES, show_default=True, help="How many Swarms.")
@click.option("--workers", default=DEFAULT_WORKERS, show_default=True, help="Worker nodes at kko.")
@click.option("--managers", default=1, show_default=True, help="Managers of the Swarm at kko.")
@click.option("--ingress-subnet", metavar="CIDR", help="Give every Swarm this ingress network.")
@click.option("--docker-cli", metavar="PATH", help="The docker of every host, such as an old one.")
@click.option(
    "--engine",
    type=_ENGINES,
    envvar="DTDEPLOY_LAB_ENGINE",
    show_envvar=True,
    help="Docker of this version, daemon and command, from another Debian suite (see `engine`).",
)
@click.option("--fresh", is_flag=True, help="Start anew even if a healthy lab of that shape is up.")
def up(
    *,
    sites: int,
    workers: int,
    managers: int,
    ingress_subnet: str | None,
    docker_cli: str | None,
    engine: str | None,
    fresh: bool,
) -> None:
    """Bring the lab up."""
    if engine:
        click.echo(suites.provide(engine), err=True)
    shape = Shape(sites, workers, ingress_subnet, docker_cli, engine, managers_there=managers)
    made = lifecycle.up(shape, fresh=fresh)
    click.echo("the lab is up" if made else "the lab was up already", err=True)


@cli.command()
@click.option("--purge", is_flag=True, help="Remove images, keys, repositories, database too.")
def down(*, purge: bool) -> None:
    """Take the lab down."""
    lifecycle.down(purge=purge)
    click.echo("the lab is down", err=True)


@cli.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a list of hosts.")
def status_(*, as_json: bool) -> None:
    """Show every host; exits with 1 when one is not well."""
    rows = status.status()
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in rows], indent=1))
    else:
        click.echo("\n".join(status.render(rows)))
    sys.exit(0 if all(row.healthy for row in rows) else 1)


@cli.command(name="by-hand")
@click.argument("what", type=click.Choice(["deploy", "remove"]))
def by_hand(what: str) -> None:
    """Deploy or remove the whole system with plain docker commands."""
    (byhand.deploy if what == "deploy" else byhand.remove)()


@cli.command(context_settings=_PASS_ALL)
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def enter(host: str, command: tuple[str, ...]) -> None:
    """Run a command, or a shell, on a host as root."""
    hosts.enter(host, command)


@cli.command(context_settings=_PASS_ALL)
@click.option("--elsewhere", is_flag=True, help="On the second machine, which knows nothing.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ops(command: tuple[str, ...], *, elsewhere: bool) -> None:
    """Run a command, or a shell, as the operator on the control machine."""
    control.become(command, machine=OTHER_OPERATOR if elsewhere else OPERATOR)


@cli.command(name="soak")
@click.option("--minutes", default=120.0, show_default=True, help="For how long.")
@click.option("--busy", default=2, show_default=True, help="So many busy loops beside it.")
@click.option("--quiet", default=75.0, show_default=True, help="Seconds of silence too many.")
@click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=Path("sites.yaml"),
    show_default=True,
    help="What is taken down and up.",
)
def soak_(*, minutes: float, busy: int, quiet: float, inventory: Path) -> None:
    """Take everything down and up for hours, listening for silence; exits with 1 at any."""
    found = soak.soak(
        minutes=minutes,
        busy=busy,
        quiet=quiet,
        folder=paths.folder() / "soak",
        options=("-i", str(inventory.absolute())),
    )
    soak.summary(found, click.echo)
    sys.exit(1 if found.silences else 0)


@cli.command(name="engine")
@click.argument("engine", type=_ENGINES)
def engine_(engine: str) -> None:
    """Get Docker of another version for `up --engine`, and say which it is.

    It comes from another Debian suite: from where apt has Debian, kept for all labs.
    """
    click.echo(suites.provide(engine))


@cli.command(name="packages")
def packages_() -> None:
    """Print the Debian packages that the lab needs, one a line."""
    click.echo("\n".join(packages.names()))


@cli.command(name="witness")
@click.option("--since", default=0.0, help="Seconds since 1970; default: everything.")
@click.option("--violations", is_flag=True, help="Only what was out of the safe order.")
def witness_(*, since: float, violations: bool) -> None:
    """Print what Docker and the containers themselves recorded."""
    said = witness.logs(since=since)
    if violations:
        lines = witness.violations(witness.events(), said, since=since)
    else:
        lines = witness.timeline(witness.events(since=since), said)
    click.echo("\n".join(lines))


cli.add_command(fault)


def main() -> None:
    """Run a command; what went wrong is one line."""
    try:
        cli()
    except LabError as error:
        click.echo(f"lab: {error}", err=True)
        sys.exit(1)
