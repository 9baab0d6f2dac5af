"""A plan on one screen: what goes down, in which order, from what to what, and why."""

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.command_line import typed
from orchestrator.errors import Problem
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import goes_down
from orchestrator.planning.plan import Action, Before, Plan, UnitPlan
from orchestrator.ui.change_rows import change_rows, span_rows
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.ui.docker_words import commands_once
from orchestrator.ui.plan_rows import (
    danger_rows,
    down_words,
    gap_rows,
    image_rows,
    notice_words,
    order_rows,
    refusal_words,
    revision_words,
    state_words,
    then_words,
    why_rows,
)
from orchestrator.ui.risk_words import risk_words
from orchestrator.ui.weather_words import weather_rows
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import asked, count, limit, named

_STYLES = {
    Verdict.HEALTHY: "green",
    Verdict.PENDING: "yellow",
    Verdict.UNHEALTHY: "red",
    Verdict.UNKNOWN: "red",
}
_LONGEST = 300
_SHORT_DIGEST = len("sha256:") + 12
_FEW_LINES, _FEW_COMMITS, _ALL = 6, 3, 10_000
"""How much of what differs is shown unless all of it is asked for."""


def render_plan(plan: Plan, width: int = 80, *, verbose: bool = False) -> list[str]:
    """Return a plan as plain lines; `verbose` shows every unit with all its commands."""
    return plain(plan_view(plan, verbose=verbose), width)


def print_plan(
    plan: Plan, console: Console, refused: tuple[Problem, ...] = (), *, verbose: bool = False
) -> None:
    """Print a plan; `refused` is what a run of it would be refused for."""
    show(console, plan_view(plan, refused, verbose=verbose))


def plan_view(
    plan: Plan, refused: tuple[Problem, ...] = (), *, verbose: bool = False
) -> RenderableType:
    """Return a plan to show; `refused` is what a run of it would be refused for."""
    risks = (*_some("REFUSED", "bold red", map(refusal_words, refused)), *_risks(plan))
    parts: list[RenderableType] = [_title(plan), labelled(risks, indent=0)]
    if changes := tuple(_changes(plan, verbose=verbose)):
        parts += [Text(), _heading("CHANGES"), *changes]
    if plan.changes:
        parts += [Text(), _heading("ORDER"), order_view(plan)]
    if plan.units:
        parts += [Text(), _heading("UNITS"), _units(plan)]
    if images := image_rows(plan):
        parts += [Text(), _heading("IMAGES"), labelled(_images(images, verbose=verbose))]
    parts += [Text(), _heading("WHY"), labelled(why_rows(plan))]
    if verbose:
        parts += [part for item in plan.units for part in _in_full(plan, item)]
    elif words := commands_once(plan.units):
        parts += [Text(), _heading("IN DOCKER'S WORDS")]
        parts += [whole(f"  {clean(line)}") for line in words]
    return stack_up(parts)


def _heading(words: str) -> Text:
    return Text(words, style="bold")


def _title(plan: Plan) -> RenderableType:
    acted = _acted(plan)
    sites = {item.unit.site for item in acted}
    size = f"{count(len(acted), 'unit')} at {count(len(sites), 'site')}"
    words = size if acted else "nothing to do"
    title = asked(plan.command.value, clean(plan.selection))
    return Text.assemble((title, "bold"), f": {words}")


def _acted(plan: Plan) -> list[UnitPlan]:
    return [item for item in plan.units if item.action is not Action.KEEP]


def _risks(plan: Plan) -> Iterator[tuple[Text | str, Text | str]]:
    """Yield what a person has to know before saying yes, the worst first."""
    down = [item.unit for item in plan.units if goes_down(item)]
    if plan.risk.down:
        yield Text("RISK", style="bold"), Text(shorten(clean(risk_words(plan.risk)), _LONGEST))
    yield Text("GOES DOWN", style="bold red" if down else ""), down_words(plan)
    if words := notice_words(plan):
        yield "ANNOUNCED", Text(shorten(clean(words), _LONGEST))
    for label, words in weather_rows(plan):
        style = "" if label == "GUARD" else "bold red"
        yield Text(label, style=style), Text(shorten(clean(words), _LONGEST))
    yield from _some("GAP", "bold yellow", gap_rows(plan))
    yield from _some("DANGER", "bold red", danger_rows(plan))
    yield from _some("WARNING", "bold yellow", plan.warnings)
    yield from _some("NO WAY BACK", "bold red", plan.no_way_back)
    left: dict[str, list[Unit]] = {}
    for item in plan.left_out:
        left.setdefault(clean(item.reason), []).append(item.unit)
    for reason, units in left.items():
        who = Text(
            f"{named(units)}: {shorten(reason, _LONGEST)}; owed until {typed('up', '--owed')}"
        )
        yield Text("LEFT OUT", style="bold yellow"), who
    yield from _some("UNSEEN", "bold yellow", plan.unseen)
    if plan.revisions:
        yield "REVISIONS", ", ".join(clean(str(revision)) for revision in plan.revisions)


