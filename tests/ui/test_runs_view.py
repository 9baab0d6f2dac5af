from datetime import UTC, datetime

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.report.timeline import Outage, Outcome
from orchestrator.ui.runs_view import DamagedRun, ListedRun, Runs, render_runs, runs_json
from tests.build import SERVER

DAMAGED = Problem(
    code="journal.damaged",
    what="the journal is damaged",
    exit_code=ExitCode.SAFETY_REFUSED,
    fix="mv a b",
)
ENTRIES = (
    ListedRun(
        run="20261122T093000-1a2b3c",
        began=1.8e9,
        seconds=32.4,
        who="ann@desk",
        words="restart --all\x1b[2J",
        outcome=Outcome.FAILED,
        unfinished=True,
        exit=21,
        outage=Outage(unit=SERVER, begin=1.0, end=8.5, over=False),
    ),
    DamagedRun(run="20261121T093000-4d5e6f", problem=DAMAGED),
    DamagedRun(run="20261120T093000-7a8b9c"),
)


def local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def test_a_wide_terminal_has_a_line_for_each_run() -> None:
    lines = render_runs(Runs(entries=ENTRIES, more=2), local, width=160)
    assert lines[0].split() == ["RUN", "BEGAN", "ENDED", "DOWN", "TOOK", "WHAT"]
    assert lines[1].split("  ") == [
        "20261122T093000-1a2b3c",
        "2027-01-15 08:00",
        "failed, unfinished",
        "7.5 s, still",
        "32 s",
        "restart --all",
        "(ann@desk)",
    ]
    assert "unreadable" in lines[2]
    assert "the journal is damaged; next: mv a b" in lines[2]
    assert "its journal tells of nothing" in lines[3]
    assert lines[-1] == "and 2 older runs: --limit"


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_one_has_two_and_the_ids_stay_whole(width: int) -> None:
    lines = render_runs(Runs(entries=ENTRIES), local, width=width)
    assert lines[0].startswith("20261122T093000-1a2b3c  failed, unfinished")
    assert any(line.startswith("    2027-01-15 08:00  restart --all") for line in lines)
    assert all(len(line) <= width for line in lines)


def test_none_are_said_to_be_none() -> None:
    assert render_runs(Runs(entries=()), local) == ["this machine remembers no run"]


def test_a_machine_reads_the_same() -> None:
    said = runs_json(Runs(entries=ENTRIES, more=2))
    (run,) = said["runs"]
    assert run["outage"] == {"unit": str(SERVER), "seconds": 7.5, "over": False}
    assert (run["words"], run["outcome"], run["unfinished"]) == ("restart --all", "failed", True)
    assert [entry["code"] for entry in said["unreadable"]] == ["journal.damaged", None]
    assert said["more"] == 2
