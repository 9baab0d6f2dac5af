"""Kill a restart at any of its crash points, and what is done about it at any of its own.

A crash point lies around a mutation of the fleet: before its intent is durable, after that,
after the effect (its answer is there, nothing is written down yet), after the observation. So do
those around the taking and giving back of the lock.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.report import RunEnd
from orchestrator.errors import ExitCode
from orchestrator.procedures.asking import ask_sleep
from orchestrator.simulation.backend import Killed, SimulatedBackend
from tests.lives import Machine, MemoryJournal
from tests.simulated import Simulated, simulated

_WATCH_SECONDS = 15.0
_INTENDED, _OBSERVED = EntryKind.INTENDED, EntryKind.OBSERVED


class Position(Enum):
    """Where the process is killed: around which kind of entry, and whether it was written."""

    BEFORE_INTENT = (EntryKind.INTENDED, False)
    AFTER_INTENT = (EntryKind.INTENDED, True)
    AFTER_EFFECT = (EntryKind.OBSERVED, False)
    AFTER_OBSERVATION = (EntryKind.OBSERVED, True)
    BEFORE_OPENING = (EntryKind.OPENED, False)
    AFTER_OPENING = (EntryKind.OPENED, True)
    AFTER_LOCKING = (EntryKind.LOCK, False)
    AFTER_SAYING_SO = (EntryKind.LOCK, True)
    BEFORE_CLOSING = (EntryKind.CLOSED, False)
    AFTER_CLOSING = (EntryKind.CLOSED, True)


_AROUND_MUTATIONS = tuple(p for p in Position if p.value[0] in (_INTENDED, _OBSERVED))
_AROUND_THE_LOCK = tuple(p for p in Position if p not in _AROUND_MUTATIONS)
_LOCK_ENTRIES = {EntryKind.OPENED: 1, EntryKind.LOCK: 2, EntryKind.CLOSED: 1}


@dataclass(frozen=True, slots=True)
class Point:
    """The `number`-th of its kind (from 0), and where around it."""

    number: int
    position: Position

    def __str__(self) -> str:
        return f"{self.position.name.lower().replace('_', ' ')} {self.number}"


class Way(Enum):
    """What is done about a run that was killed."""

    RESUME_HERE = "resume on the same machine"
    RESUME_ELSEWHERE = "resume on another machine"
    RESTORE = "restore"


@dataclass(slots=True)
class DeadlyJournal(MemoryJournal):
    """A journal whose process dies at a crash point."""

    point: Point | None = None
    backend: SimulatedBackend | None = None
    seen: dict[EntryKind, int] = field(default_factory=dict)

    def write(self, entry: Entry) -> None:
        """Write, and die before or after it if that is the point."""
        number = self.seen.get(entry.kind, 0)
        self.seen[entry.kind] = number + 1
        if self._deadly(entry.kind, number, written=False):
            self._die()
        MemoryJournal.write(self, entry)
        if self._deadly(entry.kind, number, written=True):
            self._die()

    def _deadly(self, kind: EntryKind, number: int, *, written: bool) -> bool:
        point = self.point
        return point is not None and (kind, written, number) == (
            *point.position.value,
            point.number,
        )

    def _die(self) -> None:
        assert self.backend is not None
        self.backend.die()
        raise Killed


State = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Goals:
    """What runs before a restart that nothing disturbs, and after it."""

    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Told:
    """How a story of crashes ended: what is wrong with it, and how many mutations it took."""

    wrong: tuple[str, ...]
    mutations: int
    reached: bool


def state(world: Simulated) -> State:
    """Return what runs everywhere: every service with its revision and its running containers."""
    running: dict[tuple[str, str, str], int] = {}
    for container in world.fleet.running_containers():
        key = (container.site, container.stack, container.service)
        running[key] = running.get(key, 0) + 1
    found = set()
    for name, site in world.fleet.sites.items():
        for service in site.swarm.services.values():
            seen = service.look()
            short = seen.name.removeprefix(f"{seen.stack}_")
            count = running.pop((name, seen.stack, short), 0)
            revision = seen.label("dtdeploy.revision")
            found.add((name, seen.name, seen.image, revision, str(count)))
    return frozenset(found | {("orphan", *key, str(n)) for key, n in running.items()})


def locks(world: Simulated) -> list[str]:
    """Return every config of dtdeploy's that is left on the coordinator's Swarm."""
    swarm = world.fleet.sites[world.inventory.coordinator].swarm
    return [c.name for c in swarm.configs.values() if c.name.startswith("dtdeploy.")]


def undisturbed() -> tuple[Goals, int]:
    """Return the states before and after a restart that nothing disturbs, and its mutations."""
    world = simulated(generation=2)
    before = state(world)
    journal = DeadlyJournal()
    end = Machine(world=world, backend=world.backend, journal=journal).begins()
    assert end.exit_code is ExitCode.DONE, end
    assert locks(world) == []
    return Goals(before, state(world)), journal.seen[EntryKind.INTENDED]


def points(mutations: int) -> Iterator[Point]:
    """Return every crash point of a run of so many mutations."""
    for number in range(mutations):
        yield from (Point(number, position) for position in _AROUND_MUTATIONS)
    for position in _AROUND_THE_LOCK:
        yield from (Point(n, position) for n in range(_LOCK_ENTRIES[position.value[0]]))


def story(first: Point, way: Way, second: Point | None, goals: Goals) -> Told:
    """Kill a restart at `first`, go `way`, kill that at `second`, go the same way again."""
    world = simulated(generation=2)
    begun = DeadlyJournal(point=first, backend=world.backend)
    machine = Machine(world=world, backend=world.backend, name="first", journal=begun)
    with suppress(Killed):
        machine.begins()
        return Told((f"{first} was never reached",), 0, reached=False)
    backend = SimulatedBackend(world.fleet, operator="second")
    journal = DeadlyJournal(point=second, backend=backend)
    journal.entries = begun.entries if way is Way.RESUME_HERE else []
    machine = Machine(world=world, backend=backend, name="second", journal=journal)
    reached = False
    try:
        end = _go(machine, way)
    except Killed:
        reached = True
        third = SimulatedBackend(world.fleet, operator="third")
        end = _go(Machine(world=world, backend=third, name="third"), way)
    mutations = journal.seen.get(EntryKind.INTENDED, 0)
    return Told(tuple(_wrong(world, end, way, goals)), mutations, reached)


def _go(machine: Machine, way: Way) -> RunEnd | None:
    """Take over as the command line does: only from a run that gave no sign for a while."""
    carry_alone(machine.backend, ask_sleep(_WATCH_SECONDS))
    return machine.rolls_back() if way is Way.RESTORE else machine.resumes()


def _wrong(world: Simulated, end: RunEnd | None, way: Way, goals: Goals) -> Iterator[str]:
    now = state(world)
    yield from world.oracle.violations
    if locks(world):
        yield f"left: {locks(world)}"
    if end is None:
        # No lock: it was killed before it took it, or after it gave it back.
        if now not in (goals.before, goals.after):
            yield f"nobody can resume it: {sorted(now ^ goals.after)[:6]}"
        return
    if end.exit_code is not (ExitCode.RESTORED if way is Way.RESTORE else ExitCode.DONE):
        yield f"exit {end.exit_code!r}: {[p.what for p in end.problems]}"
        for report in (end.report, end.restored):
            if report is not None:
                yield from (f"{p.where}: {p.what} {p.evidence}" for p in report.problems)
    goal = goals.before if way is Way.RESTORE else goals.after
    if now != goal:
        yield f"the end state differs: {sorted(now ^ goal)[:6]}"


def told_of(job: tuple[Point, Way, Point | None, Goals]) -> tuple[str, Told]:
    """Tell one story by its name: what a pool of processes maps over."""
    first, way, second, goals = job
    name = f"{first}, {way.value}" + (f", killed {second}" if second else "")
    return name, story(first, way, second, goals)
