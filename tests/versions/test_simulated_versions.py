"""What other versions of dtdeploy stored: older ones' is gone on with, newer ones' is refused."""

import base64
import json
import re
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.engine.journal_file import journal_path
from orchestrator.errors import ExitCode
from orchestrator.planning import plan_file
from orchestrator.simulation.objects import SimResource
from tests.states.keyboard import Keyboard, Typed
from tests.states.state import behaves_well
from tests.versions import manager
from tests.versions.kept import HERE, VERSIONS, fields, found, shapes, state_of, write
from tests.versions.scenes import BROKEN, ENDED, FAILED, PLAN, SCENES, STOPPED, USED_PLAN, Scene

RUN = "run-0001"
each_version = pytest.mark.parametrize("version", VERSIONS)
each_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some commands read the journals of the machine, others those of their world."""
    monkeypatch.setenv("XDG_STATE_HOME", str(state_of(tmp_path)))


def runs_in(scratch: Path) -> Path:
    return state_of(scratch) / "dtdeploy" / "runs"


def well(keyboard: Keyboard) -> bool:
    return fully_healthy(fleet_status(keyboard.desk.world()))


def config(keyboard: Keyboard, name: str) -> SimResource:
    (found_one,) = (
        each
        for each in keyboard.desk.shared.fleet.sites["home"].swarm.configs.values()
        if each.name == name
    )
    return found_one


def sha256_of(file: Path) -> str:
    said = json.loads(file.read_bytes())["sha256"]
    assert isinstance(said, str)
    return said


# What is kept


@each_scene
def test_what_is_stored_is_kept_of_this_very_form(scene: Scene, tmp_path: Path) -> None:
    """Another field, another kind of value, another file: another folder of what is out there."""
    write(scene, tmp_path)
    newest = HERE / VERSIONS[-1] / scene.name
    files, expected = (
        {p.relative_to(top) for top in [t] for p in t.rglob("*")} for t in (tmp_path, newest)
    )
    assert files == expected
    now, before = shapes(tmp_path), shapes(newest)
    advice = "python -m tests.versions.make NAME, and add NAME to VERSIONS"
    assert now - before == set(), advice
    assert before - now == set(), advice


def test_a_field_more_and_another_kind_of_value_are_another_form() -> None:
    assert set(fields({"a": [{"b": 1}]})) == {".a[].b: int"}
    assert set(fields({"a": [{"b": 1, "c": ""}]})) != set(fields({"a": [{"b": 1}]}))
    assert set(fields({"a": [{"b": "1"}]})) != set(fields({"a": [{"b": 1}]}))


def test_every_folder_is_tried() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name[0].isdigit()}
    assert folders == set(VERSIONS)


# A run that was stopped


@each_version
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
def test_a_stopped_run_is_resumed(version: str, tmp_path: Path, *, elsewhere: bool) -> None:
    keyboard = found(STOPPED, version, tmp_path, elsewhere=elsewhere)
    typed = keyboard.type(f"dtdeploy resume {RUN} --take-over --yes")
    if elsewhere and (named := re.search(r"next: +(dtdeploy resume .*--expect.*)", typed.screen)):
        # Where no journal vouches for a record, somebody has to.
        typed = keyboard.type(named[1])
    assert typed.code == ExitCode.DONE, typed.screen
    assert well(keyboard)
    assert keyboard.desk.shared.oracle.violations == []


@each_version
def test_what_was_done_by_then_is_not_done_again(version: str, tmp_path: Path) -> None:
    keyboard = found(STOPPED, version, tmp_path)
    typed = keyboard.type(f"dtdeploy resume {RUN} --take-over --dry-run")
    assert typed.code == ExitCode.DONE, typed.screen
    assert "app-edge@far" in typed.screen
    assert "remove app@home" not in typed.screen


@each_version
def test_a_stopped_run_is_rolled_back(version: str, tmp_path: Path) -> None:
    keyboard = found(STOPPED, version, tmp_path)
    typed = keyboard.type(f"dtdeploy rollback {RUN} --take-over --yes")
    assert typed.code in {ExitCode.DONE, ExitCode.RESTORED}, typed.screen
    assert well(keyboard)
    former = {source.release.revision.sha for source in keyboard.desk.shared.former.values()}
    rows = fleet_status(keyboard.desk.world()).rows
    assert {row.revision for row in rows} == former


@each_version
def test_a_stopped_run_is_given_up_and_what_it_left_is_owed(version: str, tmp_path: Path) -> None:
    keyboard = found(STOPPED, version, tmp_path)
    typed = keyboard.type(f"dtdeploy lock break {RUN} --because 'nobody knows it'")
    assert typed.code == ExitCode.DONE, typed.screen
    assert "OWED" in keyboard.type("dtdeploy status").screen
    assert keyboard.type("dtdeploy up --owed --yes").code == ExitCode.DONE
    assert well(keyboard)


@each_version
def test_a_stopped_run_is_told_of(version: str, tmp_path: Path) -> None:
    keyboard = found(STOPPED, version, tmp_path)
    lock = keyboard.type("dtdeploy lock")
    assert lock.code == ExitCode.LOCK_HELD, lock.screen
    assert RUN in lock.screen
    assert "a new kernel" in lock.screen
    runs = keyboard.type("dtdeploy runs")
    assert (runs.code, RUN in runs.screen, "damaged" in runs.screen) == (0, True, False)
    report = keyboard.type(f"dtdeploy report {RUN} --format json")
    assert report.code == ExitCode.DONE, report.screen
    assert "app-edge@far" in report.screen


# A run that was given up


@each_version
def test_a_broken_run_is_resumed_by_its_journal(version: str, tmp_path: Path) -> None:
    keyboard = found(BROKEN, version, tmp_path)
    typed = keyboard.type(f"dtdeploy resume {RUN} --yes")
    assert typed.code == ExitCode.DONE, typed.screen
    assert well(keyboard)


# A run that ended


@each_version
def test_ended_runs_are_told_of(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    runs = keyboard.type("dtdeploy runs").screen
    assert RUN in runs
    assert "cannot be read" not in runs
    for run in (RUN, "run-0003"):
        report = keyboard.type(f"dtdeploy report {run} --format json")
        assert report.code == ExitCode.DONE, report.screen
        assert json.loads(report.screen)["run"] == run
        at_managers = keyboard.type(f"dtdeploy report {run} --at-managers")
        assert at_managers.code == ExitCode.DONE, at_managers.screen
        assert "RemoveServices" in at_managers.screen or "remove" in at_managers.screen
    listed = keyboard.type("dtdeploy runs --at-managers").screen
    assert RUN in listed
    assert "ops@ops" in listed


@each_version
def test_an_ended_run_is_rolled_back(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    typed = keyboard.type("dtdeploy rollback run-0003 --yes")
    assert typed.code in {ExitCode.DONE, ExitCode.RESTORED}, typed.screen


@each_version
def test_ended_runs_say_how_long_the_next_one_takes(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    plan = keyboard.type("dtdeploy plan --for restart app-client@home")
    assert plan.code == ExitCode.DONE, plan.screen
    assert "1 past run" in plan.screen


@each_version
def test_what_is_owed_is_brought_up(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    status = keyboard.type("dtdeploy status").screen
    assert "app-edge@far" in status
    assert "its link is down" in status
    assert keyboard.type("dtdeploy up --owed --yes").code == ExitCode.DONE
    assert well(keyboard)


@each_version
def test_a_saved_plan_is_applied(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    file = HERE / version / ENDED.name / PLAN
    typed = keyboard.type(f"dtdeploy apply {file} --expect {sha256_of(file)}")
    assert typed.code == ExitCode.DONE, typed.screen


@each_version
def test_a_used_plan_is_not_applied_again(version: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, version, tmp_path)
    file = HERE / version / ENDED.name / USED_PLAN
    typed = keyboard.type(f"dtdeploy apply {file} --expect {sha256_of(file)}")
    assert typed.code == ExitCode.PLAN_STALE
    assert "plan.used" in typed.screen


# A run that failed


@each_version
def test_a_failed_run_is_told_of_and_resumed_once_its_cause_is_mended(
    version: str, tmp_path: Path
) -> None:
    keyboard = found(FAILED, version, tmp_path)
    lock = keyboard.type("dtdeploy lock")
    assert lock.code == ExitCode.LOCK_HELD, lock.screen
    assert "app@home" in lock.screen
    report = keyboard.type(f"dtdeploy report {RUN} --format json")
    assert report.code == ExitCode.DONE, report.screen
    assert "deploy.unhealthy" in report.screen
    behaves_well("app", "home")(keyboard)
    typed = keyboard.type(f"dtdeploy resume {RUN} --yes")
    assert typed.code == ExitCode.DONE, typed.screen
    assert well(keyboard)


# What lies at a manager


@each_version
def test_a_release_that_lies_there_is_whole_and_not_shipped_again(
    version: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(HERE / version / manager.FOLDER, home)
    before = manager.lies_there(home)
    assert manager.ship(home) == "present"
    assert manager.lies_there(home) == before


def test_what_is_brought_to_a_manager_is_kept_of_this_very_form(tmp_path: Path) -> None:
    manager.write(tmp_path / "home")
    newest = HERE / VERSIONS[-1] / manager.FOLDER
    assert manager.lies_there(tmp_path / "home") == manager.lies_there(newest)


# What a newer version would store


def newer_record(keyboard: Keyboard) -> None:
    lock = config(keyboard, "dtdeploy.run")
    told = json.loads(zlib.decompress(lock.data))
    told["format"] += 1
    lock.data = zlib.compress(json.dumps(told).encode())


def newer_labels(keyboard: Keyboard) -> None:
    lock = config(keyboard, "dtdeploy.run")
    labels = dict(lock.labels)
    labels["dtdeploy.format"] = str(int(labels["dtdeploy.format"]) + 1)
    lock.labels = tuple(labels.items())


def newer_journal(folder: Path, run: str) -> None:
    with closing(sqlite3.connect(journal_path(folder, run), isolation_level=None)) as db:
        ((version,),) = db.execute("PRAGMA user_version")
        db.execute(f"PRAGMA user_version = {version + 1}")


def refused(typed: Typed, code: int, problem: str) -> None:
    """Hold that a command was refused in plain words, with a way on, and touched nothing."""
    assert typed.code == code, typed.screen
    assert f"[{problem}]" in typed.screen
    assert re.search(r"^(    next:|NEXT) ", typed.screen, re.MULTILINE), typed.screen
    assert "Traceback" not in typed.screen
    assert not typed.touched


@pytest.mark.parametrize(
    ("newer", "problem"),
    [(newer_record, "lock.record-unreadable"), (newer_labels, "lock.unreadable")],
    ids=["record", "labels"],
)
@pytest.mark.parametrize(
    "line",
    [
        f"dtdeploy resume {RUN} --take-over --yes",
        f"dtdeploy rollback {RUN} --take-over --yes",
    ],
)
def test_a_run_of_a_newer_version_is_not_gone_on_with(
    newer: Callable[[Keyboard], None], problem: str, line: str, tmp_path: Path
) -> None:
    keyboard = found(STOPPED, VERSIONS[-1], tmp_path)
    newer(keyboard)
    refused(keyboard.type(line), ExitCode.LOCK_HELD, problem)


@pytest.mark.parametrize("newer", [newer_record, newer_labels], ids=["record", "labels"])
def test_a_run_of_a_newer_version_keeps_others_from_beginning(
    newer: Callable[[Keyboard], None], tmp_path: Path
) -> None:
    keyboard = found(STOPPED, VERSIONS[-1], tmp_path)
    newer(keyboard)
    typed = keyboard.type("dtdeploy restart --all --yes")
    assert typed.code == ExitCode.LOCK_HELD, typed.screen
    assert not typed.touched
    assert "Traceback" not in typed.screen


@pytest.mark.parametrize("newer", [newer_record, newer_labels], ids=["record", "labels"])
def test_a_run_of_a_newer_version_is_shown_and_a_way_out_is_named(
    newer: Callable[[Keyboard], None], tmp_path: Path
) -> None:
    keyboard = found(STOPPED, VERSIONS[-1], tmp_path)
    newer(keyboard)
    for line in ("dtdeploy lock", "dtdeploy status"):
        typed = keyboard.type(line)
        assert typed.code != ExitCode.DONE, typed.screen
        assert "Traceback" not in typed.screen
        assert "version" in typed.screen, typed.screen


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    newer_journal(runs_in(tmp_path), RUN)
    before = journal_path(runs_in(tmp_path), RUN).read_bytes()
    typed = keyboard.type(f"dtdeploy report {RUN}")
    refused(typed, ExitCode.SAFETY_REFUSED, "journal.other-version")
    assert journal_path(runs_in(tmp_path), RUN).read_bytes() == before


def test_a_way_back_without_its_journal_says_that_it_does_not_help(tmp_path: Path) -> None:
    """The services' labels say what ran before, too."""
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    newer_journal(runs_in(tmp_path), RUN)
    typed = keyboard.type(f"dtdeploy rollback {RUN} --dry-run")
    assert typed.code == ExitCode.DONE, typed.screen
    assert "the journal here does not help" in typed.screen


