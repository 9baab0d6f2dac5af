"""The board on a terminal, redrawn in place; what is finished scrolls up above it and stays."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from orchestrator.engine.events import Event
from orchestrator.engine.schedule import State
from orchestrator.ui.board import Board, Row
from orchestrator.ui.lines import LineWriter, run_waits, waiting_words
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import elapsed, limit

_REFRESHES_PER_SECOND = 4
_WORDS_WIDTH = 12
_TIME_WIDTH = 9
_EXPECTED_WIDTH = 8
_DOWN_WIDTH = 14
_BESIDE_NAME = 2 + _WORDS_WIDTH + _TIME_WIDTH + _EXPECTED_WIDTH + _DOWN_WIDTH
_ROOM_FOR_REASONS = 40
"""Columns; with fewer, what a unit waits for gets a line of its own."""
_LOW = 8
"""With fewer rows the headline must do with one."""
_SPARE_ROWS = 3
"""The headline, the count of hidden rows, and the line the cursor stands on."""
_STYLES = {
    State.WAITING: "dim",
    State.RUNNING: "yellow",
    State.DONE: "green",
    State.FAILED: "bold red",
    State.SKIPPED: "dim",
    State.STOPPED: "bold yellow",
}
_URGENCY = (
    State.FAILED,
    State.STOPPED,
    State.RUNNING,
    State.SKIPPED,
    State.WAITING,
    State.DONE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The board after the latest event, the run's time of that, and when it was heard of."""

    board: Board
    at: float
    seen: datetime


class LiveBoard:
    """Shows a run on a terminal.

    Args:
        console: on a terminal that can move its cursor.
        board: of the plan, before anything happened.
        clock: the time of day, with its zone.

    """

    def __init__(self, console: Console, board: Board, clock: Callable[[], datetime]) -> None:
        self._console = console
        self._clock = clock
        self._shown = _Shown(board=board, at=0.0, seen=clock())
        self._above = LineWriter(console, clock, only_ends=True)
        self._live = Live(
            console=console,
            get_renderable=self._view,
            auto_refresh=False,
            transient=True,
        )
        # rich's own thread draws while a line is printed above, and takes the board for as high
        # as it was before: rows of it would stay behind. Here one waits for the other.
        self._drawing = threading.RLock()
        self._over = threading.Event()
        self._live.start(refresh=True)
        threading.Thread(target=self._keep_drawing, daemon=True, name="board").start()

    def __call__(self, event: Event) -> None:
        """Take in an event; what is finished is printed above the board."""
        # One assignment: the thread that redraws sees all of the old state or all of the new.
        board = self._shown.board.after(event)
        self._shown = _Shown(board=board, at=event.at, seen=self._clock())
        with self._drawing:
            self._above(event)

    def close(self) -> None:
        """Take the board away; may be called again."""
        self._over.set()
        with self._drawing:
            self._above.close()
            self._live.stop()

    def _keep_drawing(self) -> None:
        while not self._over.wait(1 / _REFRESHES_PER_SECOND):
            with self._drawing:
                if not self._over.is_set():
                    self._live.refresh()

    def _view(self) -> RenderableType:
        size, shown = self._console.size, self._shown
        # The run's own clock belongs to the run's thread; what passed since it was last
        # heard of is taken from ours.
        now = shown.at + max(0.0, (self._clock() - shown.seen).total_seconds())
        return render_board(shown.board, now, size.width, size.height)


