import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.journal_file import JournalFile, find_journals, journal_path, read_journal
from orchestrator.engine.journal_format import LARGEST_ENTRY_BYTES
from orchestrator.engine.journal_trouble import side_file
from orchestrator.errors import ExitCode, JournalError, Problem
from tests.engine.journals import OTHER_RUN, RUN, cut_off, full_journal, realistic

_ROOT = Path(__file__).parent.parent.parent
_FIRST, _SECOND, _THIRD = realistic()[:3]


def _refused(caught: pytest.ExceptionInfo[JournalError]) -> Problem:
    (problem,) = caught.value.problems
    assert problem.exit_code is ExitCode.SAFETY_REFUSED
    assert problem.runbook == "run-stopped-half-way"
    assert "the Swarms hold the truth" in problem.state_left
    assert problem.fix
    return problem


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_journal(full_journal(tmp_path)) == realistic()


def test_a_new_one_is_empty(tmp_path: Path) -> None:
    with JournalFile(tmp_path, RUN) as journal:
        assert read_journal(journal.path) == ()


def test_an_existing_one_is_continued(tmp_path: Path) -> None:
    for entry in (_FIRST, _SECOND, _THIRD):
        with JournalFile(tmp_path, RUN) as journal:
            journal.write(entry)
    assert read_journal(journal.path) == (_FIRST, _SECOND, _THIRD)


def test_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    with JournalFile(tmp_path, RUN) as journal:
        for number, entry in enumerate(realistic(), start=1):
            journal.write(entry)
            assert len(read_journal(journal.path)) == number


def test_folder_and_file_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "dtdeploy" / "runs"
    before = os.umask(0)
    try:
        with JournalFile(folder, RUN) as journal:
            journal.write(_FIRST)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(place.stat().st_mode) for place in (folder.parent, folder, journal.path)]
    assert modes == [0o700, 0o700, 0o600]


def test_no_other_file_is_left(tmp_path: Path) -> None:
    with JournalFile(tmp_path, RUN) as journal:
        for entry in realistic():
            journal.write(entry)
            assert list(tmp_path.iterdir()) == [journal.path]
    assert list(tmp_path.iterdir()) == [journal.path]