def test_a_journal_of_a_newer_version_is_listed_and_counted(tmp_path: Path) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    newer_journal(runs_in(tmp_path), RUN)
    runs = keyboard.type("dtdeploy runs").screen
    assert f"the journal of run {RUN} is of format 2" in runs
    assert "run-0003" in runs
    assert "1 journal" in keyboard.type("dtdeploy plan --for restart --all").screen


@pytest.mark.parametrize("place", ["major", "minor"])
def test_a_plan_of_a_newer_version_is_not_applied(place: str, tmp_path: Path) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    told: dict[str, Any] = json.loads((HERE / VERSIONS[-1] / ENDED.name / PLAN).read_bytes())
    major, minor = plan_file.MAJOR, plan_file.MINOR
    told["version"] = f"{major + 1}.0" if place == "major" else f"{major}.{minor + 1}"
    file = tmp_path / "newer.plan"
    file.write_text(json.dumps(told, indent=2) + "\n")
    refused(
        keyboard.type(f"dtdeploy apply {file} --expect {told['sha256']}"),
        ExitCode.PLAN_STALE,
        "plan.too-new",
    )


# What has no number of its own form


def test_an_owed_unit_is_one_whatever_a_newer_version_says_of_it(tmp_path: Path) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    owed = config(keyboard, "dtdeploy.owed")
    owed.labels = (("dtdeploy.owed.app-edge@far", '{"form":2,"text":"link down"}'),)
    assert "app-edge@far" in keyboard.type("dtdeploy status").screen
    assert keyboard.type("dtdeploy up --owed --yes").code == ExitCode.DONE
    assert "OWED" not in keyboard.type("dtdeploy status").screen


