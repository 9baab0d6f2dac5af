"""A thread that sees whether a command goes on, says what it waits for, and ends one that stalls.

It is a thread of its own since what it watches may be stuck anywhere: in a disk's fsync, in a
library, in a lock that nobody gives back.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Self

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.engine.findings import stalled
from orchestrator.engine.watch import STALLED_SECONDS, Wait, Watch
from orchestrator.errors import Problem
from orchestrator.ui.lines import STILL_SECONDS, waits_words

_TICK_SECONDS = 1.0
_WORTH_SAYING_SECONDS = 5.0
_END_SECONDS = 25.0
"""How long a run that was stopped may take to end by itself: 10 s for effects under way, and one
attempt to write its lock."""
_WRITE_SECONDS = 5.0
_SHOW_CURSOR = b"\x1b[?25h"
Say = Callable[[Wait, float], bool]
"""Shows what is waited for, and for how many seconds by now; False where nothing shows the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is watched: `stop` asks it to end and wakes it, `say` shows what it waits for."""

    id: str
    stop: Callable[[], None]
    say: Say


class Watchdog:
    """Watches one command, from `with` to its end.

    Where nothing was `spoken` for STILL_SECONDS, it says what is waited for. SIGUSR1, and during
    a run STALLED_SECONDS without a step, look or answer, have every thread's
    stack written to `folder`. A run is then asked to stop, and ended if it does not.
    """

    def __init__(
        self,
        watch: Watch,
        folder: Path,
        now: Callable[[], datetime],
        *,
        spoken: Callable[[], int] = int,
        manner: Manner = AS_IT_IS,
        stalled_seconds: float = STALLED_SECONDS,
        end_seconds: float = _END_SECONDS,
        tick_seconds: float = _TICK_SECONDS,
    ) -> None:
        self._watch = watch
        self._folder = folder
        self._now = now
        self._spoken = spoken
        self._manner = manner
        self._stalled_seconds = stalled_seconds
        self._end_seconds = end_seconds
        self._tick_seconds = tick_seconds
        self._run: Run | None = None
        self._stalled: Problem | None = None
        self._over = threading.Event()
        self._run_over = threading.Event()
        self._still = 0.0
        self._count = 0
        self._said = 0.0
        self._heard_words = 0
        self._quiet = 0.0
        self._looked = watch.now()
        self._heard, self._bell = os.pipe()

    def __enter__(self) -> Self:
        for end in (self._heard, self._bell):
            os.set_blocking(end, False)
        # The number of each signal is written there by Python's own handler, also while the main
        # thread is stuck in a system call and would hear of it too late (signal.set_wakeup_fd).
        self._former_bell = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        self._former = signal.signal(signal.SIGUSR1, _nothing)
        threading.Thread(target=self._keep_watch, daemon=True, name="watchdog").start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        signal.set_wakeup_fd(self._former_bell)
        signal.signal(signal.SIGUSR1, self._former)

    @contextmanager
    def of_run(self, run: Run) -> Iterator[None]:
        """Watch a run while the block lasts, and end it if it stands still."""
        self._still = 0.0
        self._run_over.clear()
        self._run = run
        try:
            yield
        finally:
            self._run = None
            self._run_over.set()

    def stalled(self) -> Problem | None:
        """Return why the run was stopped, if it was this that stopped it."""
        return self._stalled

    def _keep_watch(self) -> None:
        while not self._over.is_set():
            ready, _, _ = select.select([self._heard], [], [], self._tick_seconds)
            told = bool(ready) and signal.SIGUSR1 in os.read(self._heard, 512)
            run = self._run
            if told:
                self._stop(run, "it was told to say what it does (SIGUSR1)")
            elif run is not None and self._stalled is None and self._stands_still():
                seconds = f"{self._still:.0f} s"
                self._stop(run, f"nothing came of anything for {seconds}{self._stuck_in()}")
            else:
                self._tell(run)
        os.close(self._heard)
        os.close(self._bell)

    def _stands_still(self) -> bool:
        """Count one more tick without anything; while the process is stopped none is counted."""
        count = self._watch.count
        self._still = self._still + self._tick_seconds if count == self._count else 0.0
        self._count = count
        return self._still >= self._stalled_seconds

    def _stuck_in(self) -> str:
        wait = self._watch.longest()
        return "" if wait is None else f", and it waits for: {wait.words}"

    def _tell(self, run: Run | None) -> None:
        if run is None:
            self._tell_of_command()
            return
        wait = self._watch.longest()
        seconds = self._still if wait is None else self._watch.seconds_of(wait)
        wait = wait or Wait(words="something that nobody named", since=0.0)
        if seconds < _WORTH_SAYING_SECONDS or run.say(wait, seconds):
            return
        self._said = min(self._said, seconds)
        if seconds - self._said >= STILL_SECONDS:
            self._said = seconds
            _print(f"{waits_words(wait.words, seconds, wait.at_most)}\n")

    def _tell_of_command(self) -> None:
        """Say what a command waits for that has said nothing for a while.

        Many short waits are as silent as a long one. Who waits for a person is not counted.
        """
        wait, spoken, count = self._watch.longest(), self._spoken(), self._watch.count
        now = self._watch.now()
        if spoken != self._heard_words:
            self._quiet = 0.0
        elif wait is not None or count != self._count:
            self._quiet += now - self._looked
        self._looked, self._heard_words, self._count = now, spoken, count
        if wait is not None and self._quiet >= STILL_SECONDS:
            self._quiet = 0.0
            _print(f"{waits_words(wait.words, self._watch.seconds_of(wait), wait.at_most)}\n")

    def _stop(self, run: Run | None, why: str) -> None:
        """Write the stacks and, if there is a run, stop it, or leave if it cannot be stopped."""
        stacks = self._written("run" if run is None else run.id)
        if run is None:
            _print(f"{why}: what each thread does is in {stacks}\n")
            return
        self._stalled = problem = stalled(run.id, why, stacks)
        _print(f"{problem.what}\n  what each thread does is in {stacks}\n")
        run.stop()
        threading.Thread(target=self._end, args=(problem,), daemon=True, name="end").start()

    def _end(self, problem: Problem) -> None:
        if self._run_over.wait(self._end_seconds):
            return
        then = self._manner.fit(problem.fix)
        _print(f"left at once, since it did not end by itself; next: {then}\n")
        os._exit(problem.exit_code)

    def _written(self, name: str) -> str:
        """Write the stacks to a file and name it; elsewhere if its disk is what is stuck."""
        text = stacks_text()
        path = self._folder / f"{name}-{self._now():%Y%m%dT%H%M%S}.txt"
        done = threading.Event()

        def write() -> None:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.write_text(text)
                done.set()

        threading.Thread(target=write, daemon=True, name="stacks").start()
        if done.wait(_WRITE_SECONDS):
            return str(path)
        _print(text)
        return "the lines above (the file could not be written)"


def stacks_text() -> str:
    """Return what every thread is doing, as tracebacks: places in the code, no values."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented, for debuggers
        name = names.get(ident, "unknown")
        parts.append(f"thread {name}\n{''.join(traceback.format_stack(frame))}")
    return "\n".join(parts)


def _print(words: str) -> None:
    """Write to stderr past everything that buffers or locks; who does not read misses it."""
    shown = words.encode(errors="replace")
    if os.isatty(2):
        # A live board hides the cursor, and may get no chance to give it back.
        shown = _SHOW_CURSOR + b"\n" + shown
    thread = threading.Thread(target=_write, args=(shown,), daemon=True, name="print")
    thread.start()
    thread.join(_WRITE_SECONDS)


def _write(shown: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(2, shown)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: without a handler the signal would end the process."""
