import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def slowest(*files: Path) -> list[str]:
    script = ROOT / "scripts" / "lib" / "slowest.py"
    done = subprocess.run(
        [sys.executable, str(script), *map(str, files)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def junit(path: Path, **seconds: float) -> Path:
    cases = "".join(
        f'<testcase classname="tests.{path.stem}" name="{name}" time="{time:.3f}"/>'
        for name, time in seconds.items()
    )
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


def test_names_the_slowest_of_all_runs_slowest_first(tmp_path: Path) -> None:
    one = junit(tmp_path / "one.xml", quick=0.1, slow=70.3)
    other = junit(tmp_path / "other.xml", slowest=100.0, middling=3.0)
    assert slowest(one, other) == [
        "   100.0 s  tests.other::slowest",
        "    70.3 s  tests.one::slow",
        "     3.0 s  tests.other::middling",
        "     0.1 s  tests.one::quick",
    ]


def test_names_ten(tmp_path: Path) -> None:
    many = junit(tmp_path / "many.xml", **{f"t{number}": float(number) for number in range(30)})
    lines = slowest(many)
    assert len(lines) == 10
    assert lines[0].endswith("::t29")
    assert lines[-1].endswith("::t20")
