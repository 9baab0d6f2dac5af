"""Processes that are killed, starved and refused: `python -m tests.engine.journal_child WHAT ...`.

Each ends in 0 when the journal behaved, and prints what happened as one line of JSON.
"""

import ctypes
import errno
import json
import os
import platform
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.journal_file import JournalFile, find_journals, journal_path, read_journal
from orchestrator.engine.journal_trouble import side_file
from orchestrator.errors import JournalError, Problem
from tests.engine.journals import OTHER_RUN, RUN, realistic

_PAGE_BYTES = 4096
_UNLIMITED = resource.RLIM_INFINITY


def refused(act: Callable[[], object]) -> Problem | None:
    """Return why `act` was refused, None if it was not."""
    try:
        act()
    except JournalError as error:
        (problem,) = error.problems
        return problem
    return None


def hold(folder: Path) -> dict[str, int]:
    """Hold a journal open for writing until stdin ends."""
    with JournalFile(folder, RUN) as journal:
        journal.write(_numbered(0))
        print("open", flush=True)  # noqa: T201 -- the parent waits for this word
        sys.stdin.read()
    return {}


def intrude(folder: Path) -> dict[str, int]:
    """Try without a pause to write to what another process writes, until stdin ends."""
    tried = 0
    while not tried or not select.select([sys.stdin], [], [], 0)[0]:
        problem = refused(lambda: JournalFile(folder, RUN))
        assert problem
        assert problem.evidence == ("another process writes it",)
        tried += 1
    return {"tried": tried}


def _numbered(number: int) -> Entry:
    body: dict[str, Json] = {"number": number, "words": "x" * (number * 37 % 1500)}
    return Entry(at=float(number), kind=EntryKind.INTENDED, step=f"step {number}", body=body)


def killed(folder: Path, rounds: int, seed: int) -> dict[str, int]:
    """Kill a writer again and again at a random moment; nothing acknowledged is ever lost.

    On a fast disk it takes luck to meet a write, so it goes on until it has met one.
    """
    chance = random.Random(seed)  # noqa: S311 -- moments to kill at, no secrets
    counts = {"rounds": 0, "acknowledged": 0, "undone": 0, "unborn": 0}
    while counts["rounds"] < rounds or (not counts["undone"] and counts["rounds"] < 20 * rounds):
        number = counts["rounds"]
        run = RUN if number % 3 else f"20261122T154501-{number:06x}"
        _kill_and_look(folder, run, chance, counts)
        counts["rounds"] += 1
    for run in find_journals(folder):
        _check_written_on(folder, run)
    return counts


def _kill_and_look(folder: Path, run: str, chance: random.Random, counts: dict[str, int]) -> None:
    path = journal_path(folder, run)
    before = len(read_journal(path)) if path.exists() else 0
    acknowledged = _kill_once(folder, run, before, chance)
    counts["acknowledged"] += acknowledged
    if not path.exists():
        assert not acknowledged
        counts["unborn"] += 1
        return
    if _hot(side_file(path)):
        counts["undone"] += 1
        _check_copied_alone(path, folder / "copy", before + acknowledged)
    if chance.random() < 0.5:
        JournalFile(folder, run).close()
    after = read_journal(path)
    assert after == tuple(map(_numbered, range(len(after))))
    assert before + acknowledged <= len(after) <= before + acknowledged + 1
    assert not _hot(side_file(path))


def _hot(side: Path) -> bool:
    """Return whether SQLite has to undo something; one that was begun only is left lying."""
    return side.exists() and side.read_bytes()[:1] not in (b"", b"\0")


def _check_written_on(folder: Path, run: str) -> None:
    with JournalFile(folder, run) as journal:
        before = len(read_journal(journal.path))
        journal.write(_numbered(before))
        assert len(read_journal(journal.path)) == before + 1
    assert not side_file(journal.path).exists()


