"""What follows a run and shows it: a live board, a line an event, or JSON lines."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from rich.console import Console

from orchestrator.engine.events import Event
from orchestrator.planning.history import NOTHING_KNOWN, Expected
from orchestrator.planning.plan import Plan
from orchestrator.ui.board import board_of
from orchestrator.ui.ci import CiKind
from orchestrator.ui.json_lines import JsonWriter, print_json, run_started_json
from orchestrator.ui.lines import LineWriter
from orchestrator.ui.live import LiveBoard
from orchestrator.ui.mode import Mode
from orchestrator.ui.phases import PhasedLines

_NARROW = 40
"""Below this many columns a board shows nothing but cut-off names."""


class Listening(Protocol):
    """A listener that holds a terminal or a stream until it is closed."""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        ...

    def close(self) -> None:
        """Give the terminal back; may be called again."""
        ...


def make_listener(
    mode: Mode,
    plan: Plan,
    console_out: Console,
    console_err: Console,
    clock: Callable[[], datetime],
    *,
    run: str = "",
    ci: CiKind = CiKind.NONE,
    expect: Callable[[Plan], Expected] = lambda _plan: NOTHING_KNOWN,
) -> Listening:
    """Return what shows the run of `plan`.

    Args:
        mode: see `choose_mode`; a terminal too narrow for a board gets lines.
        plan: what is about to be carried out.
        console_out: gets JSON, which is data.
        console_err: gets the board or the lines, which are talk.
        clock: the time of day, with its zone.
        run: its id, if it is to hold the lock.
        ci: whose log the lines go to.
        expect: tells how long things took before; asked only if a board shows it.

    """
    if mode is Mode.JSON:
        time = clock().isoformat(timespec="milliseconds")
        print_json(run_started_json(plan, run) | {"time": time}, console_out)
        return JsonWriter(console_out, clock)
    if mode is Mode.LIVE and _has_room(console_err):
        return LiveBoard(console_err, board_of(plan, expect(plan)), clock)
    if ci in (CiKind.GITHUB, CiKind.GITLAB):
        return PhasedLines(console_err, clock, ci)
    return LineWriter(console_err, clock)


def _has_room(console: Console) -> bool:
    return console.width >= _NARROW
