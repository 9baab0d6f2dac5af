"""Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second leaves now."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FIRST = b"\nstopping: no new step starts, what is under way is awaited (again: leave now)\n"
_SHOW_CURSOR = b"\x1b[?25h"
_SECOND = b"\nleft at once: look with dtdeploy status before anything else\n"


class Interrupt:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self._asked = False

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
        # os.write, because a handler may interrupt a print that holds the stream's lock.
        if interrupt.ask():
            # A live board hides the cursor and gets no chance to give it back.
            os.write(2, _SHOW_CURSOR + _SECOND if os.isatty(2) else _SECOND)
            os._exit(ExitCode.INTERRUPTED)
        os.write(2, _FIRST)
        wake()

    former = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
