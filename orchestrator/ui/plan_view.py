"""A plan on one screen: what goes down, in which order, from what to what, and why."""

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Plan, Step, StepKind, UnitPlan
from orchestrator.planning.steps import step_waves
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.ui.docker_words import commands_once
from orchestrator.ui.foreign import clean, shorten
from orchestrator.ui.phrases import asked, count, limit, named, running_at, short

_VERBS = {
    StepKind.EXAMINE: "check",
    StepKind.PREPARE: "prepare",
    StepKind.REMOVE: "down",
    StepKind.DEPLOY: "up",
    StepKind.SETTLE: "watch",
}
_NOTES = {
    StepKind.EXAMINE: "changes nothing",
    StepKind.PREPARE: "ship files, pull images",
}
_STYLES = {
    Verdict.HEALTHY: "green",
    Verdict.PENDING: "yellow",
    Verdict.UNHEALTHY: "red",
    Verdict.UNKNOWN: "red",
}
_LONGEST = 300
_MOST_SITES = 10
"""More sites than this are counted where each of them is named further down anyway."""


def render_plan(plan: Plan, width: int = 80, *, verbose: bool = False) -> list[str]:
    """Return a plan as plain lines; `verbose` shows every unit with all its commands."""
    return plain(plan_view(plan, verbose=verbose), width)


def print_plan(plan: Plan, console: Console, *, verbose: bool = False) -> None:
    """Print a plan."""
    show(console, plan_view(plan, verbose=verbose))


def plan_view(plan: Plan, *, verbose: bool = False) -> RenderableType:
    """Return a plan to show."""
    parts: list[RenderableType] = [_title(plan), labelled(_risks(plan), indent=0)]
    if plan.changes:
        parts += [Text(), _heading("ORDER"), _order(plan)]
    if plan.units:
        parts += [Text(), _heading("UNITS"), _units(plan)]
    parts += [Text(), _heading("WHY"), labelled(_why(plan))]
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
    down = [
        item.unit
        for item in plan.units
        if item.action in (Action.RESTART, Action.DOWN)
        and item.before.presence is not Presence.GONE
    ]
    yield Text("GOES DOWN", style="bold red" if down else ""), named(down) or "nothing"
    dangers = [*plan.dangers]
    dangers += [f"{item.unit}: {danger}" for item in plan.units for danger in item.dangers]
    for danger in dangers:
        yield Text("DANGER", style="bold red"), Text(shorten(clean(danger), _LONGEST))
    left: dict[str, list[Unit]] = {}
    for item in plan.left_out:
        left.setdefault(clean(item.reason), []).append(item.unit)
    for reason, units in left.items():
        who = Text(f"{named(units)}: {shorten(reason, _LONGEST)}; owed until dtdeploy up --owed")
        yield Text("LEFT OUT", style="bold yellow"), who
    for words in plan.unseen:
        yield Text("UNSEEN", style="bold yellow"), Text(shorten(clean(words), _LONGEST))
    if plan.revisions:
        yield "REVISIONS", ", ".join(clean(str(revision)) for revision in plan.revisions)


def _order(plan: Plan) -> RenderableType:
    """Return the waves; steps of a wave that may wait equally long share a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True, justify="right")
    for number, wave in enumerate(_shown_waves(plan), start=1):
        for index, (kind, seconds, steps) in enumerate(_alike(wave)):
            first = f" {number}" if index == 0 else ""
            wait = f"at most {limit(seconds)}"
            table.add_row(Text(first), Text(_VERBS[kind]), Text(_who(kind, steps)), Text(wait))
    return table


def _shown_waves(plan: Plan) -> Iterator[tuple[Step, ...]]:
    """Yield the waves, the watching afterwards as one last wave: nothing waits for it."""
    watched: list[Step] = []
    for wave in step_waves(plan.steps):
        watched += [step for step in wave if step.kind is StepKind.SETTLE]
        if shown := tuple(step for step in wave if step.kind is not StepKind.SETTLE):
            yield shown
    if watched:
        yield tuple(watched)


def _alike(wave: tuple[Step, ...]) -> list[tuple[StepKind, float, list[Step]]]:
    groups: dict[tuple[StepKind, float], list[Step]] = {}
    for step in wave:
        groups.setdefault((step.kind, step.wait_seconds), []).append(step)
    return [(kind, seconds, steps) for (kind, seconds), steps in groups.items()]


def _who(kind: StepKind, steps: list[Step]) -> str:
    if kind is StepKind.SETTLE:
        return "each from when it is up: " + ", ".join(dict.fromkeys(s.reason for s in steps))
    units = [step.unit for step in steps if step.unit is not None]
    sites = ", ".join(step.site for step in steps)
    places = named(units) or (sites if len(steps) <= _MOST_SITES else f"{len(steps)} sites")
    return f"{places} ({_NOTES[kind]})" if kind in _NOTES else places


def _units(plan: Plan) -> RenderableType:
    """Return from what to what; units of which the same is true share a line."""
    groups: dict[tuple[str, ...], list[UnitPlan]] = {}
    for item in plan.units:
        key = (item.unit.stack, _now(item.before).plain, _then(item), *item.before.words)
        groups.setdefault(key, []).append(item)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for items in groups.values():
        first = items[0]
        places = named(item.unit for item in items)
        table.add_row(Text(places), _now(first.before), Text(f"-> {_then(first)}"))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _now(before: Before) -> Text:
    if before.presence is Presence.GONE:
        return Text("gone", style="dim")
    if before.presence is Presence.UNKNOWN or before.verdict is None:
        return Text("unknown", style="red")
    tasks = f"{before.running}/{before.expected}"
    state = Text(f"{tasks} {before.verdict.value}", style=_STYLES[before.verdict])
    if before.verdict is not Verdict.HEALTHY and before.words:
        more = f" (+{len(before.words) - 1} more)" if len(before.words) > 1 else ""
        state.append(f": {shorten(clean(before.words[0]), 120)}{more}")
    return state.append(f", {running_at(before.revision)}", style="dim")


def _then(item: UnitPlan) -> str:
    if item.action is Action.KEEP:
        return "stays as it is"
    if item.action is Action.DOWN:
        return "gone"
    return short(item.after.sha) if item.after else "deployed"


def _why(plan: Plan) -> Iterator[tuple[str, str]]:
    reasons: dict[str, list[Unit]] = {}
    for item in plan.units:
        reasons.setdefault(clean(item.reason), []).append(item.unit)
    for reason, units in reasons.items():
        everything = len(reasons) == 1 and len(units) > 1
        yield "in", f"{'all of them' if everything else named(units)}: {reason}"
    left: dict[str, list[str]] = {}
    for untouched in plan.untouched:
        left.setdefault(clean(untouched.reason), []).append(untouched.name)
    for reason, names in left.items():
        yield "not", f"{_compact(names)}: {reason}"


def _compact(names: Iterable[str]) -> str:
    """List names, those of the form stack@site as units."""
    units, others = [], []
    for name in names:
        stack, at, site = name.partition("@")
        if at:
            units.append(Unit(stack=stack, site=site))
        else:
            others.append(name)
    return ", ".join(part for part in (named(units), *others) if part)


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
