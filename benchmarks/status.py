"""How long `dtdeploy status` takes, from the start of the program to its end.

    python -m benchmarks.status --lab [--runs N]

At the lab's five sites, each of which has to be up: with all of them there, with one whose packets
are dropped, with one that refuses connections, with one whose sshd stands still, and with one
where connections are made and nothing comes through. The time of `dtdeploy --help` is that of
starting Python and little else.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from lab import control, faults, hosts

ROOT = Path(__file__).parent.parent
_DEAD, _HOST = "gbo", "aux.gbo"


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lab", action="store_true", required=True)
    parser.add_argument("--runs", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), given.runs)


def _measure(folder: Path, runs: int) -> None:
    text = (ROOT / "sites.yaml").read_text().replace("state: planned", "state: active")
    (folder / "sites.yaml").write_text(text)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    words = ["dtdeploy", "-i", str(folder / "sites.yaml")]
    _print("--help", [*words, "--help"], runs)
    control.ops([*words, "status", "--fetch"])
    _print("five sites", [*words, "status"], runs)
    breaking: dict[str, Callable[[], object]] = {
        "one dropped": lambda: faults.cut(_DEAD),
        "one refusing": lambda: faults.reject(_DEAD),
        "one sshd standing still": lambda: hosts.run(_HOST, "pkill", "-STOP", "-x", "sshd"),
        "one hanging": lambda: faults.hang(_DEAD),
    }
    for name, broken in breaking.items():
        broken()
        try:
            _print(f"five sites, {name}", [*words, "status"], runs)
        finally:
            hosts.run(_HOST, "pkill", "-CONT", "-x", "sshd", check=False)
            faults.heal()


def _print(name: str, words: list[str], runs: int) -> None:
    took = []
    for _ in range(runs):
        began = time.monotonic()
        control.ops(words)
        took.append(time.monotonic() - began)
    print(f"{name}: {median(took):.2f} s ({min(took):.2f}-{max(took):.2f}, {runs} runs)")


main()
