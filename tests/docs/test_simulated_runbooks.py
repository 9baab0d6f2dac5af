"""Every dtdeploy command of every runbook, run on the simulated fleet in the state it is meant for.

Those that finish, undo or break another run are run here where there is none: they say so. With a
run to finish they are run on the real Swarms: tests/lab/test_half_finished.py, test_recovery.py.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from tests.docs.pages import ROOT, RUNBOOKS
from tests.docs.typed import commands

WELL = ROOT / "scenarios" / "datatrail.yaml"
CUT = ROOT / "scenarios" / "cut-site.yaml"
DEAD = ROOT / "scenarios" / "dead-worker.yaml"
MEANT_FOR = {"--accept-unknown": CUT, "--accept-lost": DEAD}
NO_RUN = "20261122T000000-abcdef"
FILLED = {
    "RUN": NO_RUN,
    "TEXT": "somebody said so",
    "NAME": "telescope",
    "SHA": "b" * 40,
    "FILE": "restart.plan",
}
LOST = ("--accept-lost", "kko-w1@kko", "--because", "somebody said so")
CHANGING = {"restart", "up", "down", "deploy", "resume", "rollback"}
HASH = "3f1c09d2ab44"


@dataclass(frozen=True)
class Ends:
    """How a command ends where there is nothing of what it is for, and what it says then."""

    code: int
    says: str
    scenario: Path = WELL


ELSE = {
    ("rollback", NO_RUN, "--yes"): Ends(20, "rollback.unknown-run"),
    ("rollback", NO_RUN, "--announced", "#outages, by NAME", "--yes"): Ends(
        20, "rollback.unknown-run"
    ),
    ("rollback", NO_RUN, *LOST, "--yes"): Ends(20, "rollback.unknown-run", DEAD),
    ("rollback", NO_RUN, "--dry-run"): Ends(20, "rollback.unknown-run"),
    ("plan", "--all", "--without", "gbo", "--because", "its link is down"): Ends(
        20, "--accept-unknown datatrail-client@gbo", CUT
    ),
    ("restart", "--yes"): Ends(64, "selection.empty"),
    ("apply", "restart.plan", "--expect", HASH): Ends(4, "plan.unexpected-hash"),
    ("apply", "restart.plan"): Ends(64, "usage.nobody-to-ask"),
}
"""All others end with 0."""


def shown() -> dict[tuple[str, ...], str]:
    """Return every command as it is typed, and the first runbook that shows it."""
    found: dict[tuple[str, ...], str] = {}
    for page in sorted(RUNBOOKS.glob("*.md")):
        for words in commands(page.read_text(encoding="utf-8"), "dtdeploy"):
            found.setdefault(filled(words), page.stem)
    return found


def filled(words: tuple[str, ...]) -> tuple[str, ...]:
    typed = tuple(_word(word) for word in words)
    asks = typed[0] in CHANGING and not {"--yes", "--dry-run"} & set(typed)
    return (*typed, "--yes") if asks else typed


def _word(word: str) -> str:
    before, equals, after = word.rpartition("=")
    return before + equals + FILLED.get(after, after)


SHOWN = shown()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a copy of the inventory that has a guard, and hco active for its page."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    text = (ROOT / "sites.yaml").read_text("utf-8")
    guard = "guard:\n  - {name: telescope, kind: http, host: 127.0.0.1, port: 9, path: /ok}\n"
    (tmp_path / "sites.yaml").write_text(text + guard)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_there_are_many() -> None:
    assert len(SHOWN) > 40


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_command_of_a_runbook_does_what_the_page_says(
    words: tuple[str, ...], desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = next((meant for word, meant in MEANT_FOR.items() if word in words), WELL)
    end = ELSE.get(words, Ends(0, "", scenario))
    if "hco" in words:
        file = desk / "sites.yaml"
        file.write_text(file.read_text().replace("state: planned", "state: active"))
    if words[0] == "apply":
        assert run(["--simulate", str(WELL), "plan", "--all", "--out", "restart.plan"]) == 0
    typed = [word.replace("~", str(desk)) for word in words]
    code = run(["--simulate", str(end.scenario), *typed])
    said = capsys.readouterr()
    assert code == end.code, said.err
    assert end.says in said.out + said.err
