import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def totals(*files: Path) -> str:
    script = ROOT / "scripts" / "lib" / "totals.py"
    done = subprocess.run(
        [sys.executable, str(script), *map(str, files)], capture_output=True, text=True, check=True
    )
    return done.stdout


def junit(folder: Path, name: str, *, tests: int, bad: tuple[int, int, int] = (0, 0, 0)) -> Path:
    failures, errors, skipped = bad
    path = folder / name
    path.write_text(
        f'<testsuites><testsuite tests="{tests}" failures="{failures}" errors="{errors}" '
        f'skipped="{skipped}"/></testsuites>'
    )
    return path


def test_adds_up_all_runs(tmp_path: Path) -> None:
    one = junit(tmp_path, "one.xml", tests=10)
    other = junit(tmp_path, "other.xml", tests=5)
    assert totals(one, other) == "15 passed, 0 failed\n"


def test_an_error_around_a_test_is_a_failure(tmp_path: Path) -> None:
    assert totals(junit(tmp_path, "one.xml", tests=10, bad=(2, 1, 0))) == "7 passed, 3 failed\n"


def test_skipped_tests_are_not_passed_over(tmp_path: Path) -> None:
    expected = "6 passed, 0 failed, 4 skipped\n"
    assert totals(junit(tmp_path, "one.xml", tests=10, bad=(0, 0, 4))) == expected


def test_reads_what_pytest_writes(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert False\n"
        "@pytest.mark.skip\n"
        "def test_not_now(): pass\n"
    )
    written = tmp_path / "out.xml"
    plain = ["-c", "/dev/null", "-p", "no:randomly", "-p", "no:cacheprovider"]
    words = [sys.executable, "-m", "pytest", *plain, f"--junitxml={written}", "test_three.py"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert totals(written) == "1 passed, 1 failed, 1 skipped\n"