def _kill_once(folder: Path, run: str, written: int, chance: random.Random) -> int:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _write_on(folder, run, written, writing)
    os.close(writing)
    wanted = chance.randrange(6)
    acknowledged = 0
    while acknowledged < wanted:
        acknowledged += len(os.read(reading, 1))
    time.sleep(chance.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 4096):
        acknowledged += len(more)
    os.close(reading)
    return acknowledged


def _write_on(folder: Path, run: str, written: int, writing: int) -> NoReturn:
    with JournalFile(folder, run) as journal:
        while True:
            journal.write(_numbered(written))
            os.write(writing, b".")
            written += 1


def _check_copied_alone(path: Path, folder: Path, acknowledged: int) -> None:
    """Without the file that undoes a write that was cut off, it is refused or as it was."""
    folder.mkdir(exist_ok=True)
    copy = folder / path.name
    shutil.copy(path, copy)
    problem = refused(lambda: read_journal(copy))
    if problem:
        assert problem.code == "journal.damaged"
    else:
        seen = read_journal(copy)
        assert seen == tuple(map(_numbered, range(len(seen))))
        assert acknowledged <= len(seen) <= acknowledged + 1


def full(folder: Path) -> dict[str, int]:
    """Let the disk be full before each entry, with ever one page more free until it fits."""
    _mount(folder, "size=512k")
    counts = {"written": 0, "refused": 0}
    ballast = folder / "ballast"
    with JournalFile(folder / "runs", RUN) as journal:
        for entry in realistic():
            pages = 0
            _leave_free(ballast, pages)
            while problem := refused(lambda entry=entry: journal.write(entry)):  # type: ignore[misc]  # mypy cannot type a default of a lambda
                assert problem.code == "journal.unwritable"
                assert "full" in problem.evidence[0]
                assert problem.fix == f"df -h {folder / 'runs'}"
                assert read_journal(journal.path) == realistic()[: counts["written"]]
                counts["refused"] += 1
                pages += 1
                _leave_free(ballast, pages)
            counts["written"] += 1
    assert read_journal(journal.path) == realistic()
    _leave_free(ballast, 0)
    problem = refused(lambda: JournalFile(folder / "runs", OTHER_RUN))
    assert problem
    assert problem.code == "journal.unwritable"
    assert "No space left" in problem.evidence[0]
    assert find_journals(folder / "runs") == (RUN,)
    return counts


def _mount(folder: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def _leave_free(ballast: Path, pages: int) -> None:
    ballast.unlink(missing_ok=True)
    with ballast.open("wb") as file:
        free = os.statvfs(ballast).f_bavail - pages
        os.posix_fallocate(file.fileno(), 0, free * _PAGE_BYTES)


def read_only(folder: Path) -> dict[str, str]:
    """Write and read where nothing can be written; a write that was cut off cannot be undone."""
    _mount(folder, "size=1m")
    with JournalFile(folder, RUN) as journal:
        journal.write(realistic()[0])
    shutil.copytree(sys.argv[3], folder / "cut-off")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    assert read_journal(journal.path) == realistic()[:1]
    assert find_journals(folder) == (RUN,)
    said = {}
    for run in (RUN, OTHER_RUN):
        problem = refused(lambda run=run: JournalFile(folder, run))  # type: ignore[misc]  # as above
        assert problem
        assert problem.code == "journal.unwritable"
        said[run] = problem.evidence[0]
    problem = refused(lambda: read_journal(folder / "cut-off" / journal.path.name))
    assert problem
    assert problem.code == "journal.unreadable"
    said["cut off"] = problem.evidence[0]
    return said


def limited(folder: Path) -> dict[str, int]:
    """Let files grow no further than ever more bytes (RLIMIT_FSIZE) while an entry is written."""
    counts = {"written": 0, "refused": 0, "kept": 0}
    for size in range(0, len(realistic()), 12):
        place = folder / f"{size}"
        with JournalFile(place, RUN) as journal:
            for entry in realistic()[:size]:
                journal.write(entry)
        entry = realistic()[size]
        limit = 0
        while problem := _within(limit, place, entry):
            assert problem.code == "journal.unwritable"
            seen = read_journal(journal.path)
            assert seen in (realistic()[:size], realistic()[: size + 1])
            counts["refused"] += 1
            counts["kept"] += len(seen) > size
            limit += 3001
        counts["written"] += 1
    return counts


def _within(limit: int, folder: Path, entry: Entry) -> Problem | None:
    with JournalFile(folder, RUN) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, _UNLIMITED))
        try:
            problem = refused(lambda: journal.write(entry))
            if problem:
                again = refused(lambda: journal.write(entry))
                assert again == problem
            return problem
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_UNLIMITED, _UNLIMITED))


