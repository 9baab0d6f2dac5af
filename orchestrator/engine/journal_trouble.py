"""What can be wrong with a journal's file; the one place where SQLite's errors are translated."""

import errno
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.command_line import typed
from orchestrator.engine.journal_format import FORMAT, UnfitError
from orchestrator.errors import ExitCode, JournalError, Problem, Where

ENDING = ".journal"
_RUNBOOK = "run-stopped-half-way"
_TRUTH = (
    "the journal is only memory: the Swarms hold the truth, and while the run is unfinished its"
    " record (the Docker config dtdeploy.run at the coordinator) says how far it got"
)
_PRIMARY = 0xFF
"""An extended result code of SQLite holds the primary one in its low byte (sqlite.org/rescode)."""
_SURROUNDINGS = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""These, too, say nothing about the file's content."""


def side_file(path: Path) -> Path:
    """Return where SQLite keeps the means to undo a write that was cut off."""
    return path.with_name(f"{path.name}-journal")


def run_of(path: Path) -> str:
    """Return the id of the run whose journal `path` is."""
    return path.name.removesuffix(ENDING)


@contextmanager
def told(path: Path, *, doing: str) -> Iterator[None]:
    """Turn what SQLite, the system and the format say of `path` into a JournalError.

    `doing` is `written` or `read`.
    """
    try:
        yield
    except UnfitError as error:
        raise JournalError(damaged(path, str(error))) from error
    except UnicodeDecodeError as error:
        # SQLite quotes the schema it cannot parse, and Python cannot decode what it quotes.
        raise JournalError(damaged(path, "its tables' definition is no text")) from error
    except sqlite3.Error as error:
        raise JournalError(_of_sqlite(path, error, doing)) from error
    except OSError as error:
        raise JournalError(_failed(path, doing, _words(error), _fix_of(path, error))) from error


def lasting(error: JournalError) -> bool:
    """Return whether a failed write must be taken for the last one through this connection.

    After a full disk, a lock, or where its rollback journal cannot be opened, SQLite has undone
    the write and may try again. After an I/O error nobody knows what reached the disk, and Linux
    tells of a failed fsync only once.
    """
    cause = error.__cause__
    transient = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)
    return not (isinstance(cause, sqlite3.Error) and _code(cause) in transient)


def damaged(path: Path, words: str) -> Problem:
    """Return the problem of a file that holds anything but the entries that were written."""
    moves = [f"mv {shlex.quote(str(f))} {shlex.quote(f'{f}.damaged')}" for f in _files(path)]
    return Problem(
        code="journal.damaged",
        what=f"the journal of run {run_of(path)} is damaged, nothing of it is believed",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(file=str(path)),
        evidence=(words,),
        fix=" && ".join(moves),
        state_left=_TRUTH,
        runbook=_RUNBOOK,
    )


def other_version(path: Path, version: int) -> Problem:
    """Return the problem of a journal in a format that this dtdeploy does not know."""
    moved = f"{path}.format-{version}"
    return Problem(
        code="journal.other-version",
        what=(
            f"the journal of run {run_of(path)} is of format {version},"
            f" this dtdeploy knows format {FORMAT}: use the dtdeploy that wrote it,"
            " or put the journal aside"
        ),
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(file=str(path)),
        evidence=(f"user_version {version}",),
        fix=f"mv {shlex.quote(str(path))} {shlex.quote(moved)}",
        state_left=_TRUTH,
        runbook=_RUNBOOK,
    )


def orphaned(path: Path) -> Problem:
    """Return the problem of a side file whose journal is gone: it would undo what it never saw."""
    side = side_file(path)
    words = f"{side} belongs to a journal that is not there any more"
    moved = f"{side}.damaged"
    return _failed(path, "written", words, f"mv {shlex.quote(str(side))} {shlex.quote(moved)}")


def too_large(path: Path, size: int, largest: int) -> Problem:
    """Return the problem of an entry that is too large to be kept."""
    words = f"the entry has {size} bytes, {largest} are the most"
    return _failed(path, "written", words, fix="select fewer units at once, site by site")


def in_use(path: Path) -> Problem:
    """Return the problem of a journal that another process, or another part of this, writes."""
    return _failed(path, "written", "another process writes it", fix=typed("lock"))


def closed(path: Path) -> Problem:
    """Return the problem of a write to a journal that was closed."""
    return _failed(path, "written", "it was closed before", fix=typed("status"))


def unlisted(folder: Path, error: OSError) -> Problem:
    """Return the problem of a folder of journals that cannot be looked into."""
    return Problem(
        code="journal.unreadable",
        what="nobody can say which runs have a journal here",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(file=str(folder)),
        evidence=(_words(error),),
        fix=f"ls -la {shlex.quote(str(folder))}",
        state_left=_TRUTH,
        runbook=_RUNBOOK,
    )


def _words(error: OSError) -> str:
    return ": ".join(filter(None, (error.strerror, error.filename)))


def _fix_of(path: Path, error: OSError) -> str:
    return _free_space(path) if error.errno in (errno.ENOSPC, errno.EDQUOT) else _look_at(path)


def _free_space(path: Path) -> str:
    return f"df -h {shlex.quote(str(path.parent))}"


def _files(path: Path) -> tuple[Path, ...]:
    return tuple(f for f in (path, side_file(path)) if f == path or f.exists())


def _code(error: sqlite3.Error) -> int:
    # Errors that Python's own module raises, not the library, carry no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & _PRIMARY


def _of_sqlite(path: Path, error: sqlite3.Error, doing: str) -> Problem:
    code = _code(error)
    words = str(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        words = f"{words}: another process is reading or writing it"
        return _failed(path, doing, words, fix=typed("lock"))
    if code == sqlite3.SQLITE_FULL:
        return _failed(path, doing, words, fix=_free_space(path))
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        # SQLite says the same of a file whose header asks for what it must not do.
        moved = error.sqlite_errorcode == sqlite3.SQLITE_READONLY_DBMOVED
        obstacle = "it was moved or deleted meanwhile" if moved else _obstacle(path)
        if not obstacle:
            return damaged(path, words)
        if doing == "read" and code == sqlite3.SQLITE_READONLY:
            words = "a write was cut off and has to be undone first"
        words = f"{words}: {obstacle}"
    elif code not in _SURROUNDINGS:
        return damaged(path, words)
    return _failed(path, doing, words, fix=_look_at(path))


def _look_at(path: Path) -> str:
    return f"ls -la {shlex.quote(str(path.parent))}"


def _obstacle(path: Path) -> str:
    """Return why the system lets nobody write `path`, which SQLite does not say. "" if it does."""
    try:
        # Not the file itself: closing it would drop the locks that SQLite holds in this process.
        os.close(os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY))
        path.stat()
    except OSError as error:
        return _words(error)
    for place, may in ((path, os.R_OK | os.W_OK), (path.parent, os.W_OK | os.X_OK)):
        # As root only where a file system is read-only: a child of tests/engine/journal_child.py.
        if not os.access(place, may):  # pragma: no cover - see the line above
            return f"no permission to write {place}"
    return ""


def _failed(path: Path, doing: str, words: str, fix: str) -> Problem:
    written = doing == "written"
    return Problem(
        code="journal.unwritable" if written else "journal.unreadable",
        what=f"the journal of run {run_of(path)} cannot be {doing}",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(file=str(path)),
        evidence=(words,),
        fix=fix,
        state_left=f"nothing was sent without an entry; {_TRUTH}" if written else _TRUTH,
        runbook=_RUNBOOK,
    )
