"""A program on this machine, heard to its end: for so many seconds and so many bytes at most."""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic

_CHUNK = 65536
_END_SECONDS = 5.0
MOST_BYTES = 32 * 1024 * 1024
"""Of what a program writes to both of its streams, unless whoever asks it says less."""


class Cut(Enum):
    """Why a program was ended before it ended by itself."""

    LATE = "late"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How a program ended, and what it wrote until then."""

    status: int
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)
    cut: Cut | None = None


def heard(
    process: "subprocess.Popen[bytes]",
    *,
    seconds: float,
    most_bytes: int = MOST_BYTES,
    end: Callable[[int], None],
    clock: Callable[[], float] = monotonic,
) -> Heard:
    """Read what a program writes until it ends; it is ended when that is too late or too much.

    Args:
        process: just started; its pipes are closed here.
        seconds: when it is ended.
        most_bytes: after how many, of both streams, it is ended.
        end: ends the program of that number, and whatever it has started, at once.
        clock: seconds that only go forward.

    """
    ends = clock() + seconds
    kept: dict[int, list[bytes]] = {}
    left = most_bytes
    cut: Cut | None = None
    with ExitStack() as closing:
        pipes = closing.enter_context(selectors.DefaultSelector())
        for pipe in filter(None, (process.stdout, process.stderr)):
            closing.enter_context(pipe)
            pipes.register(pipe, selectors.EVENT_READ)
            kept[pipe.fileno()] = []
        out, err = ([] if p is None else kept[p.fileno()] for p in (process.stdout, process.stderr))
        while cut is None and pipes.get_map():
            ready = pipes.select(max(ends - clock(), 0.0))
            cut = None if ready else Cut.LATE
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    pipes.unregister(key.fileobj)
                kept[key.fd].append(chunk[:left])
                left -= len(chunk)
            if left < 0:
                cut = Cut.LONG
        if cut is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(ends - clock(), 0.0))
            cut = Cut.LATE if process.returncode is None else None
        if cut is not None:
            end(process.pid)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
    status = -signal.SIGKILL if process.returncode is None else process.returncode
    return Heard(status=status, out=b"".join(out), err=b"".join(err), cut=cut)


def end_session(number: int) -> None:
    """Kill a program that has a session of its own, and all that stayed in it."""
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)


def end_family(number: int) -> None:
    """Kill a program and what it has started, which share our session, as Ctrl-C would."""
    family = [number]
    parents = _parents()
    for parent in family:
        family += [child for child, of in parents if of == parent]
    for one in family:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def _parents() -> list[tuple[int, int]]:
    """Return each process and its parent: before anything is killed, which would lose them."""
    try:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=", "-o", "ppid="],  # noqa: S607 - the machine's own, as git is
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_END_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    pairs = (line.split() for line in listed.stdout.splitlines())
    return [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == len(("pid", "ppid"))]
