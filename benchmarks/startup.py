"""How long `dtdeploy --help` and the completion of a shell take, each as a whole process.

python -m benchmarks.startup
python -m benchmarks.startup --runs 50
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click

_ROOT = Path(__file__).parent.parent
_PROGRAM = str(Path(sys.executable).parent / "dtdeploy")
_TYPED = {
    "dtdeploy --help": "",
    "dtdeploy restart --help": "",
    "complete `dtdeploy re`": "dtdeploy re",
    "complete `dtdeploy restart --on`": "dtdeploy restart --on",
    "complete `dtdeploy restart --site `": "dtdeploy restart --site ",
    "complete `dtdeploy restart datatrail-c`": "dtdeploy restart datatrail-c",
    "complete `dtdeploy explain lock.`": "dtdeploy explain lock.",
}


def _seconds(name: str, typed: str) -> float:
    words = [_PROGRAM] if typed else [_PROGRAM, *name.split()[1:]]
    asked = {
        "_DTDEPLOY_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    began = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=_ROOT,
        env=os.environ | (asked if typed else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - began
    if not done.stdout:
        raise SystemExit(f"{name} printed nothing")
    return seconds


@click.command()
@click.option("--runs", default=20, show_default=True, type=click.IntRange(min=1))
def main(runs: int) -> None:
    """Print the fastest, the median and the slowest of each, in milliseconds."""
    click.echo(f"{'':42}{'min':>7}{'median':>9}{'max':>7}   ms, of {runs}")
    for name, typed in _TYPED.items():
        took = sorted(_seconds(name, typed) * 1000 for _ in range(runs))
        middle = statistics.median(took)
        click.echo(f"{name:42}{took[0]:7.0f}{middle:9.0f}{took[-1]:7.0f}")


if __name__ == "__main__":
    main()
