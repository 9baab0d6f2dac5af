"""Processes as the kernel shows them: found by namespace, never by a broad name."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.errors import LabError

_START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the name in parentheses


def all_pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks: with the pid it names a process for good."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[_START_TIME_FIELD])


def parent(pid: int) -> int | None:
    """Give the process that a process was started by, or belongs to since that one ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return int(text.rpartition(")")[2].split()[1])


def is_frozen(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return text.rpartition(")")[2].split()[0] == "T"


def command_line(pid: int) -> str:
    """Give the words a process was started with, or nothing when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def program_name(pid: int) -> str:
    """Give the kernel's short name of a process, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def namespace(pid: int, kind: str) -> str | None:
    """Give an opaque name of the namespace that a process is in."""
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def descendants(pid: int) -> list[int]:
    """All that a process has started, and all that was left to it: a host's are its first one's.

    Quicker by far than to look through every process of the machine.
    """
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    """List what any of a process's threads has started."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            # A thread may end meanwhile, and leaves its children to another.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, (thread / "children").read_text().split())
    return found


def send(pids: Iterable[int], what: signal.Signals) -> None:
    """Signal processes; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until the condition holds, or say what did not happen."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > deadline:
            message = f"waited {seconds:.0f} s in vain for {what}"
            raise LabError(message)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def end(pids: Iterable[int], *, seconds: float = 10, politely: bool = False) -> None:
    """End processes and wait until they are gone."""
    born = {pid: start_time(pid) for pid in pids}

    def gone() -> bool:
        return not any(began and start_time(pid) == began for pid, began in born.items())

    if politely:
        send(born, signal.SIGTERM)
        try:
            wait_until(gone, seconds=seconds, what="processes to end")
        except LabError:
            pass
        else:
            return
    send(born, signal.SIGKILL)
    listed = " ".join(map(str, born))
    wait_until(gone, seconds=seconds, what=f"killed processes to be gone: {listed}")