def render_board(board: Board, now: float, width: int, height: int) -> Group:
    """Return the board as lines that fit `width` columns and `height` rows.

    Where there are too many rows, those that fail or run are shown, and the rest is counted.
    """
    rows = board.rows(now)
    # A line as wide as the terminal would wrap when the window shrinks, and the redraw with it.
    usable = max(width - 1, 1)
    lines = _headline(board, now, usable if height > _LOW else None)
    if height > _LOW and (waits := board.shown_waits()):
        lines.append(Text(run_waits(waits), style="yellow"))
    room = max(height - _SPARE_ROWS - len(lines) + 1, 1)
    shown, hidden = _most_urgent(rows, room)
    names = max((cell_len(row.name) for row in rows), default=0)
    most = max(usable * 2 // 5, usable - _BESIDE_NAME, 1)
    columns = _Columns(name=min(max(names, 1), most), width=usable)
    below = columns.rest < _ROOM_FOR_REASONS and len(shown) + _reasons(shown) <= room
    for row in shown:
        lines += _lines(row, columns, below=below)
    if hidden:
        lines.append(Text(_counted(hidden), style="dim"))
    return Group(*(_fit(line, usable) for line in lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """How wide the name's column is, and the whole line."""

    name: int
    width: int

    @property
    def roomy(self) -> bool:
        """Whether there is room to say how long a unit has been down."""
        return self.width >= self.name + _BESIDE_NAME

    @property
    def rest(self) -> int:
        """What is left to say what a unit waits for."""
        down = _EXPECTED_WIDTH + _DOWN_WIDTH if self.roomy else 0
        return self.width - self.name - _WORDS_WIDTH - _TIME_WIDTH - down - 4


def _reasons(rows: list[Row]) -> int:
    return sum(bool(row.waiting_for) for row in rows)


def _most_urgent(rows: tuple[Row, ...], room: int) -> tuple[list[Row], list[Row]]:
    if len(rows) <= room:
        return list(rows), []
    ranked = sorted(rows, key=lambda row: _URGENCY.index(row.state))
    kept = {id(row) for row in ranked[: room - 1]}
    return [r for r in rows if id(r) in kept], [r for r in rows if id(r) not in kept]


def _counted(rows: list[Row]) -> str:
    words = [row.words for row in rows]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return f"and {len(rows)} more: {counts}"


def _headline(board: Board, now: float, wrapped_at: int | None) -> list[Text]:
    """Say what runs, how far it is and what is down, on two lines if one is too narrow."""
    line = Text.assemble((clean(board.title), "bold"))
    if board.stopping:
        line.append("  STOPPING", style="bold yellow")
    for unit in sorted(board.needed):
        seconds = board.down_seconds(unit, now)
        if seconds is not None:
            usual = board.expected.outages.get(unit)
            line.append(f"  {unit} DOWN {elapsed(seconds)}{_of(usual)}", style="bold red")
    since = 0.0 if board.began is None else now - board.began
    steps = f"{board.finished()}/{len(board.steps)} steps"
    progress = f"{steps}, {elapsed(since)}{_of(board.expected.whole)}"
    if wrapped_at is not None and line.cell_len + 2 + len(progress) > wrapped_at:
        return [line, Text(progress)]
    return [line.append(f"  {progress}")]


def _of(usual: float | None) -> str:
    return "" if usual is None else f" of ~{limit(usual)}"


def _lines(row: Row, columns: _Columns, *, below: bool) -> list[Text]:
    """Return a row; what it waits for stands behind it, or `below` it where that is narrow."""
    line = Text.assemble(
        _end_of(row.name, columns.name),
        "  ",
        (set_cell_size(row.words, _WORDS_WIDTH), _STYLES[row.state]),
        _right("" if row.seconds is None else elapsed(row.seconds), _TIME_WIDTH),
    )
    if columns.roomy:
        usual = "" if row.expected_seconds is None else f" ~{limit(row.expected_seconds)}"
        line.append(set_cell_size(usual, _EXPECTED_WIDTH), style="dim")
        down = "" if row.down_seconds is None else f"down {elapsed(row.down_seconds)}"
        line.append(_right(down, _DOWN_WIDTH), style="red")
    indent = "    " if below else "  "
    waiting = _waiting(row, columns.width - len(indent) - (0 if below else line.cell_len))
    if below and waiting:
        return [line, Text(f"{indent}{waiting}", style="dim")]
    return [line.append(f"{indent}{waiting}") if waiting else line]


def _waiting(row: Row, room: int) -> str:
    """Say what is waited for, in `room` columns; how long still is never what is left out."""
    words = waiting_words(row.waiting_for, row.items)
    if not words or row.seconds is None or row.limit_seconds is None:
        return words
    time = f", {limit(row.seconds)} of {limit(row.limit_seconds)}"
    if cell_len(words) > room - len(time):
        words = f"{set_cell_size(words, max(room - len(time) - 2, 0)).rstrip()}.."
    return f"{words}{time}"


def _right(words: str, width: int) -> str:
    return words.rjust(width)


def _end_of(name: str, width: int) -> str:
    """Fit a name by its end, which tells the sites apart."""
    if cell_len(name) <= width:
        return set_cell_size(name, width)
    return set_cell_size(f"..{name[len(name) - max(width - 2, 0) :]}", width)


def _fit(line: Text, width: int) -> Text:
    line.truncate(width, overflow="crop")
    line.no_wrap, line.overflow = True, "crop"
    return line
