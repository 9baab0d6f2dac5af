"""Where journals of runs are kept: files on this machine, or nothing at all when simulated."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from orchestrator.engine.journal import Entry, Journal
from orchestrator.engine.journal_file import JournalFile, find_journals, journal_path, read_journal

_BROKEN = "-broken"


class Journals(Protocol):
    """The journals that this machine keeps."""

    def open(self, run: str) -> AbstractContextManager[Journal]:
        """Open the journal of `run` for writing; made when it is missing (JournalError)."""
        ...

    def read(self, run: str) -> tuple[Entry, ...]:
        """Return what the journal of `run` holds; nothing where there is none (JournalError)."""
        ...

    def runs(self) -> tuple[str, ...]:
        """Return the ids of the runs that have one, newest first (JournalError)."""
        ...

    def size(self, run: str) -> int:
        """Return how many bytes the journal of `run` takes, 0 where there is none."""
        ...


def journal_of(run: str) -> str:
    """Return the id of the journal for a run's broken lock.

    Not the run's own: its process may still live, on this machine, and hold that one open.
    """
    return f"{run}{_BROKEN}"


def runs_in(journals: Journals) -> tuple[str, ...]:
    """Return the runs that the journals tell of, newest first (JournalError)."""
    return tuple(dict.fromkeys(name.removesuffix(_BROKEN) for name in journals.runs()))


class JournalFolder:
    """One file a run in `folder`; see `JournalFile`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, run: str) -> AbstractContextManager[Journal]:
        """Open the file of `run`."""
        return JournalFile(self._folder, run)

    def read(self, run: str) -> tuple[Entry, ...]:
        """Read the file of `run`, if there is one."""
        if run not in self.runs():
            return ()
        return read_journal(journal_path(self._folder, run))

    def runs(self) -> tuple[str, ...]:
        """Return the ids of the runs that have a file."""
        return find_journals(self._folder)

    def size(self, run: str) -> int:
        """Return the size of the file of `run`."""
        with suppress(OSError):
            return journal_path(self._folder, run).stat().st_size
        return 0


class MemoryJournals:
    """Journals that are gone with the process: a rehearsal leaves nothing behind."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}

    @contextmanager
    def open(self, run: str) -> Iterator[Journal]:
        """Continue what was written to `run` so far."""
        yield _Memory(self._entries.setdefault(run, []))

    def read(self, run: str) -> tuple[Entry, ...]:
        """Return what was written to `run`."""
        return tuple(self._entries.get(run, ()))

    def runs(self) -> tuple[str, ...]:
        """Return the runs that wrote anything."""
        return tuple(sorted(self._entries, reverse=True))

    def size(self, run: str) -> int:
        """Return 0: what is in memory takes no time to read."""
        del run
        return 0


class _Memory:
    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def write(self, entry: Entry) -> None:
        self._entries.append(entry)
