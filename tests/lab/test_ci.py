"""A job as a CI runs it: CI=true, no terminal, its variables, and cancelled as GitHub does."""

import signal
from pathlib import Path

import pytest

from tests.lab.conftest import Operator, Running

pytestmark = pytest.mark.lab
_CANCEL = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5))
"""What GitHub's runner sends, and how long it waits until the next; then comes SIGKILL."""


def starts(operator: Operator, folder: Path, *words: str) -> Running:
    variables = [
        "CI=true",
        "GITHUB_ACTIONS=true",
        "FORCE_COLOR=1",
        f"GITHUB_OUTPUT={folder / 'outputs'}",
        f"GITHUB_STEP_SUMMARY={folder / 'summary'}",
    ]
    return Running(["env", *variables, *operator.words(*words)], operator.machine)


def outputs(folder: Path) -> dict[str, str]:
    lines = (folder / "outputs").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_job_applies_what_was_approved_and_cancelled_it_can_be_resumed(
    operator: Operator, tmp_path: Path
) -> None:
    plan = tmp_path / "dtdeploy.plan"
    made = starts(operator, tmp_path, "plan", "--all", "--out", str(plan)).ends()
    assert made.code == 0, made
    told = outputs(tmp_path)
    assert (told["changes"], told["exit-code"]) == ("true", "0")
    assert told["hash"] in (tmp_path / "summary").read_text()

    job = starts(operator, tmp_path, "apply", str(plan), "--expect", told["hash"])
    job.until_it_says("remove datatrail-client@gbo")
    for what, seconds in _CANCEL:
        job.send(what)
        for _ in range(int(seconds * 10)):
            if job.has_ended():
                break
            signal.sigtimedwait([], 0.1)
    ended = job.ends(seconds=1) if job.has_ended() else job.kill()
    assert ended.code == 30, ended
    assert outputs(tmp_path)["exit-code"] == "30"
    assert "\x1b" not in ended.out + ended.err
    assert ended.err.count("::group::") == ended.err.count("::endgroup::") > 0

    other = operator.elsewhere()
    done = other.types("resume", "--yes", *other.expecting())
    assert done.code == 0, done
    assert operator.types("status").code == 0
    assert operator.violations() == []
