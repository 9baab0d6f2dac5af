"""How a run is shown: chosen once, from who listens and what was asked for."""

from collections.abc import Mapping
from enum import Enum


class Mode(Enum):
    """How a run is shown."""

    LIVE = "live"
    LINES = "lines"
    JSON = "json"


def choose_mode(
    *, as_json: bool, tty: bool, environ: Mapping[str, str], plain: bool = False
) -> Mode:
    """Choose how to show a run.

    Args:
        as_json: --json was given.
        tty: the stream that progress goes to is a terminal.
        plain: --plain was given: a screen reader reads a board anew whenever it moves.
        environ: CI and TERM are read; in CI nobody watches, whatever the stream claims.

    """
    if as_json:
        return Mode.JSON
    dumb = environ.get("TERM", "").lower() in ("", "dumb", "unknown")
    quiet = plain or dumb or automated(environ)
    return Mode.LIVE if tty and not quiet else Mode.LINES


def automated(environ: Mapping[str, str]) -> bool:
    """Whether `CI` says that this is a job that nobody watches."""
    return environ.get("CI", "").lower() not in ("", "0", "false")
