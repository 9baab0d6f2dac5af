"""Restart everything at five sites, three ways, side by side in one table.

    python -m benchmarks.restart [--runs N]

The lab must be up with five sites. Per way: seconds until all is healthy (for dtdeploy also
until it is found stable, which the others do not ask), and the server's outage as a probe on
port 8001 sees it every 100 ms.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks import floor
from lab import commits, control, hosts, paths
from lab.topology import KNOWN_SITES

ROOT = Path(__file__).parent.parent
REPOS = ("datatrail", "datatrail-admin")
SERVER_HOST, SERVER_PORT = KNOWN_SITES["chime"], 8001
_SECONDS = 300


@dataclass(frozen=True)
class Measured:
    """One restart, in seconds. `healthy` is until everything runs, `total` until it ended."""

    healthy: float
    total: float
    outage: float


def main() -> None:
    """Measure every way and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        inventory = _five_sites(Path(folder))
        trees = _check_out(Path(folder) / "repos")
        _dtdeploy(inventory, "up", "--all", "--yes")
        ways: dict[str, Callable[[], float | None]] = {
            "floor": lambda: _floor(trees),
            "careful script": lambda: _careful(trees),
            "dtdeploy": lambda: _dtdeploy(inventory, "restart", "--all", "--yes"),
        }
        print(f"median (min-max) of {runs} runs, in seconds")
        print(f"{'way':16} {'healthy':>18} {'ended':>18} {'outage':>18}")
        for name, way in ways.items():
            measured = [_measure(way) for _ in range(runs)]
            columns = (
                [m.healthy for m in measured],
                [m.total for m in measured],
                [m.outage for m in measured],
            )
            print(f"{name:16} " + " ".join(f"{_spread(column):>18}" for column in columns))


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f})"


def _measure(way: Callable[[], float | None]) -> Measured:
    script = str(ROOT / "benchmarks" / "outage.py")
    words = control.words([sys.executable, script, SERVER_HOST, str(SERVER_PORT)])
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=control.environment()
    ) as probe:
        began = time.monotonic()
        healthy = way()
        total = time.monotonic() - began
        out, _ = probe.communicate("stop\n", timeout=30)
    return Measured(healthy if healthy is not None else total, total, float(out))


def _dtdeploy(inventory: Path, *words: str) -> float | None:
    """Run dtdeploy and return how long it took until the last deploy was healthy, in seconds."""
    began = datetime.now().astimezone()
    done = control.ops(["dtdeploy", "-i", str(inventory), "--json", *words], timeout=_SECONDS)
    if done.returncode:
        raise SystemExit(f"dtdeploy ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    healthy = [
        datetime.fromisoformat(event["time"])
        for event in events
        if event["event"] == "step_done" and event["kind"] == "deploy"
    ]
    return (max(healthy) - began).total_seconds() if healthy else None


def _floor(trees: Path) -> None:
    others = [
        (host, "datatrail-client", f"/root/bench/datatrail-admin/stacks/{site}-client.yaml")
        for site, host in KNOWN_SITES.items()
    ]
    daemons = (SERVER_HOST, "datatrail-daemons", "/root/bench/datatrail/stacks/daemon-compose.yaml")
    server = (SERVER_HOST, "datatrail", "/root/bench/datatrail/stacks/server-compose.yaml")
    for host in KNOWN_SITES.values():
        home = paths.host_folder(host) / "home" / "bench"
        shutil.copytree(trees, home, dirs_exist_ok=True)
    floor.restart(server, [daemons, *others], _answers)


def _answers() -> bool:
    url = f"http://127.0.0.1:{SERVER_PORT}/health/check"
    said = hosts.run(SERVER_HOST, "busybox", "wget", "-qO-", url, check=False)
    return '"status":"ok"' in said.stdout


def _careful(trees: Path) -> None:
    pairs = [f"{host}:{site}" for site, host in KNOWN_SITES.items()]
    script = str(ROOT / "benchmarks" / "careful.sh")
    done = control.ops([script, str(trees), *pairs], timeout=_SECONDS)
    if done.returncode:
        raise SystemExit(f"careful.sh ended with {done.returncode}\n{done.stdout}\n{done.stderr}")


def _five_sites(folder: Path) -> Path:
    text = (ROOT / "sites.yaml").read_text().replace("state: planned", "state: active")
    (folder / "sites.yaml").write_text(text)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    return folder / "sites.yaml"


def _check_out(folder: Path) -> Path:
    for repo in REPOS:
        for path in commits.listing(repo):
            target = folder / repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(commits.read(repo, path))
    return folder


if __name__ == "__main__":
    main()