def test_a_copy_of_the_one_file_is_the_journal(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(_FIRST)
        copy = Path(shutil.copy(journal.path, folder))
    assert read_journal(copy) == (_FIRST,)


def test_under_another_name_it_is_another_runs(tmp_path: Path) -> None:
    path = full_journal(tmp_path).rename(journal_path(tmp_path, OTHER_RUN))
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    assert "is not the journal of run" in _refused(caught).evidence[0]


def test_threads_take_turns(tmp_path: Path) -> None:
    entries = [Entry(at=float(n), kind=EntryKind.STEP, body={"n": n}) for n in range(40)]
    with JournalFile(tmp_path, RUN) as journal, ThreadPoolExecutor(4) as pool:
        list(pool.map(journal.write, entries))
    assert sorted(read_journal(journal.path), key=lambda entry: entry.at) == entries


def test_a_second_writer_in_this_process_is_refused(tmp_path: Path) -> None:
    with JournalFile(tmp_path, RUN) as journal:
        with pytest.raises(JournalError) as caught:
            JournalFile(tmp_path, RUN)
        problem = _refused(caught)
        assert problem.code == "journal.unwritable"
        assert problem.evidence == ("another process writes it",)
        assert problem.fix == "dtdeploy lock"
        journal.write(_FIRST)
    assert read_journal(journal.path) == (_FIRST,)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the journal open for writing, with one entry in it."""
    command = [sys.executable, "-m", "tests.engine.journal_child", "hold", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process


def test_a_second_process_is_refused_until_the_first_has_ended(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(JournalError) as caught:
        JournalFile(tmp_path, RUN)
    assert _refused(caught).evidence == ("another process writes it",)
    before = read_journal(journal_path(tmp_path, RUN))
    assert len(before) == 1
    holder.communicate()
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(_SECOND)
    assert read_journal(journal.path) == (*before, _SECOND)


def test_while_it_is_written_and_read_nobody_else_gets_to_write(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """A reader that closes the file drops SQLite's locks of its process, not this one."""
    holder.communicate()
    command = [sys.executable, "-m", "tests.engine.journal_child", "intrude", str(tmp_path)]
    with (
        JournalFile(tmp_path, RUN) as journal,
        subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as intruder,
    ):
        for entry in realistic():
            journal.write(entry)
            assert read_journal(journal.path)[-1] == entry
        out, _ = intruder.communicate()
    assert intruder.returncode == 0
    assert json.loads(out)["tried"] > 0


def test_a_write_that_was_cut_off_is_undone_by_reading(tmp_path: Path) -> None:
    path = cut_off(tmp_path)
    assert side_file(path).exists()
    assert read_journal(path) == realistic()
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_was_cut_off_is_undone_by_writing_on(tmp_path: Path) -> None:
    path = cut_off(tmp_path)
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(_FIRST)
    assert read_journal(path) == (*realistic(), _FIRST)


def test_without_the_means_to_undo_it_is_damaged(tmp_path: Path) -> None:
    path = cut_off(tmp_path)
    side_file(path).unlink()
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    assert _refused(caught).code == "journal.damaged"


def test_what_is_left_of_a_deleted_one_does_not_get_into_a_new_one(tmp_path: Path) -> None:
    """SQLite would undo, in the new file, what was never done there."""
    path = cut_off(tmp_path)
    path.unlink()
    with pytest.raises(JournalError) as caught:
        JournalFile(tmp_path, RUN)
    side = side_file(path)
    assert _refused(caught).fix == f"mv {side} {side}.damaged"
    subprocess.run(_refused(caught).fix, shell=True, check=True)  # noqa: S602 -- as a person types it
    with JournalFile(tmp_path, RUN) as journal:
        assert read_journal(journal.path) == ()


def test_the_fix_of_a_damaged_one_makes_room_for_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    path = cut_off(folder)
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    subprocess.run(_refused(caught).fix, shell=True, check=True)  # noqa: S602 -- as a person types it
    with JournalFile(folder, RUN) as journal:
        journal.write(_FIRST)
    assert read_journal(path) == (_FIRST,)
    assert find_journals(folder) == (RUN,)


@pytest.mark.parametrize("replaced", [False, True])
def test_moved_away_meanwhile_nothing_is_written_to_where_nobody_looks(
    tmp_path: Path, *, replaced: bool
) -> None:
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(_FIRST)
        journal.path.rename(tmp_path / "moved")
        if replaced:
            shutil.copy(tmp_path / "moved", journal.path)
        with pytest.raises(JournalError) as caught:
            journal.write(_SECOND)
    assert "was moved or deleted meanwhile" in _refused(caught).evidence[0]


def test_a_reader_that_does_not_let_go_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.journal_file._WAIT_SECONDS", 0.01)
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(_FIRST)
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM head").fetchall()
            with pytest.raises(JournalError) as caught:
                journal.write(_SECOND)
            assert "another process is reading" in _refused(caught).evidence[0]
            reader.execute("COMMIT")
        journal.write(_SECOND)
    assert read_journal(journal.path) == (_FIRST, _SECOND)


def test_an_entry_that_is_too_large_is_refused_alone(tmp_path: Path) -> None:
    large = Entry(at=0.0, kind=EntryKind.STEP, body={"words": "x" * LARGEST_ENTRY_BYTES})
    with JournalFile(tmp_path, RUN) as journal:
        with pytest.raises(JournalError) as caught:
            journal.write(large)
        assert f"{LARGEST_ENTRY_BYTES} are the most" in _refused(caught).evidence[0]
        journal.write(_FIRST)
    assert read_journal(journal.path) == (_FIRST,)


def test_an_entry_that_is_no_json_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    wrong = Entry(at=0.0, kind=EntryKind.STEP, body={"words": float("nan")})
    with JournalFile(tmp_path, RUN) as journal:
        with pytest.raises(ValueError, match="JSON compliant"):
            journal.write(wrong)
        journal.write(_FIRST)
    assert read_journal(journal.path) == (_FIRST,)


def test_a_closed_one_takes_nothing(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path, RUN)
    journal.close()
    journal.close()
    with pytest.raises(JournalError) as caught:
        journal.write(_FIRST)
    assert _refused(caught).evidence == ("it was closed before",)


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    path = journal_path(tmp_path, RUN)
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    problem = _refused(caught)
    assert problem.code == "journal.unreadable"
    assert problem.evidence == (f"No such file or directory: {path}",)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["?mode=memory", "a#b", "100%41", "zoë", "a 'b'"])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    with JournalFile(tmp_path / name, RUN) as journal:
        journal.write(_FIRST)
    assert [journal.path] == list((tmp_path / name).iterdir())
    assert read_journal(journal.path) == (_FIRST,)


def test_a_relative_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_journal(full_journal(Path("runs"))) == realistic()
    assert find_journals(Path("runs")) == (RUN,)


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".", "a b", "-a", "a\n", "x" * 65, "a.b"])
def test_no_run_id_leads_out_of_the_folder(tmp_path: Path, run: str) -> None:
    with pytest.raises(ValueError, match="is no run id"):
        JournalFile(tmp_path, run)
    assert list(tmp_path.iterdir()) == []


def test_journals_are_found_newest_first(tmp_path: Path) -> None:
    runs = ("20261122T154501-ab12cd", "20261122T154502-000000", "20251122T154501-ffffff")
    for run in runs:
        JournalFile(tmp_path, run).close()
    for name in (f"{RUN}.journal.damaged", f".{RUN}.journal.x", "notes.txt", "a b.journal"):
        (tmp_path / name).touch()
    assert find_journals(tmp_path) == (runs[1], runs[0], runs[2])


def test_none_are_found_where_there_is_no_folder(tmp_path: Path) -> None:
    assert find_journals(tmp_path / "runs") == ()


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    place = tmp_path / "runs"
    place.touch()
    with pytest.raises(JournalError) as caught:
        find_journals(place)
    assert _refused(caught).code == "journal.unreadable"
    with pytest.raises(JournalError) as caught:
        JournalFile(place, RUN)
    assert _refused(caught).code == "journal.unwritable"