def test_a_plan_that_a_newer_version_applied_is_used(tmp_path: Path) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    file = HERE / VERSIONS[-1] / ENDED.name / PLAN
    applied = config(keyboard, "dtdeploy.applied")
    name = json.loads(file.read_bytes())["id"]
    applied.labels = ((f"dtdeploy.applied.{name}", '{"form":2}'),)
    typed = keyboard.type(f"dtdeploy apply {file} --expect {sha256_of(file)}")
    refused(typed, ExitCode.PLAN_STALE, "plan.used")


def test_an_audit_line_of_a_newer_version_is_passed_over_and_the_others_are_told(
    tmp_path: Path,
) -> None:
    keyboard = found(ENDED, VERSIONS[-1], tmp_path)
    keyboard.desk.shared.fleet.sites["home"].audit.append("v2 2027-01-16 run=run-9 what=else")
    listed = keyboard.type("dtdeploy runs --at-managers")
    assert listed.code == ExitCode.DONE
    assert RUN in listed.screen


def test_the_record_of_a_lock_is_what_is_kept(tmp_path: Path) -> None:
    """Else the tests above would try nothing but what this version wrote a moment ago."""
    keyboard = found(STOPPED, VERSIONS[-1], tmp_path)
    stored = json.loads((HERE / VERSIONS[-1] / STOPPED.name / "swarms.json").read_text("utf-8"))
    _, data = stored["home"]["configs"]["dtdeploy.run"]
    assert config(keyboard, "dtdeploy.run").data == base64.b64decode(data)
