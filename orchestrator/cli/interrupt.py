"""Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second leaves now."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.command_line import AS_IT_IS, Manner, typed
from orchestrator.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = b"\x1b[?25h"


class Interrupt:
    """Whether somebody asked to stop. What is said then is put together beforehand."""

    def __init__(self, run: str = "", manner: Manner = AS_IT_IS) -> None:
        self._asked = False
        what = f"run {run}" if run else "this"
        self.first = (
            f"\nstopping {what}: no new step starts, what is under way is awaited for at most 10 s"
            " (again: leave now)\n"
        ).encode()
        then = (
            f"{typed('resume', run)}   # on another machine add --take-over"
            if run
            else typed("status")
        )
        self.second = f"\nleft {what} at once; next: {manner.fit(then)}\n".encode()

    def asked(self) -> bool:
        """Return whether to stop."""
        return self._asked

    def ask(self) -> bool:
        """Ask to stop.

        Returns:
            Whether that had been asked before.

        """
        before, self._asked = self._asked, True
        return before


@contextmanager
def stop_on_signals(interrupt: Interrupt, wake: Callable[[], None]) -> Iterator[None]:
    """Turn signals into a request to stop while the block runs.

    Args:
        interrupt: is asked to stop by the first signal.
        wake: makes the waiting run look round; called from the signal handler.

    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupt.ask():
            # A live board hides the cursor and gets no chance to give it back.
            _say(_SHOW_CURSOR + interrupt.second if os.isatty(2) else interrupt.second)
            os._exit(ExitCode.INTERRUPTED)
        _say(interrupt.first)
        wake()

    former = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _say(words: bytes) -> None:
    # os.write, because a handler may interrupt a print that holds the stream's lock. After
    # SIGHUP nobody may be there to read it.
    with contextlib.suppress(OSError):
        os.write(2, words)
