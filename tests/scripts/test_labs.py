"""Which labs scripts/test takes down, with a stand-in for the lab's own command."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import KEPT_TOGETHER, LONGEST_FIRST, OneByOne

ROOT = Path(__file__).resolve().parents[2]
_TAKE_DOWN = """
set -euo pipefail
source scripts/lib/lab.sh
lab() { printf '%s\\n' "$DTDEPLOY_LAB_DIR $*"; [[ $DTDEPLOY_LAB_DIR != */gw0 ]]; }
take_labs_down
"""


def test_each_lab_that_was_there_is_taken_down_even_if_one_cannot_be(tmp_path: Path) -> None:
    folders = [tmp_path, *(tmp_path / name for name in ("gw0", "gw0/own", "gw1", "gw12"))]
    for folder in (*folders, tmp_path / "hosts", tmp_path / "other" / "own"):
        folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["bash", "-c", _TAKE_DOWN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"DTDEPLOY_LAB_DIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == sorted(f"{folder} down" for folder in folders)


@pytest.mark.parametrize("kept", KEPT_TOGETHER)
def test_what_is_kept_together_is_there(kept: str) -> None:
    assert (ROOT / kept).exists()


def test_all_other_tests_are_shared_out_one_by_one() -> None:
    assert OneByOne.scope("tests/contract/test_a.py::test_b[real]") == "tests/contract/"
    alone = "tests/lab/test_refusals.py::test_c[no quorum]"
    assert OneByOne.scope(alone) == alone


def test_the_folders_with_tests_on_the_lab_are_all_looked_through() -> None:
    mark = re.compile(r"\bmark\.lab\b")
    found = {
        file.relative_to(ROOT).parts[:2]
        for file in (ROOT / "tests").rglob("*.py")
        if mark.search(file.read_text(encoding="utf-8"))
    }
    listed = re.search(r"^lab_folders=\((.*)\)$", (ROOT / "scripts/test").read_text(), re.MULTILINE)
    assert listed
    assert {"/".join(parts) for parts in found} == set(listed[1].split())


def test_the_longest_tests_go_first() -> None:
    scopes = [
        "tests/lab/test_status.py::test_a",
        "tests/lab/test_ci.py::test_b[x.py::y]",
        "tests/contract/",
        "tests/lab/test_recovery.py::test_c",
    ]
    assert sorted(scopes, key=OneByOne.rank) == [scopes[2], scopes[3], scopes[1], scopes[0]]


def test_what_goes_first_is_there() -> None:
    assert [name for name in LONGEST_FIRST if not (ROOT / f"tests/lab/{name}.py").is_file()] == []
