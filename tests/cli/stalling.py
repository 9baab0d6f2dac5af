"""A run on a simulated fleet that stands still somewhere: `python -m tests.cli.stalling KIND`.

`answers`: nothing is answered any more, as by a performer that never returns.
`journal`: a write to the journal never ends, as on a disk that is gone.
`paced`: nothing is wrong, and time passes as it would: to be sent a signal.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.cli.carry_out import follow
from orchestrator.cli.journals import MemoryJournals
from orchestrator.cli.talk import Talk
from orchestrator.cli.watchdog import Watchdog
from orchestrator.engine.journal import Entry, EntryKind, Journal
from orchestrator.engine.watch import Watch
from orchestrator.planning.plan import Command
from orchestrator.procedures.effects import DeployStack, Effect
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.pacing import PacedBackend
from orchestrator.simulation.scenario import load_scenario
from tests.cli.desk import Desk, order
from tests.simulated import simulated

EMPTY = Path(__file__).parent.parent.parent / "scenarios" / "empty.yaml"
STALLED_SECONDS = 3.0
END_SECONDS = 2.0


class NeverAnswers:
    """A backend that answers nothing from the first deploy on, and cannot be woken."""

    def __init__(self, backend: SimulatedBackend) -> None:
        self._backend = backend
        self._dead = False

    def now(self) -> float:
        return self._backend.now()

    def submit(self, token: int, effect: Effect) -> None:
        self._dead = self._dead or isinstance(effect, DeployStack)
        self._backend.submit(token, effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        if self._dead:
            threading.Event().wait()
        return self._backend.wait(until)


class StuckDisk:
    """Journals that take nothing more once something is about to be deployed."""

    def __init__(self) -> None:
        self._memory = MemoryJournals()

    @contextmanager
    def open(self, run: str) -> Iterator[Journal]:
        with self._memory.open(run) as journal:
            yield _Stuck(journal)

    def read(self, run: str) -> tuple[Entry, ...]:
        return self._memory.read(run)

    def runs(self) -> tuple[str, ...]:
        return self._memory.runs()

    def size(self, run: str) -> int:
        return self._memory.size(run)


class _Stuck:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def write(self, entry: Entry) -> None:
        if entry.kind is EntryKind.INTENDED and entry.body["effect"] == "DeployStack":
            # As fsync(2) would: in the kernel, deaf to everything but the signal's own handler.
            os.read(os.pipe()[0], 1)
        self._journal.write(entry)


def main(kind: str, folder: Path) -> int:
    """Carry out `up --all` and return its exit code."""
    desk = Desk(shared=simulated(load_scenario(EMPTY)))
    backend = desk.shared.backend
    world = desk.world(backend)
    talk = Talk.choose(
        as_json=False, verbose=False, environment={}, clock=lambda: datetime.now(UTC)
    )
    watch = Watch(time.monotonic)
    dog = Watchdog(
        watch,
        folder,
        lambda: datetime.now(UTC),
        stalled_seconds=STALLED_SECONDS,
        end_seconds=END_SECONDS,
    )
    with dog:
        world = replace(world, talk=talk, watch=watch, watchdog=dog)
        if kind == "answers":
            world = replace(world, backend=NeverAnswers(backend))
        elif kind == "journal":
            world = replace(world, journals=StuckDisk())
        else:
            paced = PacedBackend(backend, time.sleep)
            world = replace(world, backend=paced, wake=paced.wake)
        return follow(world, order(Command.UP))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