def _some(label: str, style: str, said: Iterable[str]) -> Iterator[tuple[Text, Text]]:
    for words in said:
        yield Text(label, style=style), Text(shorten(clean(words), _LONGEST))


def _changes(plan: Plan, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield what differs of what runs, and the commits that come; most of it, not all."""
    lines, commits = (_ALL, _ALL) if verbose else (_FEW_LINES, _FEW_COMMITS)
    for row in (*change_rows(plan, lines), *span_rows(plan.spans, commits)):
        yield Text(f"  {row.who}")
        yield from (Padding(Text(line), (0, 0, 0, 4), expand=False) for line in row.lines)
        if row.more:
            yield Text(f"    and {row.more} more", style="dim")


def order_view(plan: Plan) -> RenderableType:
    """Return the waves; steps of a wave that may wait equally long share a line."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True, justify="right")
    for number, wave in enumerate(order_rows(plan), start=1):
        for index, row in enumerate(wave):
            first = f" {number}" if index == 0 else ""
            wait = f"at most {limit(row.seconds)}"
            grid.add_row(Text(first), Text(row.verb), Text(row.who), Text(wait))
    return grid


def _units(plan: Plan) -> RenderableType:
    """Return from what to what; units of which the same is true share a line."""
    groups: dict[tuple[str, ...], list[UnitPlan]] = {}
    for item in plan.units:
        key = (item.unit.stack, _now(item.before).plain, then_words(item), *item.before.words)
        groups.setdefault(key, []).append(item)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for items in groups.values():
        first = items[0]
        places = named(item.unit for item in items)
        table.add_row(Text(places), _now(first.before), Text(f"-> {then_words(first)}"))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _images(
    rows: tuple[tuple[str, str], ...], *, verbose: bool
) -> Iterator[tuple[Text | str, Text | str]]:
    for image, digest in rows:
        yield image, digest if verbose else digest[:_SHORT_DIGEST]


def _now(before: Before) -> Text:
    state = Text(state_words(before), style=_state_style(before))
    return state.append(revision_words(before), style="dim")


def _state_style(before: Before) -> str:
    if before.presence is Presence.GONE:
        return "dim"
    return _STYLES.get(before.verdict or Verdict.UNKNOWN, "red")


def _in_full(plan: Plan, item: UnitPlan) -> Iterator[RenderableType]:
    """Everything about one unit, its commands as they would be typed."""
    yield Text()
    yield _heading(str(item.unit))
    rows: list[tuple[str, str]] = [("does", f"{item.action.value}: {clean(item.reason)}")]
    rows += [("now", _now(item.before).plain)]
    rows += [("", shorten(clean(words), _LONGEST)) for words in item.before.words]
    rows += [("then", f"{item.after} from {clean(item.compose)}")] if item.after else []
    rows += [("services", ", ".join(item.services))] if item.services else []
    rows += [("needs", named(item.dependencies))] if item.dependencies else []
    rows += [("needed by", named(item.dependents))] if item.dependents else []
    rows += [("waits", _patience(item))] if item.action is not Action.KEEP else []
    steps = [step for step in plan.steps if step.unit == item.unit and step.needs]
    rows += [(step.kind.value, f"after {', '.join(step.needs)}") for step in steps]
    yield labelled(rows)
    yield from (whole(f"    $ {clean(command)}") for command in item.commands)


def _patience(item: UnitPlan) -> str:
    parts = []
    if item.remove_seconds:
        parts.append(f"at most {limit(item.remove_seconds)} until gone")
    if item.healthy_seconds:
        parts.append(f"at most {limit(item.healthy_seconds)} until healthy")
    return ", ".join(parts)
