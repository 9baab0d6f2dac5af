"""A real terminal for a command: a pty, and pyte, which makes of its bytes what one would see."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ROOT = Path(__file__).parent.parent.parent
_SCROLL_BACK = 20_000
_UNWANTED = ("CI", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS")
_PRIVATE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]")
"""What pyte does not know and would print."""


_GOES_ON = "\u2060"
"""Stands in the last cell of a row whose line goes on below: a mark that nothing else makes."""


class _Screen(pyte.HistoryScreen):
    """Remembers which rows were full when a line went on."""

    _drawing = False

    def draw(self, data: str) -> None:
        self._drawing = True
        super().draw(data)
        self._drawing = False

    def linefeed(self) -> None:
        if self._drawing:
            row = self.buffer[self.cursor.y]
            last = row[self.columns - 1]
            row[self.columns - 1] = last._replace(data=last.data + _GOES_ON)
        super().linefeed()

    def become(self, lines: int, columns: int) -> None:
        """Become lower as terminals do: rows above the cursor scroll by, and are not lost.

        What is too wide is cut off, as by xterm.
        """
        gone = max(self.cursor.y - lines + 1, 0)
        rows = [self.buffer[y] for y in range(self.lines)]
        self.history.top.extend(rows[:gone])
        self.buffer.clear()
        for y, row in enumerate(rows[gone : gone + lines]):
            for x in [x for x in row if x >= columns]:
                del row[x]
            self.buffer[y] = row
        self.cursor.y -= gone
        self.cursor.x = min(self.cursor.x, columns - 1)
        self.lines, self.columns = lines, columns
        self.dirty.update(range(lines))


class Terminal:
    """Runs a command in a terminal of its own. Use it as a context."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.raw = b""
        self._screen = _Screen(columns, rows, history=_SCROLL_BACK, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        kept = {key: value for key, value in os.environ.items() if key not in _UNWANTED}
        self._master, slave = pty.openpty()
        # What is typed is not shown: an echoed line end would move the cursor.
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self._set_size()
        self._process = subprocess.Popen(
            list(words),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=kept | {"TERM": "xterm-256color", "TZ": "UTC"} | dict(environment or {}),
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            with self._lock:
                self.raw += data
                self._stream.feed(_PRIVATE.sub(b"", data))

    def _set_size(self) -> None:
        size = struct.pack("HHHH", self.rows, self.columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def resize(self, columns: int, rows: int) -> None:
        """Become larger or smaller, as a window does."""
        with self._lock:
            self.columns, self.rows = columns, rows
            self._screen.become(rows, columns)
            self._set_size()
        os.kill(self._process.pid, signal.SIGWINCH)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def display(self) -> list[str]:
        """Give what can be seen now."""
        with self._lock:
            return [line.replace(_GOES_ON, "").rstrip() for line in self._screen.display]

    def cells(self) -> list[list[pyte.screens.Char]]:
        """Give what can be seen now, with its colours."""
        with self._lock:
            rows = [self._screen.buffer[y] for y in range(self.rows)]
            marked = [[row[x] for x in range(self.columns)] for row in rows]
        return [[c._replace(data=c.data.removesuffix(_GOES_ON)) for c in row] for row in marked]

    def lines(self) -> list[str]:
        """Give all that scrolled by and what can be seen; a line that was wrapped is one again."""
        with self._lock:
            rows = [*self._screen.history.top, *(self._screen.buffer[y] for y in range(self.rows))]
            # As wide as it was when the row scrolled by.
            shown = ["".join(row[x].data for x in range(max(row, default=0) + 1)) for row in rows]
        whole: list[str] = []
        goes_on = False
        for row in shown:
            text = row.removesuffix(_GOES_ON)
            if goes_on:
                whole[-1] += text
            else:
                whole.append(text)
            goes_on = row.endswith(_GOES_ON)
        return [line.rstrip() for line in whole]

    def until(self, condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Wait until something can be seen."""
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, "\n".join(self.lines())
            time.sleep(0.02)

    def ends(self, *, seconds: float = 60.0) -> int:
        """Wait for its end, and for all that it wrote."""
        code = self._process.wait(seconds)
        self._reader.join(10)
        return code
