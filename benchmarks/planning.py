"""How long making and saving a plan takes, and how much memory.

    python -m benchmarks.planning [--sites N] [--profile]
    python -m benchmarks.planning --lab [--runs N]

Without --lab: a simulated fleet of N sites with five units each, of which one is the server that
all others need. Planned is a restart of everything, in this process; the fleet itself is made
before, and its memory is counted too. With --lab: `dtdeploy plan --all --out` at the lab's five
sites, from the start of the program to its end.
"""

import argparse
import cProfile
import pstats
import resource
import shutil
import tempfile
import time
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from statistics import median

from lab import control
from orchestrator.cli.checkout import MadeUpCheckout
from orchestrator.cli.journals import MemoryJournals
from orchestrator.cli.planning import draw
from orchestrator.cli.saving import save_plan
from orchestrator.cli.talk import Talk
from orchestrator.cli.wiring import World
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, Manager, Repo, Site, SiteState, UnitSpec
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.hold import Holder
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.build import build_fleet
from orchestrator.simulation.scenario import Scenario
from orchestrator.simulation.synthetic import synthetic_sources
from orchestrator.ui.consoles import open_console
from orchestrator.ui.mode import Mode

ROOT = Path(__file__).parent.parent
_UNITS = 5
_DAY = 86400.0


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--lab", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.lab:
            _at_the_lab(Path(folder), given.runs)
        elif given.profile:
            profile = cProfile.Profile()
            profile.runcall(_simulated, Path(folder), given.sites)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(50)
        else:
            _simulated(Path(folder), given.sites)


def _simulated(folder: Path, sites: int) -> None:
    inventory = _inventory(sites)
    world = _world(inventory)
    before = _peak_megabytes()
    asked = Asked(command=Command.RESTART, request=Request(everything=True))
    began = time.monotonic()
    drawn = draw(world, asked)
    made = time.monotonic()
    file = folder / "some.plan"
    save_plan(world, asked, drawn, file, lifetime=_DAY, force=False)
    saved = time.monotonic()
    print(f"{sites} sites, {len(inventory.units)} units, {len(drawn.book.plan.steps)} steps")
    print(f"made in {made - began:.1f} s, saved in {saved - made:.1f} s")
    print(f"the file takes {file.stat().st_size / 1e6:.1f} MB")
    print(f"peak {_peak_megabytes():.0f} MB, of which {before:.0f} MB were there before")


def _peak_megabytes() -> float:
    """Return the most memory that was resident at once; Linux counts it in KiB (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _inventory(sites: int) -> Inventory:
    server = Unit(stack="app", site="s0")
    names = [f"s{number}" for number in range(sites)]
    units = [Unit(stack=f"app-{k}", site=name) for name in names for k in range(_UNITS)]
    units[0] = server
    return Inventory(
        path="sites.yaml",
        managed_prefix="app",
        coordinator="s0",
        repos=(Repo(name="app", url="ssh://git@example.org/app", ref="main"),),
        sites=tuple(
            Site(name=name, manager=Manager(host=f"{name}.example"), state=SiteState.ACTIVE)
            for name in names
        ),
        units=tuple(
            UnitSpec(
                unit=unit,
                repo="app",
                compose=f"stacks/{unit.stack}.yaml",
                depends_on=() if unit == server else (server,),
                must_have=("web", "worker"),
            )
            for unit in units
        ),
    )


def _world(inventory: Inventory) -> World:
    sources = synthetic_sources(inventory, [spec.unit for spec in inventory.units])
    backend = SimulatedBackend(build_fleet(inventory, Scenario(), 1, sources=sources))
    nowhere = open_console(StringIO(), {})
    talk = Talk(
        out=nowhere,
        err=nowhere,
        mode=Mode.LINES,
        verbose=False,
        clock=lambda: datetime.now(UTC),
    )
    return World(
        inventory=inventory,
        backend=backend,
        checkout=MadeUpCheckout(inventory, sources),
        talk=talk,
        run_id="benchmark",
        wake=backend.wake,
        holder=Holder(owner="bench", host="mark", pid=1, session="benchmark"),
        wall=time.time,
        journals=MemoryJournals(),
        runs_here=lambda _: True,
    )


def _at_the_lab(folder: Path, runs: int) -> None:
    text = (ROOT / "sites.yaml").read_text().replace("state: planned", "state: active")
    (folder / "sites.yaml").write_text(text)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    words = ["dtdeploy", "-i", str(folder / "sites.yaml"), "plan", "--all", "--force"]
    took = []
    for _ in range(runs):
        began = time.monotonic()
        done = control.ops([*words, "--out", str(folder / "some.plan")])
        took.append(time.monotonic() - began)
        if done.returncode:
            raise SystemExit(done.stderr)
    print(f"five sites of the lab: {median(took):.2f} s ({min(took):.2f}-{max(took):.2f})")


main()
