from pathlib import Path

import pytest

from orchestrator.cli.journals import JournalFolder, MemoryJournals
from orchestrator.cli.past import read_history
from orchestrator.engine.past import past_run
from orchestrator.planning.history import History
from tests.build import SERVER
from tests.engine.test_past import opened, step

TOLD = (
    opened(),
    step(10.0, f"remove {SERVER}", "started"),
    step(17.0, f"deploy {SERVER}", "done"),
)


def written(folder: JournalFolder, run: str) -> None:
    with folder.open(run) as journal:
        for entry in TOLD:
            journal.write(entry)


@pytest.mark.usefixtures("signals")
def test_past_runs_are_read_from_the_journals_here(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "runs")
    written(folder, "r1")
    assert read_history(folder) == History(runs=(past_run(TOLD),))  # type: ignore[arg-type] # it tells of a run


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path)
    written(folder, "r1")
    (tmp_path / "r2.journal").write_bytes(b"no journal")
    history = read_history(folder)
    assert ([run.run for run in history.runs], history.unreadable) == (["r1"], 1)


def test_what_a_broken_lock_left_is_no_run_of_its_own(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path)
    written(folder, "r1-broken")
    assert read_history(folder) == History()


def test_no_journals_are_no_history(tmp_path: Path) -> None:
    assert read_history(MemoryJournals()) == History()
    assert read_history(JournalFolder(tmp_path / "none")) == History()


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    assert read_history(JournalFolder(tmp_path / "runs")) == History(unreadable=1)


def test_no_more_is_read_than_a_plan_may_wait_for(tmp_path: Path) -> None:
    """What is too large ends the reading: older ones are worth less than it."""
    folder = JournalFolder(tmp_path)
    written(folder, "r1")
    (tmp_path / "r0.journal").write_bytes(b"not read")
    assert read_history(folder).unreadable == 1
    with (tmp_path / "r2.journal").open("wb") as file:
        file.truncate(20_000_000)
    assert read_history(folder) == History()


def test_a_journal_that_is_not_there_takes_no_room(tmp_path: Path) -> None:
    assert JournalFolder(tmp_path).size("none") == 0
    assert MemoryJournals().size("none") == 0
