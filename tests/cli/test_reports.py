"""The report that every run leaves, and the commands that list runs and make reports anew."""

import json
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.completing import complete_runs
from orchestrator.cli.journals import JournalFolder, journal_of, runs_in
from orchestrator.cli.main import run
from orchestrator.cli.reports import NoReports, ReportFolder, leave_report, read_timeline
from orchestrator.errors import ExitCode
from orchestrator.report.timeline import Outcome
from tests.cli.desk import Desk, order
from tests.report.journals import closed, lock, opened, whole_restart
from tests.simulated import simulated

RUN = "20261122T093000-1a2b3c"
OLDER = "20261121T093000-4d5e6f"


def remember(state: Path, name: str, entries: object = None) -> None:
    with JournalFolder(state / "dtdeploy" / "runs").open(name) as journal:
        for entry in whole_restart() if entries is None else entries:  # type: ignore[attr-defined] # a list of entries
            journal.write(entry)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    remember(tmp_path, OLDER)
    remember(tmp_path, RUN)
    return tmp_path


class Broken:
    """A place where no report can be put."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def put(self, run: str, texts: Mapping[str, str]) -> Path | None:
        del run, texts
        raise self._error


def restarted(desk: Desk) -> ExitCode:
    return follow(desk.world(), order())


def test_a_run_leaves_its_report_and_says_where_it_lies(tmp_path: Path) -> None:
    desk = Desk(shared=simulated(), reports=ReportFolder(tmp_path / "reports"))
    assert restarted(desk) is ExitCode.DONE
    (name,) = desk.journals.runs()
    path = tmp_path / "reports" / f"{name}.html"
    assert desk.said().splitlines()[-1] == f"report: {path}"
    kept = sorted((tmp_path / "reports").iterdir())
    assert [file.suffix for file in kept] == [".html", ".json", ".md"]
    assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}
    assert json.loads(kept[1].read_text("utf-8"))["outcome"] == "done"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("a mistake")])
def test_a_report_that_cannot_be_written_changes_nothing_else(error: Exception) -> None:
    desk = Desk(shared=simulated(), reports=Broken(error))
    assert restarted(desk) is ExitCode.DONE
    last = desk.said().splitlines()[-1]
    assert last.startswith("no report was written: ")
    assert "dtdeploy report run-" in last


def test_a_run_that_never_had_the_lock_leaves_none(tmp_path: Path) -> None:
    journals = JournalFolder(tmp_path / "runs")
    with journals.open(RUN) as journal:
        journal.write(opened(1.0))
        journal.write(closed(2.0, 10))
    assert leave_report(journals, ReportFolder(tmp_path / "reports"), RUN) is None
    assert leave_report(journals, NoReports(), RUN) is None
    assert not (tmp_path / "reports").exists()


def test_a_broken_lock_belongs_to_its_run(tmp_path: Path) -> None:
    journals = JournalFolder(tmp_path)
    entries = {
        RUN: [opened(1.0), lock(1.5, "taken")],
        journal_of(RUN): [opened(9.0, "broken"), opened(9.5, "resumed"), closed(50.0)],
    }
    for name, told in entries.items():
        with journals.open(name) as journal:
            for entry in told:
                journal.write(entry)
    assert runs_in(journals) == (RUN,)
    told_of = read_timeline(journals, RUN)
    assert told_of is not None
    assert told_of.outcome is Outcome.GIVEN_UP


def test_runs_are_listed_newest_first(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["RUN", RUN, OLDER]
    assert "done" in lines[1]
    assert "4.0 s" in lines[1]
    assert run(["runs", "--limit", "1"]) == 0
    assert "and 1 older run" in capsys.readouterr().out
    assert state.exists()


def test_a_damaged_journal_is_named_and_stops_nothing(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = "20261123T093000-7a8b9c"
    (state / "dtdeploy" / "runs" / f"{damaged}.journal").write_bytes(b"no journal")
    remember(state, "20261120T093000-000000", [])
    assert run(["--json", "runs"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["run"] for entry in listed["runs"]] == [RUN, OLDER]
    assert [entry["code"] for entry in listed["unreadable"]] == ["journal.damaged", None]
    assert run(["runs"]) == 0
    assert damaged in capsys.readouterr().out
    assert run(["report", damaged]) == ExitCode.SAFETY_REFUSED
    assert run(["report", "20261120T093000-000000"]) == ExitCode.USAGE


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("word", ["last", "20261122", RUN, ""])
def test_a_report_is_made_anew(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not word:
        assert run(["report"]) == 0
    else:
        assert run(["report", word]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.name == f"{RUN}.html"
    assert path.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(("word", "said"), [("2026", "2 runs begin"), ("x", "no run here")])
def test_a_run_that_is_not_clear_is_refused(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", word]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_a_machine_without_runs_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(["runs"]) == 0
    assert capsys.readouterr().out == "this machine remembers no run\n"
    assert run(["report"]) == ExitCode.USAGE


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["report", "--format", "markdown"], "# <code>dtdeploy"),
        (["report", "--format", "html"], "<!doctype html>"),
        (["--json", "report"], "{"),
    ],
)
def test_one_form_is_printed(
    words: list[str], begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 0
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("name", "begins"), [("r.html", "<!doctype"), ("r.md", "# <code>"), ("r.json", "{")]
)
def test_a_file_is_written_in_the_form_that_its_name_says(
    tmp_path: Path, name: str, begins: str
) -> None:
    assert run(["report", "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text("utf-8").startswith(begins)


@pytest.mark.usefixtures("state")
def test_where_nothing_can_be_written_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", "--out", str(tmp_path / "none" / "r.html")]) == ExitCode.USAGE
    assert "usage.unwritable-report" in capsys.readouterr().err
    (tmp_path / "dtdeploy" / "reports").write_text("a file")
    assert run(["report"]) == ExitCode.USAGE


@pytest.mark.usefixtures("state")
def test_a_browser_shows_it_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.setenv("DISPLAY", ":0")
    assert run(["report", "--open"]) == 0
    assert shown[0].startswith("file:///")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert run(["report", "--open"]) == 0
    assert len(shown) == 1
    assert "no browser" in capsys.readouterr().err


def test_completion_knows_the_runs(state: Path) -> None:
    assert complete_runs(state / "dtdeploy") == ["last", RUN, OLDER]
    assert complete_runs(state / "none") == ["last"]
