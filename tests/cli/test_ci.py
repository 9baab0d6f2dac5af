"""The command line as a CI starts it: CI=true, no terminal, its variables."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "inventory" / "cases" / "value-freeze"
_KEPT = ("PATH", "HOME", "LANG")


@dataclass(frozen=True, slots=True)
class Job:
    code: int
    out: str
    err: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def well(tmp_path: Path) -> str:
    path = tmp_path / "well.yaml"
    path.write_text("description: all is well\n")
    return str(path)


def job(folder: Path, *words: str, **variables: str) -> Job:
    """Run dtdeploy as a job's step does; FORCE_COLOR is what many workflows set."""
    outputs, summary = folder / "outputs", folder / "summary"
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ |= {"CI": "true", "FORCE_COLOR": "1", "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    environ |= {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary)}
    environ |= {"GITHUB_WORKSPACE": str(ROOT), "XDG_STATE_HOME": str(folder)}
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        cwd=ROOT,
        env=environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = outputs.read_text().splitlines() if outputs.exists() else []
    return Job(
        ran.returncode,
        ran.stdout,
        ran.stderr,
        dict(line.split("=", 1) for line in told),
        summary.read_text() if summary.exists() else "",
    )


def test_a_plan_gives_outputs_and_a_summary(tmp_path: Path, well: str) -> None:
    words = ("--simulate", well, "plan", "--all", "--detailed-exitcode")
    done = job(tmp_path, *words, GITHUB_ACTIONS="true")
    assert (done.code, done.outputs) == (2, {"changes": "true", "exit-code": "2"})
    assert done.summary.startswith("<!-- dtdeploy plan -->\n")
    assert "\x1b" not in done.out + done.err


def test_a_saved_plan_gives_its_hash_and_is_applied_by_it(tmp_path: Path, well: str) -> None:
    """A rehearsal forgets everything, so the hash is all that binds the two steps here."""
    plan = tmp_path / "restart.plan"
    words = ("--simulate", well, "plan", "--all", "--out", str(plan))
    done = job(tmp_path, *words, GITHUB_ACTIONS="true")
    assert done.code == 0, done.err
    digest = done.outputs["hash"]
    assert json.loads(plan.read_text())["sha256"] == digest
    assert f"<code>{digest}</code>" in done.summary
    wrong = job(tmp_path, "--simulate", well, "apply", str(plan), "--expect", "0" * 64)
    assert wrong.code == 4
    short = job(tmp_path, "--simulate", well, "apply", str(plan), "--expect", digest[:12])
    assert (short.code, "usage.expect-too-short" in short.err) == (64, True)
    assert f"--expect {digest}" in short.err
    nothing = job(tmp_path, "--simulate", well, "apply", str(plan))
    assert nothing.code == 64


def test_a_key_that_is_no_good_is_refused_before_anything_is_contacted(tmp_path: Path) -> None:
    done = job(tmp_path, "lock", DTDEPLOY_RECORD_KEY="too short")
    assert (done.code, "usage.record-key-unusable" in done.err) == (64, True)
    assert "too short" not in done.err.replace("shorter", "")


@pytest.mark.parametrize("form", ["markdown", "mermaid", "svg", "json"])
def test_a_form_on_stdout_is_nothing_but_that(tmp_path: Path, well: str, form: str) -> None:
    words = ("--simulate", well, "plan", "--all", "--format", form)
    done = job(tmp_path, *words, GITHUB_ACTIONS="true")
    assert done.code == 0
    assert "::" not in done.out
    assert done.out.startswith(
        {"json": "{", "svg": "<svg", "mermaid": "flowchart"}.get(form, "<!--")
    )


def test_a_run_is_logged_in_parts_without_colour(tmp_path: Path, well: str) -> None:
    words = ("--simulate", well, "restart", "--site", "kko", "--yes")
    done = job(tmp_path, *words, GITHUB_ACTIONS="true")
    assert done.code == 0
    assert done.err.count("::group::") == done.err.count("::endgroup::") == 3
    assert "\x1b" not in done.out + done.err
    assert done.outputs["exit-code"] == "0"


def test_gitlab_gets_sections_and_no_files(tmp_path: Path, well: str) -> None:
    words = ("--simulate", well, "restart", "--site", "kko", "--yes")
    done = job(tmp_path, *words, GITLAB_CI="true")
    assert done.code == 0
    assert done.err.count("section_start:") == done.err.count("section_end:") == 3
    assert (done.outputs, done.summary) == ({}, "")


def test_any_other_ci_gets_plain_lines(tmp_path: Path, well: str) -> None:
    done = job(tmp_path, "--simulate", well, "restart", "--site", "kko", "--yes")
    assert done.code == 0
    assert "section_" not in done.err
    assert "::" not in done.err
    assert "\x1b" not in done.out + done.err


def test_nobody_is_asked(tmp_path: Path, well: str) -> None:
    done = job(tmp_path, "--simulate", well, "restart", "--all", GITHUB_ACTIONS="true")
    assert done.code == 64
    assert "::error title=dtdeploy usage.nobody-to-ask::" in done.err


def test_mistakes_are_annotated_at_their_line_ten_at_most(tmp_path: Path) -> None:
    words = ("-i", str(CASE / "sites.yaml"), "inventory", "check")
    done = job(tmp_path, *words, GITHUB_ACTIONS="true")
    assert done.code == 3
    marks = [line for line in done.err.splitlines() if line.startswith("::error ")]
    file = (CASE / "sites.yaml").relative_to(ROOT)
    assert marks[0].startswith(
        f"::error file={file},line=10,col=11,title=dtdeploy inventory.bad-cr"
    )
    assert len(marks) == 10
