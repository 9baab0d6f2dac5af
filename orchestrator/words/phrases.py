"""How values are said in words: durations, counts, revisions, lists of units."""

from collections.abc import Iterable

from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Unit

OWED = "up --owed"
"""The selection of a plan for what is owed: it is a restart of no other name."""
_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_SHA = 40


def elapsed(seconds: float) -> str:
    """Say a measured duration: `7.3 s`, `42 s`, `2 min 5 s`, `3 h 10 min`, `4 d 2 h`."""
    return f"{seconds:.1f} s" if seconds < 9.95 else limit(seconds)  # noqa: PLR2004 - shown as 10 s


def limit(seconds: float) -> str:
    """Say a limit: like a duration, without a fraction of a second."""
    whole = round(seconds)
    if whole < _MINUTE * 2:
        return f"{whole} s"
    for size, name, below, small in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def count(number: int, noun: str) -> str:
    """Say how many: `1 unit`, `2 units`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def asked(command: str, selection: str) -> str:
    """Say what was asked for, as it would be typed: `restart --all`, `rollback RUN`."""
    whole = selection.startswith((f"{command} ", OWED))
    return selection if whole else f"{command} {selection}".strip()


def running_at(revision: str) -> str:
    """Say at which revision something runs: short, or that dtdeploy did not deploy it."""
    if revision == MIXED:
        return "at mixed revisions"
    return f"at {short(revision)}" if revision else "not by dtdeploy"


def short(revision: str) -> str:
    """Return the first ten digits of a full SHA, anything else as it is."""
    return revision[:10] if len(revision) == _SHA else revision


def named(units: Iterable[Unit]) -> str:
    """List units, the stack said once: `datatrail@chime, datatrail-client@kko, @gbo`."""
    by_stack: dict[str, list[str]] = {}
    for unit in units:
        by_stack.setdefault(unit.stack, []).append(unit.site)
    return ", ".join(f"{stack}@{', @'.join(sites)}" for stack, sites in by_stack.items())


def some(words: Iterable[str], most: int) -> str:
    """Join the first `most` with commas and say how many more there are."""
    every = tuple(words)
    shown = "; ".join(every[:most])
    return shown if len(every) <= most else f"{shown}; and {len(every) - most} more"
