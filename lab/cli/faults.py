"""python -m lab fault ...: one command a fault."""

from pathlib import Path

import click

from lab import faults
from lab.daemons.channel import Manner, behave

_UP_DOWN = click.Choice(["up", "down"])
_POSTGRES = click.Choice(["up", "down", "freeze", "thaw"])
_MANNER = click.Choice([manner.value for manner in Manner])
_KIND = click.Choice([kind.value for kind in faults.Kind])


@click.group()
def fault() -> None:
    """Break something; `fault heal` undoes network and process faults, `fault pristine` pushes."""


def _on_host(name: str, help_text: str) -> None:
    deed = getattr(faults, name.replace("-", "_"))

    @fault.command(name=name, help=help_text)
    @click.argument("host")
    def command(host: str) -> None:
        deed(host)


_on_host("cut", "Drop every packet of a site or a host.")
_on_host("reject", "Reset every connection to a site or a host.")
_on_host("hang", "Take connections to a site or a host, and let nothing through.")
_on_host("docker-stop", "Stop dockerd and its containers.")
_on_host("docker-crash", "Kill dockerd; its containers live on.")
_on_host("docker-start", "Start a stopped dockerd.")
_on_host("docker-freeze", "Freeze dockerd; its containers run on.")
_on_host("docker-thaw", "Let a frozen dockerd run again.")
_on_host("registry-logout", "Take the registry login away from a manager.")
_on_host("registry-login", "Log a manager in to the registry.")
_on_host("quorum-loss", "Make a site's Swarm lose its quorum.")
_on_host("quorum-restore", "Give a site's Swarm its quorum back.")


@fault.command()
@click.argument("host", required=False)
def heal(host: str | None) -> None:
    """Undo every network and process fault of a site, a host or the lab."""
    faults.heal(host)


@fault.command()
@click.argument("host")
@click.option("--rate", help="Such as 64kbit; the whole link.")
@click.option("--delay-ms", default=0, help="Each way, on new SSH connections.")
def slow(host: str, *, rate: str | None, delay_ms: int) -> None:
    """Make the link to a host slow."""
    faults.slow(host, rate=rate, delay_ms=delay_ms)


@fault.command()
@click.argument("host")
@click.option("--restore", is_flag=True, help="Put the true key back.")
def hostkey(host: str, *, restore: bool) -> None:
    """Show another SSH host key than the operator knows."""
    (faults.hostkey_restore if restore else faults.hostkey)(host)


@fault.command()
@click.argument("what", type=_UP_DOWN)
def registry(what: str) -> None:
    """Stop or start the registry."""
    (faults.registry_up if what == "up" else faults.registry_down)()


@fault.command()
def retag() -> None:
    """Push other images under the same tags."""
    faults.retag()


@fault.command()
@click.argument("what", type=_UP_DOWN)
def git(what: str) -> None:
    """Stop or start the git server."""
    (faults.git_up if what == "up" else faults.git_down)()


@fault.command()
@click.argument("what", type=_POSTGRES)
def postgres(what: str) -> None:
    """Stop, start, freeze or thaw PostgreSQL."""
    deeds = {"down": faults.postgres_down, "freeze": faults.postgres_freeze}
    deeds.get(what, faults.postgres_up)()


@fault.command()
@click.argument("how", type=_MANNER)
def channel(how: str) -> None:
    """Let the place where downtime is announced answer so."""
    behave(Manner(how))


@fault.command()
@click.argument("repo")
@click.option("--path", help="The file to change.")
@click.option("--content-file", type=click.Path(exists=True, path_type=Path), help="Its content.")
@click.option("--delete", help="A file to delete.")
@click.option("--broken", is_flag=True, help="A compose file that is no YAML.")
@click.option("--unset-variable", is_flag=True, help="A compose file with an unset variable.")
@click.option("--force-push", is_flag=True, help="Replace the last commit.")
def commit(
    repo: str,
    *,
    path: str | None,
    content_file: Path | None,
    delete: str | None,
    broken: bool,
    unset_variable: bool,
    force_push: bool,
) -> None:
    """Push a commit and print its SHA."""
    changes: dict[str, str | None] = {}
    if delete:
        changes[delete] = None
    if path and content_file:
        changes[path] = content_file.read_text()
    if broken:
        sha = faults.broken(repo, path)
    elif unset_variable:
        sha = faults.unset_variable(repo, path)
    elif force_push:
        sha = faults.force_push(repo, changes or None)
    elif changes:
        sha = faults.commit(repo, changes)
    else:
        raise click.UsageError("say what to commit: --path with --content-file, --delete, ...")
    click.echo(sha)


@fault.command()
@click.option("--few/--all", default=None, help="One or two services of each kind, or every one.")
def pristine(*, few: bool | None) -> None:
    """Push all repositories as they are when nothing is wrong."""
    faults.pristine(few=few)


@fault.command()
@click.argument("kind", type=_KIND)
@click.option("--stack", required=True)
@click.option("--service", required=True, multiple=True, help="Its short name; again for more.")
@click.option("--site", default="chime", show_default=True)
def image(kind: str, *, stack: str, service: tuple[str, ...], site: str) -> None:
    """Push a compose file in which a service misbehaves (all others are good)."""
    click.echo(faults.image(kind, stack=stack, service=service, site=site))


@fault.command()
@click.argument("host")
@click.argument("name")
@click.option("--remove", is_flag=True)
@click.option("--replicas", default=1, show_default=True)
@click.option("--published", type=int, help="A port on the ingress network.")
def stack(host: str, name: str, *, remove: bool, replicas: int, published: int | None) -> None:
    """Deploy a stack that nobody declared."""
    if remove:
        faults.stack_remove(host, name)
    else:
        faults.stack(host, name, replicas=replicas, published=published)
