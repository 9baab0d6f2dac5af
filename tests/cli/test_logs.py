"""`dtdeploy logs` as it is typed, on the simulated fleet with the production inventory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import run

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = ROOT / "scenarios"


@pytest.fixture(autouse=True)
def _nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(ROOT)


def logs(*words: str, scenario: str = "datatrail", before: tuple[str, ...] = ()) -> int:
    return run([*before, "--simulate", str(SCENARIOS / f"{scenario}.yaml"), "logs", *words])


def test_every_service_of_every_unit_in_the_order_of_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert logs("--tail", "3", before=("--json",)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["site"] for line in lines} == {"chime", "outrigger-buffer", "kko", "gbo"}
    by_service: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line["unit"], line["service"])
        by_service[key] = by_service.get(key, 0) + 1
    assert set(by_service.values()) == {3}


def test_one_service_and_only_what_matches(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("datatrail@chime/ser*", "--grep", "health") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(" datatrail@chime/server.1 | GET /health/check 200" in line for line in lines)


def test_what_was_written_since(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("datatrail@chime/server", "--since", "1m") == 0
    assert 2 <= len(capsys.readouterr().out.splitlines()) <= 5


def test_that_there_are_older_lines_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs("--grep", "is starting|ready", "datatrail@chime")
    assert "older" not in capsys.readouterr().err
    # Ten minutes of a line every 15 s are fewer than 100.
    logs("datatrail@chime")
    assert "older" not in capsys.readouterr().err


def test_following_goes_on_with_what_comes(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("datatrail@chime/server", "--tail", "0") == 0
    assert not capsys.readouterr().out
    assert logs("datatrail@chime/server", "--tail", "0", "-f") == 0
    assert capsys.readouterr().out


def test_a_site_that_does_not_answer_is_told_and_the_others_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert logs("--stack", "datatrail-client", "--tail", "1", scenario="cut-site") == 11
    said = capsys.readouterr()
    assert "datatrail-client@kko/" in said.out
    assert "datatrail-client@gbo/" not in said.out
    assert "aux.gbo does not answer [site.unreachable]" in said.err


def test_a_unit_of_which_nothing_runs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("datatrail@chime", scenario="empty") == 0
    said = capsys.readouterr()
    assert not said.out
    assert "datatrail@chime: no service of it runs" in said.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--grep", "a[bc"), "unterminated character set at character 2"),
        (("--since", "yesterday"), "'yesterday' is no time"),
        (("--tail", "-1"), "not in the range"),
        (("datatrail@chime/sever",), "did you mean datatrail@chime/server?"),
        (("datatrial@chime/server",), "did you mean datatrail@chime?"),
        (("--site", "hco"), "selects no unit at a site that is contacted"),
    ],
)
def test_what_makes_no_sense_is_told(
    words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert logs(*words) == 64
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f"{sys.executable} -m orchestrator --simulate {SCENARIOS}/datatrail.yaml logs | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_failed_deploy_tells_what_the_process_itself_wrote_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On the lines of the run, in the error at its end, and in the JSON."""
    scenario = str(SCENARIOS / "bad-client.yaml")
    words = "RuntimeError: no configuration was found"
    assert run(["--simulate", scenario, "restart", "--all", "--yes"]) == 21
    said = capsys.readouterr().err
    assert f"| wrote: replicator.1: {words}" in said
    assert f"    |  replicator.1: {words}" in said
    assert run(["--json", "--simulate", scenario, "restart", "--all", "--yes"]) == 21
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for event in ("step_failed", "run_ended"):
        (problem,) = next(line for line in lines if line["event"] == event)["problems"]
        assert f"replicator.1: {words}" in problem["last_words"]
