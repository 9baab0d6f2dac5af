"""The commands as they are typed, on the simulated fleet with the production inventory."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cli.main import run

ROOT = Path(__file__).parent.parent.parent
WELL = "description: all is well\n"
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Typed:
    code: int
    out: str
    err: str


Type = Callable[..., Typed]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type `dtdeploy WORDS` where no terminal is."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(ROOT)

    def run_words(*words: str, inventory: Path = ROOT / "sites.yaml") -> Typed:
        code = run(["-i", str(inventory), *words])
        said = capsys.readouterr()
        return Typed(code, said.out, said.err)

    return run_words


@pytest.fixture
def well(tmp_path: Path) -> str:
    path = tmp_path / "well.yaml"
    path.write_text(WELL)
    return str(path)


def scenario(tmp_path: Path, text: str) -> str:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return str(path)


def test_help_names_every_command_and_every_command_has_help(typed: Type) -> None:
    page = typed("--help")
    assert page.code == 0
    for name in ("plan", "restart", "up", "down", "status", "verify", "doctor", "inventory"):
        assert f"  {name}" in page.out
        assert typed(name, "--help").code == 0


def test_drift_ends_with_what_it_found(typed: Type, tmp_path: Path, well: str) -> None:
    none = typed("--simulate", well, "drift", "--detailed-exitcode")
    assert (none.code, none.err) == (0, "")
    assert none.out.startswith("no drift: 6 units as declared")
    gone = scenario(tmp_path, "sites: {gbo: {deployed: none}}")
    assert typed("--simulate", gone, "drift").code == 0
    found = typed("--simulate", gone, "drift", "--detailed-exitcode")
    assert found.code == 2
    assert "datatrail-client@gbo" in found.out
    unseen = scenario(tmp_path, "sites: {kko: {link: cut}, gbo: {deployed: none}}")
    half = typed("--simulate", unseen, "drift", "--detailed-exitcode")
    assert half.code == 11
    assert "not deployed" in half.out


def test_a_restart_of_everything_ends_well(typed: Type, well: str) -> None:
    done = typed("--simulate", well, "restart", "--all", "--yes")
    assert done.code == 0
    assert "DONE" in done.err


def test_without_a_terminal_and_without_yes_nothing_is_contacted(typed: Type) -> None:
    for command in ("restart", "down", "up"):
        done = typed(command, "--all")
        assert done.code == 64
        assert "--yes" in done.err


@pytest.mark.parametrize("command", ["restart", "up", "down"])
def test_dry_run_shows_the_plan_as_data_and_stops(typed: Type, command: str, well: str) -> None:
    done = typed("--simulate", well, command, "--all", "--dry-run")
    assert done.code == 0
    assert f"{command} --all" in done.out
    assert "DONE" not in done.err


def test_a_plan_as_json_is_one_object_a_line(typed: Type, well: str) -> None:
    done = typed("--simulate", well, "--json", "plan", "--all")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert len(lines) == 1


def test_a_run_as_json_tells_every_step_and_how_it_ended(typed: Type, well: str) -> None:
    done = typed("--simulate", well, "--json", "restart", "--all", "--yes")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert all("event" in line for line in lines)
    assert lines[-1]["exit_code"] == 0


def test_detailed_exitcode_tells_whether_anything_would_change(typed: Type, well: str) -> None:
    assert typed("--simulate", well, "plan", "--all", "--detailed-exitcode").code == 2
    kept = typed("--simulate", well, "plan", "--for", "up", "--all", "--detailed-exitcode")
    assert kept.code == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("restrat", "--all"), "restart"),
        (("restart", "--al"), "--all"),
        (("plan",), "add --all"),
        (("plan", "kko"), "--site kko"),
        (("plan", "--site", "koo"), "kko"),
        (("plan", "datatrail-clients@kko"), "datatrail-client@kko"),
        (("plan", "--all", "--ref", "datatrial=main"), "datatrail"),
        (("plan", "--all", "--ref", "main"), "REPO=REF"),
        (("inventory", "chekc"), "check"),
    ],
)
def test_a_typo_ends_with_64_and_says_what_was_meant(
    typed: Type, words: tuple[str, ...], hint: str, well: str
) -> None:
    done = typed("--simulate", well, *words)
    assert done.code == 64
    assert hint in done.err


def test_a_site_that_is_planned_is_refused_with_the_line_to_change(typed: Type, well: str) -> None:
    done = typed("--simulate", well, "restart", "--site", "hco", "--yes")
    assert done.code == 20
    assert "sites.yaml:" in done.err


def test_problems_of_the_inventory_point_at_file_line_and_column(
    typed: Type, tmp_path: Path
) -> None:
    broken = tmp_path / "sites.yaml"
    broken.write_text("version: 1\nmanaged_prefix: x\ncoordinater: home\n")
    done = typed("inventory", "check", inventory=broken)
    assert done.code == 3
    assert f"{broken}:3:1" in done.err


def test_inventory_check_shows_warnings_and_ends_well(typed: Type, tmp_path: Path) -> None:
    shutil.copy(ROOT / "sites.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    (tmp_path / "stacks" / "datatrail-old.yaml").write_text(
        (tmp_path / "stacks" / "datatrail.yaml").read_text()
    )
    done = typed("inventory", "check", inventory=tmp_path / "sites.yaml")
    assert done.code == 0
    assert "warning: " in done.err
    assert "datatrail-old" in done.err


def test_a_dead_site_makes_a_restart_refuse_and_status_still_shows_the_rest(
    typed: Type, tmp_path: Path
) -> None:
    dead = scenario(tmp_path, "sites: {kko: {link: cut}}\n")
    refused = typed("--simulate", dead, "restart", "--all", "--yes")
    assert refused.code == 11
    assert "kko" in refused.err
    shown = typed("--simulate", dead, "status")
    assert shown.code == 11
    assert "datatrail-client@gbo" in shown.out


def test_a_dead_site_does_not_keep_another_from_being_restarted(
    typed: Type, tmp_path: Path
) -> None:
    dead = scenario(tmp_path, "sites: {gbo: {link: cut}}\n")
    done = typed("--simulate", dead, "restart", "--site", "kko", "--yes")
    assert done.code == 0
    assert "restart --site kko in" in done.err


def test_status_of_one_site_contacts_only_that_one(typed: Type, tmp_path: Path) -> None:
    dead = scenario(tmp_path, "sites: {gbo: {link: cut}}\n")
    done = typed("--simulate", dead, "status", "--site", "kko")
    assert done.code == 0
    assert "gbo" not in done.out
    assert typed("--simulate", dead, "status", "--site", "koo").code == 64


def test_doctor_gathers_all_that_is_wrong_everywhere(typed: Type, tmp_path: Path) -> None:
    bad = scenario(tmp_path, "sites: {kko: {registry: denied}, gbo: {disk_free_gb: 0.1}}\n")
    done = typed("--simulate", bad, "doctor")
    assert done.code == 13
    assert "docker login" in done.err
    assert "MB are free" in done.err


def test_verify_of_a_healthy_fleet_is_content(typed: Type, well: str) -> None:
    assert typed("--simulate", well, "verify").code == 0


def test_status_says_what_is_not_well(typed: Type, tmp_path: Path) -> None:
    extra = scenario(tmp_path, "sites: {gbo: {undeclared: [datatrail-extra]}}\n")
    done = typed("--simulate", extra, "status")
    assert done.code == 21
    assert "datatrail-extra" in done.out


def test_completion_scripts_come_for_each_shell(typed: Type) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_DTDEPLOY_COMPLETE" in typed("completion", shell).out


def test_completion_knows_units_and_sites() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=TIMEOUT_SECONDS,
        env={
            **os.environ,
            "_DTDEPLOY_COMPLETE": "bash_complete",
            "COMP_WORDS": "dtdeploy restart datatrail-client@k",
            "COMP_CWORD": "2",
        },
    )
    assert done.stdout.splitlines() == ["plain,datatrail-client@kko"]


def test_without_a_run_there_is_nothing_to_lock_resume_or_bring_back(
    typed: Type, well: str
) -> None:
    free = typed("--simulate", well, "lock")
    assert (free.code, free.out.startswith("the lock is free")) == (0, True)
    for words in (("resume", "--yes"), ("up", "--owed", "--yes")):
        done = typed("--simulate", well, *words)
        assert done.code == 0
        assert "nothing" in done.err
    broken = typed("--simulate", well, "lock", "break", "some-run", "--because", "typo")
    assert broken.code == 0
    assert typed("--simulate", well, "rollback", "some-run", "--yes").code == 20


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--owed", "--all", "--yes"),
        ("restart", "--all", "--yes", "--lock-wait", "-1"),
        ("restart", "--all", "--yes", "--on-failure", "pray"),
        ("lock", "break", "some-run"),
        ("plan", "--all", "--without", "gbo"),
        ("plan", "--all", "--accept-unknown", "datatrail-client@gbo"),
        ("plan", "--for", "rollback", "--all"),
    ],
)
def test_what_makes_no_sense_together_ends_with_64(
    typed: Type, words: tuple[str, ...], well: str
) -> None:
    assert typed("--simulate", well, *words).code == 64


@pytest.mark.parametrize("words", [("resume",), ("rollback", "some-run"), ("up", "--owed")])
def test_whoever_acts_needs_somebody_to_ask(typed: Type, words: tuple[str, ...]) -> None:
    done = typed(*words)
    assert done.code == 64
    assert re.search(rf"next: +dtdeploy -i \S+sites.yaml {' '.join(words)} --yes", done.err)


def test_a_site_that_is_cut_can_be_left_out_and_is_owed(typed: Type) -> None:
    cut = str(ROOT / "scenarios" / "cut-site.yaml")
    words = ("restart", "--all", "--without", "gbo", "--because", "its link is down")
    refused = typed("--simulate", cut, *words, "--yes")
    assert refused.code == 20
    assert "--accept-unknown datatrail-client@gbo" in refused.err
    accepted = (*words, "--accept-unknown", "datatrail-client@gbo", "--yes")
    done = typed("--simulate", cut, "--json", *accepted)
    ended = json.loads(done.out.splitlines()[-1])
    assert done.code == 0
    assert [unit["unit"] for unit in ended["owed"]] == ["datatrail-client@gbo"]
    assert (ended["kept"], ended["restored"]) == (False, None)
    assert ended["next"] == f"dtdeploy -i {ROOT / 'sites.yaml'} --simulate {cut} up --yes --owed"


def test_a_restart_that_fails_can_be_told_to_go_back(typed: Type) -> None:
    bad = str(ROOT / "scenarios" / "bad-client.yaml")
    stopped = typed("--simulate", bad, "restart", "--all", "--yes")
    assert stopped.code == 21
    restored = typed("--simulate", bad, "restart", "--all", "--yes", "--on-failure", "restore")
    assert restored.code == 22
    assert "exit code 22: restored" in restored.err


def test_the_id_of_a_run_is_said_when_it_begins_and_when_it_ends(typed: Type, well: str) -> None:
    done = typed("--simulate", well, "--json", "restart", "--site", "kko", "--yes")
    lines = [json.loads(line) for line in done.out.splitlines()]
    started = next(line for line in lines if line["event"] == "run_started")
    assert started["run"] == lines[-1]["run"] is not None


def test_a_rehearsal_leaves_no_journal_on_this_machine(
    typed: Type, well: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert typed("--simulate", well, "restart", "--site", "kko", "--yes").code == 0
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("dtdeploy plan --without g", "gbo"),
        ("dtdeploy plan --accept-unknown datatrail-client@k", "datatrail-client@kko"),
    ],
)
def test_completion_knows_what_can_be_left_out(words: str, offered: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=TIMEOUT_SECONDS,
        env={
            **os.environ,
            "_DTDEPLOY_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": "3",
        },
    )
    assert done.stdout.splitlines() == [f"plain,{offered}"]


def test_a_refused_plan_is_saved_with_the_words_that_it_is(typed: Type, tmp_path: Path) -> None:
    dead, out = str(ROOT / "scenarios" / "dead-worker.yaml"), tmp_path / "all.plan"
    done = typed("--simulate", dead, "plan", "--all", "--out", str(out))
    assert done.code == 20
    assert "REFUSED" in done.out
    assert "[swarm.node-not-ready]" in done.err
    assert f"{out} was written: applying it now would be refused" in done.err
    assert out.exists()


def test_a_dry_run_ends_as_the_run_would(typed: Type) -> None:
    for name, code in (("dead-worker", 20), ("cut-site", 11)):
        scenario = str(ROOT / "scenarios" / f"{name}.yaml")
        restart = ("--simulate", scenario, "--json", "restart", "--all")
        dry, run = typed(*restart, "--dry-run"), typed(*restart, "--yes")
        assert (dry.code, run.code) == (code, code)
        (plan,) = map(json.loads, dry.out.splitlines())
        assert plan["refused"][0]["exit_code"] == code
