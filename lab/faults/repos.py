"""What people push: broken files, rewritten history, images that misbehave."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab import commits, state
from lab.daemons import registry
from lab.standins.kinds import Kind
from lab.standins.repos import ADMIN, DATATRAIL, source, stack_file
from lab.topology import COORDINATOR

_MAIN_FILE = {
    DATATRAIL: "stacks/daemon-compose.yaml",
    ADMIN: "stacks/chime-client.yaml",
}
_FALLBACK_FILE = "l4-terminus/postgres/compose.yml"


def commit(repo: str, changes: Mapping[str, str | None]) -> str:
    """Push new contents of files (None deletes one) and return the commit's SHA."""
    return commits.commit(repo, changes, "Change files")


def broken(repo: str, path: str | None = None) -> str:
    """Push a compose file that is no YAML."""
    path = path or _main_file(repo)
    text = commits.read(repo, path) + "\nservices: [oops\n  : }\n"
    return commits.commit(repo, {path: text}, "Tidy up")


def unset_variable(repo: str, path: str | None = None) -> str:
    """Push a compose file that uses a variable which nobody sets."""
    path = path or _main_file(repo)
    text = commits.read(repo, path)
    anchor = "    environment:\n"
    text = text.replace(anchor, f"{anchor}      NEEDED: ${{UNSET_THING}}\n", 1)
    return commits.commit(repo, {path: text}, "Use a setting")


def force_push(repo: str, changes: Mapping[str, str | None] | None = None) -> str:
    """Replace the last commit of main by another one."""
    tip = commits.head(repo)
    note: dict[str, str | None] = {"REWRITTEN.md": f"This replaces {tip}.\n"}
    return commits.commit(repo, changes or note, "Rewrite history", rewrite=True)


def image(
    kind: Kind | str, *, stack: str, service: str | Sequence[str], site: str = COORDINATOR
) -> str:
    """Push a compose file in which some services are of a kind and all others are good."""
    names = [service] if isinstance(service, str) else list(service)
    place = source(stack, site)
    kinds = dict.fromkeys(names, Kind(kind))
    text = stack_file(state.current().shape, stack, site, kinds)
    return commits.commit(place.repo, {place.path: text}, f"Use another image at {site}")


def retag() -> None:
    """Push other images under the tags that are there; `pristine` puts the former ones back."""
    registry.move_tags()


def pristine(*, few: bool | None = None) -> None:
    """Push the stand-ins as they are when nothing is wrong.

    `few` makes do with one or two services of each kind, from now on; False takes all again.
    """
    lab = state.current()
    if few is not None and few != lab.shape.few:
        lab.shape = replace(lab.shape, few=few)
        lab.save()
    commits.make_pristine(lab.shape)
    registry.fill()


def _main_file(repo: str) -> str:
    return _MAIN_FILE.get(repo, _FALLBACK_FILE)
