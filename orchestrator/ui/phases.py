"""A run's lines in parts that a CI's log can fold: checking, preparing, changing."""

from collections.abc import Callable
from datetime import datetime

from rich.console import Console

from orchestrator.engine.events import Event, RunStopping, RunWaits
from orchestrator.planning.plan import StepKind
from orchestrator.ui.ci import CiKind, group_lines
from orchestrator.ui.consoles import write_raw
from orchestrator.ui.lines import LineWriter

_TITLES = {
    StepKind.EXAMINE: "Check the sites; nothing is changed",
    StepKind.PREPARE: "Ship files and pull images; what runs is not touched",
    StepKind.ANNOUNCE: "Announce the downtime; what runs is not touched",
    StepKind.REMOVE: "Down and up",
    StepKind.DEPLOY: "Down and up",
    StepKind.SETTLE: "Down and up",
}


class PhasedLines:
    """Prints a run's events as `LineWriter` does, between the markers of a CI."""

    def __init__(self, console: Console, clock: Callable[[], datetime], kind: CiKind) -> None:
        self._console = console
        self._clock = clock
        self._kind = kind
        self._lines = LineWriter(console, clock)
        self._title = ""
        self._number = 0

    def __call__(self, event: Event) -> None:
        """Print an event; its part is opened first if it is another than before."""
        if not isinstance(event, RunStopping | RunWaits) and event.step.kind in _TITLES:
            self._open(_TITLES[event.step.kind])
        self._lines(event)

    def close(self) -> None:
        """Close the part that is open; may be called again."""
        self._lines.close()
        if self._title:
            self._mark(1)
            self._title = ""

    def _open(self, title: str) -> None:
        if title == self._title:
            return
        self.close()
        self._title = title
        self._number += 1
        self._mark(0)

    def _mark(self, which: int) -> None:
        marks = group_lines(self._kind, self._number, self._title, self._clock())
        write_raw(self._console, marks[which])
