"""Where what runs differs from what is declared, one line each."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.errors import Problem
from orchestrator.fleet.presence import Presence
from orchestrator.planning.differences import UnitDrift
from orchestrator.sources.span import Span
from orchestrator.ui.change_rows import change_words, span_rows
from orchestrator.ui.consoles import plain, show, stack_up
from orchestrator.ui.problems import problems_view
from orchestrator.words.phrases import count, running_at, short

_MOST_COMMITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetDrift:
    """Every unit that was asked about, the commits that came since, and what cannot be seen."""

    units: tuple[UnitDrift, ...]
    spans: tuple[Span, ...] = ()
    unreachable: tuple[Problem, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything is not as declared, as far as it can be seen."""
        return any(unit.differs for unit in self.units)


def render_drift(fleet: FleetDrift, width: int = 80) -> list[str]:
    """Return it as plain lines."""
    return plain(drift_view(fleet), width)


def print_drift(fleet: FleetDrift, console: Console, manner: Manner = AS_IT_IS) -> None:
    """Print it."""
    show(console, drift_view(fleet, manner))


def drift_view(fleet: FleetDrift, manner: Manner = AS_IT_IS) -> RenderableType:
    """Return it to show: the count first, then a line each, then what cannot be seen."""
    parts: list[RenderableType] = [_headline(fleet)]
    if fleet.units:
        parts.append(_table(fleet))
    for row in span_rows(fleet.spans, _MOST_COMMITS):
        parts += [Text(), Text(f"COMMITS {row.who}", style="bold")]
        parts += [Text(f"  {line}") for line in row.lines]
        parts += [Text(f"  and {row.more} more")] if row.more else []
    if fleet.unreachable:
        parts += [Text(), problems_view(fleet.unreachable, manner=manner)]
    return stack_up(parts)


def _headline(fleet: FleetDrift) -> Text:
    seen = [unit for unit in fleet.units if unit.presence is not Presence.UNKNOWN]
    differing = [unit for unit in seen if unit.differs]
    words = f"{len(differing)} of {count(len(seen), 'unit')} differ from what is declared"
    text = Text(words if differing else f"no drift: {count(len(seen), 'unit')} as declared")
    if unseen := len(fleet.units) - len(seen):
        text.append(f", {unseen} cannot be seen", style="red")
    return text


def _table(fleet: FleetDrift) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for unit in fleet.units:
        for words, style in _lines(unit):
            table.add_row(Text(str(unit.unit)), Text(words, style=style))
    return table


def _lines(unit: UnitDrift) -> Iterator[tuple[str, str]]:
    if unit.presence is Presence.UNKNOWN:
        yield "unknown", "red"
    elif unit.presence is Presence.GONE:
        yield "not deployed", "yellow"
    for change in unit.changes:
        yield change_words(change), "yellow"
    if unit.presence is Presence.PRESENT and not unit.changes:
        other = unit.revision not in ("", unit.pinned.sha)
        then = f", which says the same as {short(unit.pinned.sha)}" if other else ""
        yield f"as declared, {running_at(unit.revision)}{then}", "dim"
