"""What is up right now: the lab's memory on disk, and the lock that keeps two apart."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import paths, processes
from lab.errors import LabError
from lab.topology import Host, Shape


@dataclass(frozen=True, slots=True)
class Process:
    """A process named for good: pids come back, start times do not."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it is still that process."""
        return processes.start_time(self.pid) == self.started


@dataclass(slots=True)
class State:
    """The shape of the lab and the first process of each host."""

    shape: Shape
    inits: dict[str, Process] = field(default_factory=dict)
    complete: bool = False

    def save(self) -> None:
        """Write it down, whole or not at all."""
        target = _file()
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(target)


def _file() -> Path:
    return paths.folder() / "state.json"


def load() -> State | None:
    """Read the state of a lab that was brought up and not taken down, dead or alive."""
    try:
        raw = json.loads(_file().read_text())
    except FileNotFoundError:
        return None
    inits = {name: Process(**process) for name, process in raw["inits"].items()}
    return State(Shape(**raw["shape"]), inits, complete=raw["complete"])


def forget() -> None:
    """There is no lab any more."""
    _file().unlink(missing_ok=True)


def current() -> State:
    """Read the state of the lab, running or coming up, or an error that says how to get one."""
    state = load()
    if state is None:
        message = "no lab is up: python -m lab up"
        raise LabError(message)
    return state


def init_pid(host: Host) -> int:
    """Find the host's first process, whose namespaces are the host."""
    init = current().inits.get(host.name)
    if init is None or not init.alive:
        message = f"{host.name} is not up: python -m lab up --fresh"
        raise LabError(message)
    return init.pid


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Only one command at a time changes the lab; the kernel frees the lock of a killed one."""
    # Beside the folder, since taking a lab down may remove the folder.
    file = paths.folder().with_name(f"{paths.folder().name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            message = (
                f"another lab command is at work in {paths.folder()} (pid {lock.read().strip()}); "
                f"for a second lab beside it, set {paths.VARIABLE} to another folder"
            )
            raise LabError(message) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
