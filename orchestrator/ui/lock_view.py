"""An unfinished run, unit by unit: what is done of it, what is not, and what nobody can tell."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Plan
from orchestrator.planning.progress import Mark, UnitProgress
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.ui.holding import HeldRun, holding_view
from orchestrator.ui.plan_view import order_view
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import named

_STYLES = {Mark.DONE: "green", Mark.TODO: "bold yellow", Mark.UNKNOWN: "bold red"}
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run has come. `done` of `steps` steps need not be done again.

    `remarks` say what could not be found out, and why. `rest` is what a resume has still to do,
    None where nobody can tell; `away` says what it does at sites that cannot be seen now, `choice`
    whether to resume or to roll back, and why.
    """

    units: tuple[UnitProgress, ...] = ()
    done: int = 0
    steps: int = 0
    because: str = ""
    remarks: tuple[str, ...] = ()
    rest: Plan | None = None
    away: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()


def render_lock(holding: HeldRun, state: RunState, width: int = 80) -> list[str]:
    """Return the screen of `dtdeploy lock` as plain lines."""
    return plain(lock_view(holding, state), width)


def print_lock(
    holding: HeldRun, state: RunState, console: Console, manner: Manner = AS_IT_IS
) -> None:
    """Print who holds the lock and how far that run has come."""
    show(console, lock_view(holding, state, manner))


def lock_view(holding: HeldRun, state: RunState, manner: Manner = AS_IT_IS) -> RenderableType:
    """Return who holds the lock, how far that run has come, and what to type."""
    record = [labelled([("RECORD", _record(holding))], indent=0)] if holding.record else []
    return stack_up([state_view(state), *record, Text(), holding_view(holding, manner)])


def _record(holding: HeldRun) -> Text:
    """Return the record's digest, which --expect takes, and what vouches for it."""
    return whole(f"{holding.record}   # vouched for by: {holding.origin.value}")


def render_state(state: RunState, width: int = 80) -> list[str]:
    """Return how far a run has come as plain lines."""
    return plain(state_view(state), width)


def print_state(state: RunState, console: Console) -> None:
    """Print how far a run has come."""
    show(console, state_view(state))


def state_view(state: RunState) -> RenderableType:
    """Return how far a run has come, and what is still to be done."""
    parts = [labelled(_rows(state), indent=0)]
    if state.rest is not None and state.rest.steps:
        parts += [Text("STILL TO DO", style="bold"), order_view(state.rest)]
    more: list[tuple[Text | str, Text | str]] = [
        *((Text("AWAY", style="bold yellow"), clean(words)) for words in state.away),
        *(("CHOICE", clean(words)) for words in state.choice),
    ]
    return stack_up([*parts, labelled(more, indent=0)] if more else parts)


def _rows(state: RunState) -> Iterator[tuple[Text | str, Text | str]]:
    for mark in Mark:
        alike: dict[str, list[Unit]] = {}
        for item in state.units:
            if item.mark is mark:
                alike.setdefault(clean(item.words), []).append(item.unit)
        for index, (words, units) in enumerate(alike.items()):
            label = Text(mark.value.upper() if index == 0 else "", style=_STYLES[mark])
            yield label, f"{named(units)}: {words}"
    if state.steps:
        yield "STEPS", f"{state.done} of {state.steps} done"
    if state.because:
        yield "BECAUSE", shorten(clean(state.because), _LONGEST)
    for words in state.remarks:
        yield "NOTE", shorten(clean(words), _LONGEST)