def starved(folder: Path) -> dict[str, str]:
    """Use up all file descriptors (RLIMIT_NOFILE); with one free again, it goes on."""
    with JournalFile(folder, RUN) as journal:
        journal.write(realistic()[0])
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        taken = []
        while (descriptor := _another()) is not None:
            taken.append(descriptor)
        said = {
            "writing": refused(lambda: journal.write(realistic()[1])),
            "opening": refused(lambda: JournalFile(folder, RUN)),
            "making": refused(lambda: JournalFile(folder, OTHER_RUN)),
            "reading": refused(lambda: read_journal(journal.path)),
            "finding": refused(lambda: find_journals(folder)),
        }
        for descriptor in taken:
            os.close(descriptor)
        journal.write(realistic()[1])
    assert read_journal(journal.path) == realistic()[:2]
    assert find_journals(folder) == (RUN,)
    return {
        what: f"{problem.code}: {problem.evidence[0]}" for what, problem in said.items() if problem
    }


def _another() -> int | None:
    try:
        return os.open("/dev/null", os.O_RDONLY)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        return None


def unsynced(folder: Path) -> dict[str, str]:
    """Let the kernel answer EIO to each fsync and fdatasync (seccomp) from the third entry on."""
    with JournalFile(folder, RUN) as journal:
        for entry in realistic()[:2]:
            journal.write(entry)
        _refuse_syncing()
        said = {
            "writing": refused(lambda: journal.write(realistic()[2])),
            "again": refused(lambda: journal.write(realistic()[2])),
            "opening": refused(lambda: JournalFile(folder, RUN)),
            "making": refused(lambda: JournalFile(folder, OTHER_RUN)),
        }
    return {
        what: f"{problem.code}: {problem.evidence[0]}" for what, problem in said.items() if problem
    }


_SYNCING = {"x86_64": (74, 75), "aarch64": (82, 83)}
"""The numbers of fsync and fdatasync (Linux, asm/unistd.h)."""


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filters", ctypes.POINTER(_Filter)))


def _refuse_syncing() -> None:
    """Install a seccomp filter (linux/seccomp.h, linux/filter.h); it cannot be taken off."""
    fsync, fdatasync = _SYNCING[platform.machine()]
    filters = (_Filter * 5)(
        _Filter(0x20, 0, 0, 0),  # load the system call's number
        _Filter(0x15, 2, 0, fsync),
        _Filter(0x15, 1, 0, fdatasync),
        _Filter(0x06, 0, 0, 0x7FFF0000),  # allow
        _Filter(0x06, 0, 0, 0x00050000 | errno.EIO),
    )
    program = _Program(len(filters), filters)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((38, 1, 0, 0, 0), (22, 2, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    what, folder, *rest = sys.argv[1:]
    place = Path(folder)
    acts: dict[str, Callable[[], object]] = {
        "hold": lambda: hold(place),
        "intrude": lambda: intrude(place),
        "killed": lambda: killed(place, *map(int, rest)),
        "full": lambda: full(place),
        "read-only": lambda: read_only(place),
        "limited": lambda: limited(place),
        "starved": lambda: starved(place),
        "unsynced": lambda: unsynced(place),
    }
    print(json.dumps(acts[what]()))  # noqa: T201 -- what the parent reads


if __name__ == "__main__":
    main()
