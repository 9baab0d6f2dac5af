"""The whole fleet on one screen: what runs where, how well, and at which revision."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner, typed
from orchestrator.errors import Problem
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import SiteState
from orchestrator.procedures.effects import Probed
from orchestrator.procedures.owed import Owed
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.ui.holding import HeldRun, holding_view
from orchestrator.ui.problems import problems_view
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import count, elapsed, named, running_at

_FINISHED = "finished"
_STYLES = {
    "healthy": "green",
    _FINISHED: "green",
    "pending": "yellow",
    "gone": "dim",
    "asking": "dim",
}
_MOST_NAMED = 3
_MOST_WORDS = 3
_LONGEST = 300
_OLD_SECONDS = 60.0
_REVISION_WIDTH = 18
"""Columns: enough for a revision, or for the longer of two words that stand for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """What is known of one unit.

    `revision` is "" when no dtdeploy deployed what runs; `newer_commits` how many its ref has
    beyond it, None where nobody asked; `since_seconds` how long the same tasks have been
    running; `differing` in how many things it is not as declared; `words` all that is wrong with
    it: a unit with any is not well; `finished` services that have done what they are
    for; `probes` what its probes were answered, where they were sent.
    """

    unit: Unit
    site_state: SiteState
    presence: Presence
    verdict: Verdict | None = None
    running: int = 0
    expected: int = 0
    revision: str = ""
    newer_commits: int | None = None
    since_seconds: float | None = None
    differing: int | None = None
    words: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    probes: tuple[Probed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All of it: units, stacks nobody declared, sites that do not answer, sites to come.

    `undeclared` are stacks that are ours by their name, `beside` those of which nobody said.
    `owed` are units still to be brought back, `holding` who holds the lock, `waiting` sites that
    may still answer. `mirrors` are the repos and when each was last fetched here (None: nobody
    knows), `missing` those of which nothing is here, `unfetched` and `unread` why it was not
    fetched or read what is declared. `detours` are sites that are seen through another manager
    than their first, and which. `nodes` are nodes that nobody can see, in words. `now` is our
    clock. All clocks in seconds since 1970.
    """

    rows: tuple[StatusRow, ...]
    undeclared: tuple[Unit, ...] = ()
    beside: tuple[Unit, ...] = ()
    unreachable: tuple[Problem, ...] = ()
    planned: tuple[str, ...] = ()
    owed: tuple[Owed, ...] = ()
    holding: HeldRun | None = None
    now: float = 0.0
    waiting: tuple[str, ...] = ()
    mirrors: tuple[tuple[str, float | None], ...] = ()
    missing: tuple[str, ...] = ()
    unfetched: tuple[Problem, ...] = ()
    unread: tuple[Problem, ...] = ()
    detours: tuple[tuple[str, str], ...] = ()
    nodes: tuple[str, ...] = ()
    needed: frozenset[Unit] = frozenset()
    """Units under which something runs that needs them."""


def render_status(fleet: Fleet, width: int = 80) -> list[str]:
    """Return the fleet as plain lines."""
    return plain(status_view(fleet), width)


def print_status(fleet: Fleet, console: Console, manner: Manner = AS_IT_IS) -> None:
    """Print the fleet."""
    show(console, status_view(fleet, manner))


def status_view(fleet: Fleet, manner: Manner = AS_IT_IS) -> RenderableType:
    """Return the fleet to show: units first, the trouble last, where the eye is."""
    parts: list[RenderableType] = [holding_view(fleet.holding, manner)] if fleet.holding else []
    parts += [_headline(fleet)]
    parts += [_table(fleet)] if fleet.rows else []
    if words := [row for row in fleet.rows if row.words]:
        parts += [Text(), Text("NOT WELL", style="bold"), labelled(_reasons(words))]
    notes: list[tuple[Text | str, Text | str]] = [
        (Text("OWED", style="bold yellow"), words) for words in _owed(fleet)
    ]
    notes += [("PROBES", line) for row in fleet.rows for line in _probes(row)]
    notes += [
        ("FINISHED", f"{row.unit}: {clean(', '.join(row.finished))}")
        for row in fleet.rows
        if row.finished
    ]
    notes += [
        (Text("UNDECLARED", style="bold red"), f"{unit} runs and no inventory line declares it")
        for unit in fleet.undeclared
    ]
    notes += [("BESIDE", words) for words in _beside(fleet)]
    notes += [(Text("NODES", style="bold yellow"), clean(words)) for words in fleet.nodes]
    watched = [row.unit for row in fleet.rows if row.site_state is SiteState.WATCHED]
    notes += [("WATCHED", f"{named(watched)} (never changed)")] if watched else []
    notes += [("PLANNED", f"{', '.join(fleet.planned)} (not contacted)")] if fleet.planned else []
    notes += [
        (Text("THROUGH", style="yellow"), f"{host}: the first manager of {site} does not answer")
        for site, host in fleet.detours
    ]
    notes += _declared(fleet)
    if notes:
        parts += [Text(), labelled(notes, indent=0)]
    if command := _next(fleet):
        when = _awaited(fleet) if fleet.owed else ""
        parts += [whole("NEXT  ", (manner.fit(command), "bold cyan"), (when, "dim"))]
    if problems := fleet.unreachable + fleet.unfetched:
        parts += [Text(), problems_view(problems, manner=manner)]
    return stack_up(parts)


def _beside(fleet: Fleet) -> Iterator[str]:
    if fleet.beside:
        names = ", ".join(sorted({unit.stack for unit in fleet.beside}))
        yield clean(f"{named(fleet.beside)}: not declared; if not yours: ignore: [{names}]")


def _next(fleet: Fleet) -> str:
    """Return what to type, "" where nothing is to be done, or a run that holds the lock says it."""
    if fleet.holding is not None:
        return ""
    if fleet.owed:
        return typed("up", "--owed")
    if fleet.unreachable or fleet.waiting:
        return ""
    down = [
        row.unit
        for row in fleet.rows
        if not _well(row)
        and row.site_state is SiteState.ACTIVE
        and row.verdict is not Verdict.PENDING
    ]
    if not down:
        return ""
    verb = "restart" if any(_in_part(fleet, row) for row in fleet.rows) else "up"
    return typed(verb, *(down if len(down) <= _MOST_NAMED else ("--all",)))


def _in_part(fleet: Fleet, row: StatusRow) -> bool:
    """Whether a unit runs in part, and `up` would restart that under what needs it: refused."""
    moved = bool(row.newer_commits) and row.running > 0
    return moved and not _well(row) and row.unit in fleet.needed


def _awaited(fleet: Fleet) -> str:
    """Say which sites have to answer before what is owed can be brought back."""
    silent = {problem.where.site for problem in fleet.unreachable}
    away = dict.fromkeys(item.unit.site for item in fleet.owed if item.unit.site in silent)
    return f"   # once {' and '.join(away)} answers" if away else ""


def _owed(fleet: Fleet) -> Iterator[str]:
    """Say what is owed; units that one run owes for one reason share a line."""
    alike: dict[tuple[str, str], list[Owed]] = {}
    for item in fleet.owed:
        alike.setdefault((item.run, item.reason), []).append(item)
    for (run, reason), items in alike.items():
        since = min(item.since for item in items)
        long = f" for {elapsed(max(0.0, fleet.now - since))}" if since else ""
        by = f", by run {clean(run)}" if run else ""
        who = clean(named(item.unit for item in items))
        yield f"{who}{long}{by}: {shorten(clean(reason), _LONGEST)}"


def _well(row: StatusRow) -> bool:
    healthy = row.presence is Presence.PRESENT and row.verdict is Verdict.HEALTHY
    return healthy and not row.words


def _headline(fleet: Fleet) -> Text:
    well = sum(_well(row) for row in fleet.rows)
    size = count(len(fleet.rows), "unit")
    style = "bold green" if well == len(fleet.rows) else "bold yellow"
    line = Text(f"{well} of {size} healthy", style=style)
    return line.append(f", asking {', '.join(fleet.waiting)} ...") if fleet.waiting else line


def _declared(fleet: Fleet) -> Iterator[tuple[Text | str, Text | str]]:
    """Say what is not as declared, and how old that knowledge is."""
    if differing := [row.unit for row in fleet.rows if row.differing]:
        yield (
            Text("DRIFT", style="yellow"),
            f"{named(differing)} ({typed('drift')} tells in what)",
        )
    for problem in fleet.unread:
        yield "DRIFT", f"not known: {shorten(clean(problem.what), _LONGEST)}"
    if fleet.missing:
        yield "GIT", f"nothing of {', '.join(fleet.missing)} is here yet (--fetch)"
    ages = [fleet.now - at for _, at in fleet.mirrors if at is not None]
    if ages and max(ages) >= _OLD_SECONDS:
        old = elapsed(max(ages))
        yield "GIT", Text(f"as fetched {old} ago; --fetch asks for newer commits", style="dim")


def _table(fleet: Fleet) -> RenderableType:
    rows = fleet.rows
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("UNIT", overflow="fold")
    table.add_column("STATE", no_wrap=True)
    table.add_column("TASKS", no_wrap=True, justify="right")
    timed = any(row.since_seconds is not None for row in rows)
    if timed:
        table.add_column("FOR", no_wrap=True, justify="right")
    table.add_column("REVISION", overflow="fold", max_width=_REVISION_WIDTH)
    for row in rows:
        table.add_row(*_cells(row, timed=timed, asking=row.unit.site in fleet.waiting))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _cells(row: StatusRow, *, timed: bool, asking: bool) -> Iterator[Text]:
    state = "asking" if asking else _state(row)
    present = row.presence is Presence.PRESENT
    yield Text(str(row.unit))
    yield Text(state, style=_STYLES.get(state, "bold red"))
    yield Text(f"{row.running}/{row.expected}" if present else "-")
    if timed:
        yield Text(elapsed(row.since_seconds) if row.since_seconds is not None else "-")
    yield Text(_revision(row) if present else "-")


def _probes(row: StatusRow) -> Iterator[Text]:
    for answer in row.probes:
        line = Text(f"{row.unit} {clean(answer.name)}: ")
        words = shorten(clean(answer.words), _LONGEST)
        line.append(words, style="green" if answer.ok else "bold red")
        yield line.append(f" after {answer.seconds:.2f} s")


def _state(row: StatusRow) -> str:
    judged = row.verdict or Verdict.UNKNOWN
    if row.finished and not row.expected and _well(row):
        return _FINISHED
    return judged.value if row.presence is Presence.PRESENT else row.presence.value


def _revision(row: StatusRow) -> str:
    words = running_at(row.revision).removeprefix("at ")
    if row.newer_commits is None or not row.revision:
        return words
    return f"{words} ({count(row.newer_commits, 'commit')} behind)" if row.newer_commits else words


def _reasons(rows: list[StatusRow]) -> Iterator[tuple[str, str]]:
    alike: dict[tuple[str, ...], list[Unit]] = {}
    for row in rows:
        alike.setdefault(row.words, []).append(row.unit)
    for words, units in alike.items():
        shown = words[:_MOST_WORDS]
        more = len(words) - len(shown)
        for index, line in enumerate(shown):
            yield named(units) if index == 0 else "", shorten(clean(line), _LONGEST)
        if more:
            yield "", f"and {more} more (--json shows all)"
