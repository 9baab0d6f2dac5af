"""Where views are printed: consoles that neither interpret foreign text nor end a run."""

from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.ui.mode import automated

_WIDE = 120
"""Columns for a file or a pipe, where nothing says how wide the reader is."""


_CURSOR_UP = "\x1b[1A"
_TOGETHER = ("\x1b[?2026h", "\x1b[?2026l")
"""Around what is drawn anew: a terminal that knows it shows all of it at once, others pass it over
(synchronised output, private mode 2026)."""


class SteadyStream:
    """A text stream whose failures never reach the writer.

    A reader that goes away (`| head`) or a full disk must not end a run half-way. What was
    not written is lost; `broken` holds the first error for whoever decides the exit code, and
    `writes` how often anything was said.
    """

    def __init__(self, stream: TextIO, made_fit: Callable[[str], str] = str) -> None:
        """Write to `stream` what `made_fit` makes of a text."""
        self._stream = stream
        self._made_fit = made_fit
        self.broken: OSError | None = None
        self.writes = 0

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return self._stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write; what the encoding lacks is written as an escape."""
        fit = self._made_fit(text)
        self.write_raw(fit.join(_TOGETHER) if _CURSOR_UP in fit else fit)
        return len(text)

    def write_raw(self, text: str) -> None:
        """Write what is meant for a program that reads along, as it is."""
        self.writes += 1
        if self.broken is None:
            fit = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            try:
                self._stream.write(fit)
            except OSError as error:
                self.broken = error

    def flush(self) -> None:
        """Flush."""
        if self.broken is None:
            try:
                self._stream.flush()
            except OSError as error:
                self.broken = error

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor (OSError where there is none)."""
        return self._stream.fileno()


def open_console(
    stream: TextIO, environ: Mapping[str, str], made_fit: Callable[[str], str] = str
) -> Console:
    """Return a console on `stream`.

    Args:
        stream: sys.stdout or sys.stderr.
        environ: NO_COLOR, TERM, FORCE_COLOR and so on are read from here. In CI there is no
            colour, whatever else it says.
        made_fit: what is done to a text before it is written.

    """
    ci = automated(environ)
    terminal = stream.isatty() and not ci
    # An exported COLUMNS would freeze the width: the terminal itself knows better.
    kept = {k: v for k, v in environ.items() if not (terminal and k in ("COLUMNS", "LINES"))}
    width = None if terminal or environ.get("COLUMNS", "").isdigit() else _WIDE
    return Console(
        file=SteadyStream(stream, made_fit),  # type: ignore[arg-type] # rich writes, flushes and asks isatty
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        force_terminal=False if ci else None,
        no_color=True if ci else None,
        _environ=kept,
    )


def show(console: Console, view: RenderableType) -> None:
    """Print a view; lines that are `whole` are never broken or cut."""
    if not console.is_terminal:
        for line in plain(view, console.width):
            console.out(line, highlight=False)
        return
    # A bare Text would be taken apart and lose its own wrapping.
    console.print(Group(view), crop=False, highlight=False, markup=False, emoji=False)


def write_raw(console: Console, text: str) -> None:
    """Write a mark for whoever runs this program, such as a CI; people do not read it."""
    stream = console.file
    if isinstance(stream, SteadyStream):
        stream.write_raw(text)
        stream.flush()


def plain(view: RenderableType, width: int) -> list[str]:
    """Return a view as lines of plain text, as a terminal of `width` columns shows it."""
    out = StringIO()
    console = Console(
        file=out, width=width, color_system=None, force_terminal=False, legacy_windows=False,
        _environ={},
    )  # fmt: skip
    console.print(Group(view), crop=False, highlight=False, markup=False, emoji=False)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def whole(*parts: tuple[str, str] | str) -> Text:
    """Return a line that is never wrapped, so that what is in it can be copied."""
    line = Text.assemble(*parts)
    line.no_wrap, line.overflow = True, "ignore"
    return line


def labelled(rows: Iterable[tuple[Text | str, Text | str]], *, indent: int = 2) -> RenderableType:
    """Return rows of a label and a text that wraps beside it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in (label, text)))
    return Padding(grid, (0, 0, 0, indent), expand=False)


def stack_up(parts: Iterable[RenderableType]) -> Group:
    """Return parts one below the other."""
    return Group(*parts)
