"""The scripts as they are typed; what they set up and start is shown by running them."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def typed(name: str, *words: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / name), *words],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "scripts/test",
            ["--fast", "--deep", "--lab-only", "--seeds N", "--first-seed N", "-k EXPR", "--help"],
        ),
        ("scripts/try", ["--simulate", "--down", "--help"]),
        ("scripts/build", ["--out FOLDER", "--help"]),
        ("scripts/requirements", ["--upgrade", "--upgrade-package NAME"]),
    ],
)
def test_help_names_every_option_and_does_nothing(name: str, options: list[str]) -> None:
    done = typed(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in options:
        assert f"{option} " in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["scripts/test", "--fats"],
        ["scripts/test", "--seeds"],
        ["scripts/test", "--seeds", "0"],
        ["scripts/test", "--first-seed", "-1"],
        ["scripts/test", "-k"],
        ["scripts/test", "--fast", "--lab-only"],
        ["scripts/build", "--out"],
        ["scripts/build", "--in"],
        ["scripts/build", "no-such-commit"],
        ["scripts/try", "now"],
        ["scripts/try", "--down", "--simulate"],
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_set_up(words: list[str]) -> None:
    done = typed(*words)
    assert done.returncode == 64
    assert "--help" in done.stderr
    assert done.stdout == ""


def test_ci_runs_what_everybody_runs() -> None:
    code = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert len(code) == 1
    assert code[0].startswith("exec ")
    assert code[0].endswith('/scripts/test"')


@pytest.mark.skipif(
    not (ROOT / ".venv" / "runtime.stamp").exists(), reason="scripts/try would install libraries"
)
def test_try_runs_through_on_simulated_sites() -> None:
    done = typed("scripts/try", "--simulate", seconds=120)
    assert done.returncode == 0, done
    up, restart, status = done.stdout.split("\n$ dtdeploy ")[1:]
    assert up.startswith("--simulate scenarios/empty.yaml up --all --yes")
    assert restart.startswith("--simulate scenarios/datatrail.yaml restart --all --yes")
    assert status.startswith("--simulate scenarios/datatrail.yaml status")
    assert "6 of 6 units healthy" in status
    assert done.stdout.endswith("docs/simulation.md says what else it can.\n")
