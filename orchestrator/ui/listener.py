"""How a run is shown: chosen once, from what stdout is and what was asked for."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Protocol, assert_never

from rich.console import Console

from orchestrator.engine.events import Event
from orchestrator.engine.run import RunReport
from orchestrator.planning.plan import Plan
from orchestrator.ui.board import board_of
from orchestrator.ui.json_lines import JsonWriter, print_json, run_ended_json, run_started_json
from orchestrator.ui.lines import LineWriter
from orchestrator.ui.live import LiveBoard
from orchestrator.ui.problems import print_problems
from orchestrator.ui.summary import print_summary

_NARROW = 40
"""Below this a board shows nothing but cut-off names."""
_NARROW_PLAIN = 60
"""Without colour it takes more room to tell states apart."""


class Mode(Enum):
    """How a run is shown."""

    LIVE = "live"
    LINES = "lines"
    JSON = "json"


def choose_mode(
    *, json: bool, stdout_tty: bool, term: str, no_color: str, ci: str, width: int
) -> Mode:
    """Choose how to show a run.

    Args:
        json: --json was given.
        stdout_tty: stdout is a terminal.
        term: $TERM.
        no_color: $NO_COLOR, any text means no colour (no-color.org).
        ci: $CI.
        width: of the terminal, in columns.

    """
    if json:
        return Mode.JSON
    automated = ci.lower() not in ("", "0", "false")
    dumb = term.lower() in ("", "dumb", "unknown")
    narrow = width < (_NARROW_PLAIN if no_color else _NARROW)
    return Mode.LINES if automated or dumb or narrow or not stdout_tty else Mode.LIVE


class _Shows(Protocol):
    def __call__(self, event: Event) -> None: ...

    def close(self) -> None: ...


class RunView:
    """A listener for one run: give it every event, then `end`, and `close` it come what may."""

    def __init__(
        self, mode: Mode, plan: Plan, shows: _Shows, console_out: Console, console_err: Console
    ) -> None:
        self._mode = mode
        self._plan = plan
        self._shows = shows
        self._out = console_out
        self._err = console_err

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._shows(event)

    def end(self, report: RunReport) -> None:
        """Close, and say how the run ended: summary on stdout, problems on stderr."""
        self.close()
        if self._mode is Mode.JSON:
            print_json(run_ended_json(self._plan, report), self._out)
            return
        print_problems(report.problems, self._err)
        print_summary(self._plan, report, self._out)

    def close(self) -> None:
        """Give the terminal back; may be called again."""
        self._shows.close()


def make_listener(
    mode: Mode,
    console_out: Console,
    console_err: Console,
    *,
    plan: Plan,
    clock: Callable[[], datetime],
    now: Callable[[], float],
) -> RunView:
    """Return what shows the run of `plan`.

    Args:
        mode: see `choose_mode`.
        console_out: gets events and the summary.
        console_err: gets problems, unless they are part of the JSON.
        plan: what is about to be carried out.
        clock: the time of day.
        now: the clock that the run's events carry, in seconds.

    """
    shows: _Shows
    match mode:
        case Mode.LIVE:
            shows = LiveBoard(console_out, board_of(plan), clock=clock, now=now)
        case Mode.LINES:
            shows = LineWriter(console_out, clock)
        case Mode.JSON:
            print_json(run_started_json(plan), console_out)
            shows = JsonWriter(console_out, clock)
        case _:
            assert_never(mode)
    return RunView(mode, plan, shows, console_out, console_err)
