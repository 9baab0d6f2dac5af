"""Take the whole system down and up again for hours beside busy loops, listening for silence.

A dtdeploy that prints nothing for too long is told to write its threads' stacks (SIGUSR1), then
killed, and what it leaves is resumed. Everything that any command printed is kept.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from lab import control

COMMANDS = (
    ("down", "--all"),
    ("up", "--all"),
    ("restart", "--all"),
    ("restart", "--site", "kko"),
)
_POLL_SECONDS = 0.2
_STACKS_SECONDS = 30.0
"""How long a silent dtdeploy is given to write its stacks and leave."""
_LONGEST_SECONDS = 900.0
_RUN = re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b")
_BUSY = "while True: pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How one command ended: its exit code, and the longest time without a line, in seconds."""

    words: str
    code: int
    seconds: float
    silence: float
    said: str

    @property
    def run(self) -> str:
        """The run that it names last, "" if none."""
        named = [match[0] for match in _RUN.finditer(self.said)]
        return named[-1] if named else ""


@dataclass(slots=True)
class Soak:
    """What came of it so far. `quiet` is the silence that is one too many, in seconds."""

    quiet: float
    folder: Path
    heard: list[Heard] = field(default_factory=list)

    @property
    def silences(self) -> list[Heard]:
        """The commands that were silent for too long."""
        return [each for each in self.heard if each.silence >= self.quiet]

    @property
    def failures(self) -> list[Heard]:
        """The commands that ended otherwise than with 0."""
        return [each for each in self.heard if each.code]


def soak(
    *, minutes: float, busy: int, quiet: float, folder: Path, options: Sequence[str] = ()
) -> Soak:
    """Run COMMANDS over and over for `minutes` beside `busy` busy loops; write into `folder`.

    `options` go before dtdeploy's command, such as -i FILE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = Soak(quiet=quiet, folder=folder)
    until = time.monotonic() + minutes * 60
    with _busy_loops(busy):
        for words in cycle(COMMANDS):
            if time.monotonic() >= until:
                break
            _keep(found, _listen(found, [*options, *words, "--yes"]))
            if found.heard[-1].code and found.heard[-1].run:
                left = [*options, "resume", found.heard[-1].run, "--yes"]
                _keep(found, _listen(found, left))
    return found


def _keep(found: Soak, heard: Heard) -> None:
    found.heard.append(heard)
    number = len(found.heard)
    name = f"{number:04}-{heard.words.split(' ', 1)[0]}.txt"
    (found.folder / name).write_text(f"{heard.words}\n{heard.said}\nexit {heard.code}\n")
    print(
        f"{time.strftime('%H:%M:%S')} {number:4} {heard.words}: exit {heard.code} in"
        f" {heard.seconds:.0f} s, longest silence {heard.silence:.1f} s",
        flush=True,
    )


def _listen(found: Soak, words: Sequence[str]) -> Heard:
    """Run one command to its end, which comes by force when it is silent for too long."""
    output = os.memfd_create("soak")
    began = time.monotonic()
    # Whoever started this in the background has made all below deaf to some signals.
    command = ["env", "--default-signal", "dtdeploy", *words]
    process = control.start(command, stdout=output, stderr=output)
    size, last, silence = 0, began, 0.0
    while process.poll() is None:
        time.sleep(_POLL_SECONDS)
        now, grown = time.monotonic(), os.fstat(output).st_size
        silence = max(silence, now - last)
        if grown != size:
            size, last = grown, now
        if now - last >= found.quiet or now - began >= _LONGEST_SECONDS:
            _end(process)
    said = os.pread(output, os.fstat(output).st_size, 0).decode(errors="replace")
    os.close(output)
    plain = " ".join(word for word in words if not word.startswith("/"))
    return Heard(
        words=plain.removeprefix("-i "),
        code=process.returncode,
        seconds=time.monotonic() - began,
        silence=silence,
        said=said,
    )


def _end(process: "subprocess.Popen[str]") -> None:
    for what, seconds in ((signal.SIGUSR1, _STACKS_SECONDS), (signal.SIGKILL, None)):
        process.send_signal(what)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


@contextmanager
def _busy_loops(count: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def summary(found: Soak, say: Callable[[str], None]) -> None:
    """Say what came of it, the worst last."""
    longest = max((each.silence for each in found.heard), default=0.0)
    say(f"{len(found.heard)} commands, longest silence {longest:.1f} s")
    say(f"all that they printed: {found.folder}")
    for each in found.failures:
        say(f"exit {each.code} after {each.seconds:.0f} s: {each.words}")
    for each in found.silences:
        say(f"SILENT for {each.silence:.0f} s: {each.words}")
