"""What SQLite says, turned into what a person can do; what happens, the tests beside show."""

import sqlite3
from pathlib import Path

import pytest

from orchestrator.engine.journal_trouble import lasting, told
from orchestrator.errors import ExitCode, JournalError, Problem


def error(words: str, code: int) -> sqlite3.OperationalError:
    made = sqlite3.OperationalError(words)
    made.sqlite_errorcode = code
    return made


def problem(path: Path, cause: Exception, doing: str = "written") -> Problem:
    with pytest.raises(JournalError) as raised, told(path, doing=doing):
        raise cause
    assert raised.value.exit_code is ExitCode.SAFETY_REFUSED
    assert raised.value.__cause__ is cause
    return raised.value.problems[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "r1.journal"
    file.write_bytes(b"")
    return file


def test_a_full_disk_is_told_with_where_to_look_for_room(path: Path) -> None:
    found = problem(path, error("database or disk is full", sqlite3.SQLITE_FULL))
    assert found.code == "journal.unwritable"
    assert found.fix == f"df -h {path.parent}"
    quota = problem(path, OSError(122, "Disk quota exceeded", str(path)))
    assert quota.fix == f"df -h {path.parent}"
    assert quota.evidence == (f"Disk quota exceeded: {path}",)


def test_what_sqlite_refuses_and_the_system_would_not_is_damage(path: Path) -> None:
    cause = error("unable to open database file", sqlite3.SQLITE_CANTOPEN)
    assert problem(path, cause).code == "journal.damaged"


def test_a_file_that_is_not_there_is_told_as_the_system_does(path: Path) -> None:
    path.unlink()
    found = problem(path, error("unable to open database file", sqlite3.SQLITE_CANTOPEN), "read")
    assert found.code == "journal.unreadable"
    assert found.evidence == (f"unable to open database file: No such file or directory: {path}",)


def test_a_write_that_was_cut_off_and_cannot_be_undone_is_told_so(path: Path) -> None:
    path.unlink()
    cause = error("attempt to write a readonly database", sqlite3.SQLITE_READONLY)
    words = "a write was cut off and has to be undone first: No such file or directory"
    assert problem(path, cause, "read").evidence == (f"{words}: {path}",)
    plain = "attempt to write a readonly database: No such file or directory"
    assert problem(path, cause).evidence == (f"{plain}: {path}",)


def test_a_file_that_was_moved_is_no_damage(path: Path) -> None:
    cause = error("attempt to write a readonly database", sqlite3.SQLITE_READONLY_DBMOVED)
    found = problem(path, cause)
    assert found.code == "journal.unwritable"
    assert found.evidence[0].endswith("it was moved or deleted meanwhile")


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED])
def test_a_file_in_use_is_no_damage(path: Path, code: int) -> None:
    found = problem(path, error("database is locked", code))
    assert found.fix == "dtdeploy lock"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_NOMEM])
def test_trouble_around_it_is_no_damage(path: Path, code: int) -> None:
    found = problem(path, error("disk I/O error", code))
    assert (found.code, found.fix) == ("journal.unwritable", f"ls -la {path.parent}")


@pytest.mark.parametrize("cause", [error("malformed", sqlite3.SQLITE_CORRUPT), sqlite3.Error("?")])
def test_anything_else_is_damage(path: Path, cause: Exception) -> None:
    found = problem(path, cause, "read")
    assert found.code == "journal.damaged"
    assert found.fix == f"mv {path} {path}.damaged"


@pytest.mark.parametrize(
    ("cause", "last"),
    [
        (error("full", sqlite3.SQLITE_FULL), False),
        (error("busy", sqlite3.SQLITE_BUSY), False),
        (error("files", sqlite3.SQLITE_CANTOPEN), False),
        (error("sync", sqlite3.SQLITE_IOERR_FSYNC), True),
        (OSError(5, "Input/output error"), True),
    ],
)
def test_after_which_trouble_nothing_more_may_be_written(
    path: Path, cause: Exception, *, last: bool
) -> None:
    with pytest.raises(JournalError) as raised, told(path, doing="written"):
        raise cause
    assert lasting(raised.value) is last
