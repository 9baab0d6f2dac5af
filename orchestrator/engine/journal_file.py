"""The journal as one SQLite file a run: `<folder>/<RUN>.journal`."""

import fcntl
import os
import re
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self
from urllib.parse import quote

from orchestrator.engine.journal import Entry
from orchestrator.engine.journal_format import (
    APPLICATION_ID,
    FORMAT,
    LARGEST_ENTRY_BYTES,
    TABLES,
    UnfitError,
    empty,
    encode,
    entries_of,
    next_link,
)
from orchestrator.engine.journal_trouble import (
    ENDING,
    closed,
    in_use,
    lasting,
    orphaned,
    other_version,
    run_of,
    side_file,
    told,
    too_large,
    unlisted,
)
from orchestrator.errors import JournalError, Problem

_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_WAIT_SECONDS = 5.0
"""How long a reader waits for a commit to end, and a commit for readers."""
_CLAIMED_BYTE = 1 << 62
"""Far behind any content, and behind the bytes that SQLite locks (os.h, PENDING_BYTE: 1 GiB)."""


class JournalFile:
    """A run's journal, open for writing by this process alone.

    Opening makes the folder (0700) and the file (0600) where they are missing, else checks the
    whole file and continues it. Any number of processes may read it meanwhile. May be used
    from several threads, not from a signal handler. docs/journal.md tells what SQLite does.

    Raises:
        JournalError: the file cannot be opened, is damaged, or another process writes it.
        ValueError: `run` is no run id.

    """

    def __init__(self, folder: Path, run: str) -> None:
        self._path = journal_path(folder, run)
        self._turn = Lock()
        self._over: Problem | None = None
        with told(self._path, doing="written"), ExitStack() as undo:
            _make_folder(folder)
            if not self._path.exists():
                _create(self._path)
            self._claim = _claim(self._path)
            undo.callback(os.close, self._claim)
            self._db = _connect(self._path)
            undo.callback(self._db.close)
            self._check()
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def write(self, entry: Entry) -> None:
        """Append an entry; it survives a power cut once this returns.

        Raises:
            JournalError: it could not be written, or nobody can say whether it was. Where SQLite
                has undone the write (disk full, locked, no file descriptor left) a later one may
                succeed; after anything else none will.
            TypeError, ValueError: the entry is no JSON; a mistake of the caller.

        """
        text = encode(entry)
        if len(text) > LARGEST_ENTRY_BYTES:
            raise JournalError(too_large(self._path, len(text), LARGEST_ENTRY_BYTES))
        with self._turn:
            if self._over:
                raise JournalError(self._over)
            try:
                with told(self._path, doing="written"):
                    self._append(text)
            except JournalError as error:
                if lasting(error):
                    self._shut(error.problems[0])
                raise

    def close(self) -> None:
        """Let go of the file; what was written stays. May be called twice."""
        with self._turn:
            self._shut(closed(self._path))

    def _check(self) -> None:
        # FULL forgets to sync the folder after a commit: a power cut could bring the rollback
        # journal back, and that would undo the commit (sqlite.org/pragma, synchronous).
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.execute("BEGIN IMMEDIATE")
        # Whoever wrote before may have been killed between creating or undoing and syncing.
        _sync_folder(self._path.parent)
        _verified(self._db, self._path)
        # What does no harm to reading, such as a list of free pages that is wrong, does to writing.
        found = [row[0].decode() for row in self._db.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise UnfitError("; ".join(found))
        # SQLite opens what it may not write as well, and says so only when asked to.
        self._db.execute("UPDATE head SET entries = entries")
        self._db.execute("ROLLBACK")

    def _append(self, text: bytes) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            entries, link = self._db.execute("SELECT entries, sha256 FROM head").fetchone()
            row = (entries + 1, text.decode("ascii"), next_link(link, text))
            self._db.execute("INSERT INTO entries VALUES (?, ?, ?)", row)
            self._db.execute("UPDATE head SET entries = ?, sha256 = ?", (row[0], row[2]))
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _shut(self, why: Problem) -> None:
        if not self._over:
            self._over = why
            self._db.close()
            # After SQLite: this drops all locks that the process has on the file.
            os.close(self._claim)


def journal_path(folder: Path, run: str) -> Path:
    """Return where the journal of `run` is, or would be.

    Raises:
        ValueError: `run` is no run id.

    """
    if not _RUN.fullmatch(run):
        raise ValueError(f"{run!r} is no run id")
    return folder / f"{run}{ENDING}"


def read_journal(path: Path) -> tuple[Entry, ...]:
    """Return exactly the entries that were written to `path`, oldest first.

    A write that was cut off is undone first, as SQLite does on opening. The run may go on
    meanwhile.

    Raises:
        JournalError: the file cannot be read, is damaged, or of another version.

    """
    with told(path, doing="read"), _reading(path) as db:
        return _verified(db, path)


def find_journals(folder: Path) -> tuple[str, ...]:
    """Return the ids of the runs with a journal in `folder`, newest first; none if it is absent.

    Run ids begin with the time, so their order is that of their names.

    Raises:
        JournalError: the folder cannot be read.

    """
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise JournalError(unlisted(folder, error)) from error
    runs = (name.removesuffix(ENDING) for name in names if name.endswith(ENDING))
    return tuple(sorted(filter(_RUN.fullmatch, runs), reverse=True))


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    path.stat()
    with closing(_connect(path)) as db:
        db.execute("BEGIN")
        yield db


def _claim(path: Path) -> int:
    """Return a descriptor that keeps other writers out as long as it is open.

    SQLite lets go of its own lock after each commit. This one belongs to the descriptor, not to
    the process (fcntl(2), open file description locks), so that a reader in this process does
    not drop it by closing the file.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    one_byte = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _CLAIMED_BYTE, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, one_byte)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalError(in_use(path)) from error
    except OSError:  # pragma: no cover - only where a file system knows no such locks
        os.close(descriptor)
        raise
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=_WAIT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    db.text_factory = bytes
    # For files that may be damaged (sqlite.org/security, untrusted database files).
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def _number(db: sqlite3.Connection, pragma: str) -> int:
    value: int = db.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


def _verified(db: sqlite3.Connection, path: Path) -> tuple[Entry, ...]:
    """Return every entry; raises when anything is not as it was written."""
    if _number(db, "application_id") != APPLICATION_ID:
        raise UnfitError("is no journal of dtdeploy")
    if (version := _number(db, "user_version")) != FORMAT:
        raise JournalError(other_version(path, version))
    if (mode := db.execute("PRAGMA journal_mode").fetchone()[0]) != b"delete":
        raise UnfitError(f"is in SQLite's mode {mode.decode()}, which no journal uses")
    tables = db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY rootpage").fetchall()
    if tables != [(b"table", name.encode(), sql.encode()) for name, sql in TABLES.items()]:
        raise UnfitError("has other tables than a journal")
    heads = db.execute("SELECT run, entries, sha256 FROM head").fetchall()
    return entries_of(run_of(path), heads, db.execute("SELECT * FROM entries ORDER BY seq"))


def _make_folder(folder: Path) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    """Make what was created in `folder` survive a power cut (fsync(2), second paragraph)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path) -> None:
    """Put an empty journal at `path`: whole, durable, and only if there is none yet."""
    if side_file(path).exists():
        raise JournalError(orphaned(path))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(empty(run_of(path)))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
        _sync_folder(path.parent)
