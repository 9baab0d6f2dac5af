"""The runs that a machine remembers, newest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.errors import Problem
from orchestrator.report.timeline import Outage, Outcome
from orchestrator.ui.consoles import plain, show, stack_up
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import count, elapsed

_WIDE = 110
"""From here on what was typed fits beside the rest."""
_STYLES = {
    Outcome.DONE: "green",
    Outcome.FAILED: "bold red",
    Outcome.NO_END: "bold red",
    Outcome.NOT_BEGUN: "dim",
}
_DAMAGED = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run in a few words. `outage` is the one that matters most, None without any."""

    run: str
    began: float
    seconds: float
    who: str
    words: str
    outcome: Outcome
    unfinished: bool
    exit: int | None
    outage: Outage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRun:
    """A run whose journal cannot be read (`problem`), or tells of nothing."""

    run: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What is remembered, newest first; `more` are older and not shown."""

    entries: tuple[ListedRun | DamagedRun, ...]
    more: int = 0


def print_runs(runs: Runs, console: Console, local: Callable[[float], datetime]) -> None:
    """Print the list; `local` turns seconds since 1970 into a time of this place."""
    show(console, runs_view(runs, console.width, local))


def render_runs(runs: Runs, local: Callable[[float], datetime], width: int = 80) -> list[str]:
    """Return the list as plain lines."""
    return plain(runs_view(runs, width, local), width)


def runs_view(runs: Runs, width: int, local: Callable[[float], datetime]) -> RenderableType:
    """Return the list to show."""
    if not runs.entries:
        return Text("this machine remembers no run")
    listed = list(_wide(runs, local) if width >= _WIDE else _narrow(runs, local))
    if runs.more:
        listed.append(Text(f"and {count(runs.more, 'older run')}: --limit", style="dim"))
    return stack_up(listed)


def _wide(runs: Runs, local: Callable[[float], datetime]) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("RUN", "BEGAN", "ENDED", "DOWN", "TOOK"):
        table.add_column(name, no_wrap=True)
    table.add_column("WHAT", overflow="fold")
    table.add_row(*(Text(str(c.header), style="bold") for c in table.columns))
    for entry in runs.entries:
        what = f"{_words(entry)}{_by(entry)}"
        table.add_row(*_cells(entry, local), Text(what))
    yield table


def _narrow(runs: Runs, local: Callable[[float], datetime]) -> Iterator[RenderableType]:
    for entry in runs.entries:
        run, began, ended, down, took = _cells(entry, local)
        facts = [f"down {down}"] if down.plain else []
        facts += [f"took {took}"] if took.plain else []
        rest = f"  {', '.join(facts)}" if facts else ""
        yield Text.assemble(run, "  ", ended, rest)
        words = "  ".join(part for part in (began.plain, f"{_words(entry)}{_by(entry)}") if part)
        yield Padding(
            Text(words, style="dim" if not isinstance(entry, ListedRun) else ""), (0, 0, 0, 4)
        )


def _cells(entry: ListedRun | DamagedRun, local: Callable[[float], datetime]) -> tuple[Text, ...]:
    name = Text(clean(entry.run), style="bold")
    if isinstance(entry, DamagedRun):
        return (
            name,
            Text(),
            Text(_DAMAGED if entry.problem else "empty", "bold red"),
            Text(),
            Text(),
        )
    how = f"{entry.outcome.value}{', unfinished' if entry.unfinished else ''}"
    down = "" if entry.outage is None else elapsed(entry.outage.seconds)
    still = ", still" if entry.outage is not None and not entry.outage.over else ""
    return (
        name,
        Text(f"{local(entry.began):%Y-%m-%d %H:%M}"),
        Text(how, _STYLES.get(entry.outcome, "yellow")),
        Text(f"{down}{still}"),
        Text(elapsed(entry.seconds)),
    )


def _words(entry: ListedRun | DamagedRun) -> str:
    if isinstance(entry, ListedRun):
        return clean(entry.words)
    problem = entry.problem
    if problem is None:
        return "its journal tells of nothing"
    fix = f"; next: {clean(problem.fix)}" if problem.fix else ""
    return f"{clean(problem.what)}{fix}"


def _by(entry: ListedRun | DamagedRun) -> str:
    return f"  ({clean(entry.who)})" if isinstance(entry, ListedRun) else ""


def runs_json(runs: Runs) -> dict[str, Any]:
    """Return the list as the one line of `dtdeploy --json runs`.

    event, runs [run, began, seconds, who, words, outcome, unfinished, exit_code, outage {unit,
    seconds, over} (or null)], unreadable [run, code, what] (null where a journal is empty), more.
    Times are seconds, `began` since 1970.
    """
    listed = [entry for entry in runs.entries if isinstance(entry, ListedRun)]
    damaged = [entry for entry in runs.entries if isinstance(entry, DamagedRun)]
    return {
        "event": "runs",
        "runs": [_listed_json(entry) for entry in listed],
        "unreadable": [
            {
                "run": entry.run,
                "code": entry.problem.code if entry.problem else None,
                "what": _words(entry),
            }
            for entry in damaged
        ],
        "more": runs.more,
    }


def _listed_json(entry: ListedRun) -> dict[str, Any]:
    outage = entry.outage
    return {
        "run": entry.run,
        "began": round(entry.began, 3),
        "seconds": round(entry.seconds, 3),
        "who": clean(entry.who),
        "words": clean(entry.words),
        "outcome": entry.outcome.value,
        "unfinished": entry.unfinished,
        "exit_code": entry.exit,
        "outage": None
        if outage is None
        else {"unit": str(outage.unit), "seconds": round(outage.seconds, 3), "over": outage.over},
    }
