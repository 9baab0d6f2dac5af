"""Tells a bad day: those who work at the fleet, what befalls them, and the morning after."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.events import Event, StepDone, StepFailed, StepSkipped, StepWaits
from orchestrator.engine.report import RunEnd
from orchestrator.errors import DtdeployError, ExitCode, Problem
from orchestrator.inventory.model import SiteState
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.asking import ask_sleep
from orchestrator.simulation import orchestration
from orchestrator.simulation.backend import SimulatedBackend, SimulationStalledError
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.fleet import SimSite
from orchestrator.simulation.happening import Happening, What
from tests.account import Account, as_said, unaccounted
from tests.days import Day, Ills, Order, Part, day_of
from tests.lives import Machine, MemoryJournal
from tests.operators import Operator, Operators, WallClock
from tests.simulated import ALL, Simulated, simulated

END_SECONDS = 3600.0
"""No command may take longer than that, whatever happens."""
_RESUMES = 4
_BLOCKED = ("removal.refused", "deploy.refused")
_REST_SECONDS = 45.0
"""How long a fleet is given to come to rest once all that went wrong is mended."""


@dataclass(slots=True, kw_only=True)
class Story:
    """How a day went: what is wrong with it, and what happened."""

    day: Day
    wrong: list[str] = field(default_factory=list)
    ends: list[tuple[str, RunEnd]] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    mornings: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the day of a seed, and as what its commands ended."""

    seed: int
    wrong: tuple[str, ...]
    ends: tuple[str, ...]


def verdict(seed: int) -> Verdict:
    """Tell the day of `seed`: what a pool of processes maps over."""
    story = tell(day_of(seed))
    return Verdict(seed, tuple(story.wrong), tuple(end.exit_code.name for _, end in story.ends))


def tell(day: Day, machine: Callable[..., Machine] = Machine, *, aloud: bool = False) -> Story:
    """Let `day` happen and hold everything against it; `aloud` keeps what happened."""
    teller = _Teller(day, machine)
    if aloud:
        teller.world.fleet.subscribe(teller.story.happenings.append)
    teller.tell()
    return teller.story


class _Teller:
    def __init__(self, day: Day, machine: Callable[..., Machine]) -> None:
        self.day = day
        self.world: Simulated = simulated(
            day.scenario,
            seed=day.seed,
            inventory=day.inventory,
            generation=day.generation,
            shared=day.shared,
        )
        self.world.oracle.delay = day.delay
        self.story = Story(day=day, events=self.world.events)
        self._machine = machine
        self._account = Account(self.world)
        self._people: list[Operator[RunEnd | None]] = []
        self._machines: list[Machine] = []
        for fault in day.faults:
            inject(self.world.fleet, fault)

    def tell(self) -> None:
        self._day()
        if not self.story.wrong:
            self._morning()
        self.story.wrong += self.world.oracle.violations

    # The day

    def _day(self) -> None:
        operators = Operators(self.world.fleet)
        first = operators.start("first", lambda b: self._begins(b, self.day.order, self.day.first))
        _befall(first, self.day.first)
        people = self._people = [first]
        if self.day.second is not Part.NOTHING:
            people.append(operators.start("second", self._second, at=self.day.second_at))
            _befall(people[1], self.day.ills_of_second)
        try:
            operators.run(until=END_SECONDS)
        except SimulationStalledError as error:
            self.story.wrong.append(f"S6: {error}")
        for person in people:
            self._heard(person)
        if not self.story.wrong:
            self.story.wrong += unaccounted(self._account)

    def _heard(self, person: Operator[RunEnd | None]) -> None:
        if person.error is not None and not isinstance(person.error, DtdeployError):
            lines = traceback.format_exception(person.error)
            self.story.wrong.append(f"{person.name} raised {''.join(lines[-4:])}")
        if not person.over:
            self.story.wrong.append(f"S6: {person.name} does not end within {END_SECONDS:.0f} s")

    def _ended(self, name: str, end: RunEnd) -> None:
        self.story.ends.append((name, end))
        self._account.take(end)
        self.story.wrong += as_said(self._account, name, end)

    def _at_work(self, backend: SimulatedBackend, ills: Ills) -> Machine:
        clock = WallClock(self.world.fleet.clock, jumps=list(ills.jumps))
        machine = self._machine(
            world=self.world,
            backend=backend,
            name=backend.operator,
            journal=MemoryJournal(full_from=ills.full_from),
            wall=clock.wall,
            stop=lambda: bool(ills.stopped_at) and backend.now() >= ills.stopped_at,
        )
        self._machines.append(machine)
        return machine

    def _begins(self, backend: SimulatedBackend, order: Order, ills: Ills) -> RunEnd | None:
        return self._orders(self._at_work(backend, ills), order)

    def _orders(self, machine: Machine, order: Order) -> RunEnd:
        name = machine.backend.operator
        if order.command is Command.DOWN:
            self._account.down_meant()
        end = machine.begins(
            order.command, order.request, run=f"run-{name}", on_failure=order.on_failure
        )
        self._ended(name, end)
        if self.day.second is Part.NOTHING:
            self.world.oracle.told(name, machine.ways(end))
        return end

    def _second(self, backend: SimulatedBackend) -> RunEnd | None:
        machine = self._at_work(backend, self.day.ills_of_second)
        order = self.day.second_order
        assert order is not None
        match self.day.second:
            case Part.TAKES_OVER:
                return self._ended_if_any(machine, machine.takes_over())
            case Part.ROLLS_BACK:
                return self._ended_if_any(machine, machine.takes_back())
            case Part.RESUMES_HERE:
                return self._ended_if_any(machine, self._resumes_here(machine))
            case Part.BREAKS:
                broken = self._ended_if_any(machine, machine.breaks_lock())
                if broken is not None and broken.kept:
                    return broken
        return self._orders(machine, order)

    def _resumes_here(self, machine: Machine) -> RunEnd | None:
        """Resume once the first process is seen to be gone: its journal lies here."""
        first = self._people[0]
        while not first.over:
            carry_alone(machine.backend, ask_sleep(0.5))
        return machine.resumes_here(self._machines[0].journal)

    def _ended_if_any(self, machine: Machine, end: RunEnd | None) -> RunEnd | None:
        if end is not None:
            self._ended(machine.backend.operator, end)
        return end

    # The morning

    def _morning(self) -> None:
        self._mend()
        clock = self.world.fleet.clock
        clock.run_until(clock.now + _REST_SECONDS)
        self._resume_all()
        if self.story.wrong:
            return
        owed = self._somebody().owed()
        if owed:
            names = tuple(str(item.unit) for item in owed)
            order = Order(command=Command.UP, request=Request(units=names))
            self._carried(order, "up --owed", refused="deploy.over-running")
        if self._account.bad() or self._somebody().owed():
            self._carried(Order(command=Command.RESTART, request=ALL), "restart --all")
        self.story.wrong += [f"in the end {words}" for words in self._account.bad()]
        if left := self._somebody().owed():
            self.story.wrong.append(f"in the end {', '.join(str(o.unit) for o in left)} are owed")

    def _somebody(self) -> Machine:
        self.story.mornings += 1
        name = f"morning-{self.story.mornings}"
        backend = SimulatedBackend(self.world.fleet, operator=name)
        return self._machine(world=self.world, backend=backend, name=name)

    def _resume_all(self) -> None:
        for attempt in range(_RESUMES):
            machine = self._somebody()
            ways = (machine.resumes, machine.rolls_back, machine.breaks_lock)
            blocked = attempt > 0 and self._blocked_for_good()
            end = ways[min(attempt, 2) if blocked else 0]()
            if end is None:
                return
            self._ended(machine.name, end)
        if self._somebody().reads() is not None:
            self.story.wrong.append(f"still not finished after {_RESUMES} resumes")

    def _blocked_for_good(self) -> bool:
        """Whether a unit that the run may not touch is in its way: one left out, or not planned.

        Then the way is back, or another command once the lock is broken.
        """
        end = self.story.ends[-1][1]
        own = {item.unit for item in end.plan.units}
        others = [str(spec.unit) for spec in self.world.inventory.units if spec.unit not in own]
        return any(
            problem.code == "deploy.over-running"
            or (problem.code in _BLOCKED and any(unit in words for unit in others))
            for problem in _problems(end)
            for words in problem.evidence
        )

    def _carried(self, order: Order, words: str, *, refused: str = "") -> None:
        """Carry out a command that must end well, but for a refusal that `refused` is the code of.

        That one says itself what to do instead.
        """
        machine = self._somebody()
        try:
            end = self._orders(machine, order)
        except DtdeployError as error:
            self.story.wrong.append(f"{words} was refused: {[p.what for p in error.problems]}")
            return
        codes = {problem.code for problem in _problems(end)}
        if end.exit_code is not ExitCode.DONE and refused not in codes:
            self.story.wrong.append(f"{words} ended in {end.exit_code.name}: {problems_of(end)}")

    def _mend(self) -> None:
        """Let everything that went wrong be over, except what operators did or left undone."""
        fleet, inventory = self.world.fleet, self.world.inventory
        ends = [fault.at + fault.for_seconds for fault in self.day.faults]
        fleet.clock.run_until(max((fleet.clock.now, *(end + 1.0 for end in ends))))
        now = fleet.clock.now
        inject(fleet, Fault(at=now, kind=FaultKind.CHANNEL_OK))
        for name, site in fleet.sites.items():
            site.link.lose_before = site.link.lose_after = 0
            site.link.delays.clear()
            for kind in _mending(site):
                inject(fleet, Fault(at=now, kind=kind, site=name))
            for machine in site.swarm.machines.values():
                node = machine.hostname
                if not machine.online:
                    inject(fleet, Fault(at=now, kind=FaultKind.NODE_BACK, site=name, node=node))
                inject(fleet, Fault(at=now, kind=FaultKind.NODE_ACTIVE, site=name, node=node))
            _free_all(site, now)
            fleet.clock.at(now + 1.0, orchestration.kick, site.swarm)
        for spec in inventory.units:
            if inventory.state(spec.unit) is SiteState.PLANNED:
                continue
            for kind in (FaultKind.BEHAVE, FaultKind.FREE):
                about = Fault(at=now, kind=kind, site=spec.unit.site, stack=spec.unit.stack)
                inject(fleet, about)
        for host, port in fleet.outside:
            inject(fleet, Fault(at=now, kind=FaultKind.OUTSIDE_UP, outside=f"{host}:{port}"))


def _free_all(site: SimSite, now: float) -> None:
    """Let whatever runs behave well from now on."""
    for task in site.swarm.tasks.values():
        task.behaviour = replace(task.behaviour, kind=Kind.GOOD)
        if task.container is not None:
            task.container.ready_at = min(task.container.ready_at, now)


def _mending(site: SimSite) -> Iterator[FaultKind]:
    swarm = site.swarm
    yield FaultKind.LINK_OK
    yield FaultKind.REGISTRY_OK
    yield FaultKind.FILE_TAKEN
    yield FaultKind.FIELD_KEPT
    if swarm.frozen:
        yield FaultKind.DAEMON_THAWED
    if not swarm.daemon_up:
        yield FaultKind.DAEMON_STARTED
    if swarm.quorum_lost_at is not None:
        yield FaultKind.QUORUM_BACK


def _befall(operator: Operator[RunEnd | None], ills: Ills) -> None:
    if ills.killed_at:
        operator.kill(ills.killed_at)
    if ills.killed_at_submit:
        operator.kill_at_submit(ills.killed_at_submit)
    if ills.killed_after_submit:
        operator.kill_at_submit(ills.killed_after_submit, sent=True)
    if ills.killed_at_answer:
        operator.kill_at_answer(ills.killed_at_answer)
    if ills.halted_at:
        operator.pause(ills.halted_at, ills.halted_seconds)
    if ills.halted_at_submit:
        operator.pause_at_submit(ills.halted_at_submit, ills.halted_seconds)


def problems_of(end: RunEnd) -> list[str]:
    """Return everything that a command said was wrong."""
    return [f"{p.code} {p.where}: {p.what} {list(p.evidence)}" for p in _problems(end)]


def _problems(end: RunEnd) -> list[Problem]:
    reports = [report for report in (end.report, end.restored) if report is not None]
    return [*end.problems, *(p for report in reports for p in report.problems)]


def shown(story: Story) -> str:
    """Return a story that was told aloud, to be read from top to bottom."""
    day = story.day
    head = [
        f"day {day.seed}: {_ordered(day.order)}, generation {day.generation}",
        f"  {day.scenario.model_dump(exclude_defaults=True, mode='json')}",
        f"  first: {_plain(day.first)}",
        f"  second {day.second.value} at {day.second_at}: {_ordered(day.second_order)}",
        f"  second: {_plain(day.ills_of_second)}",
        *(f"  {_plain(fault)}" for fault in day.faults),
    ]
    lines = [(h.at, _line(h)) for h in story.happenings if h.what is not What.TASK_STATE]
    lines += [(event.at, _told(event)) for event in story.events]
    told = [f"{at:8.2f} {words}" for at, words in sorted(lines, key=lambda line: line[0]) if words]
    ends = [f"{name} ended as {end.exit_code.name}: {problems_of(end)}" for name, end in story.ends]
    return "\n".join([*head, *told, *ends, *story.wrong])


def _line(happening: Happening) -> str:
    parts = (happening.by, happening.stack, happening.service, happening.node, happening.detail)
    return f"{happening.site:12} {happening.what.value}: {' '.join(part for part in parts if part)}"


def _told(event: Event) -> str:
    match event:
        case StepWaits():
            return ""
        case StepFailed():
            words = str([f"{p.what} {list(p.evidence)}" for p in event.problems])
        case StepDone():
            words = event.words
        case StepSkipped():
            words = event.because
        case _:
            words = ""
    step = getattr(event, "step", None)
    return f"{'':12} ~ {type(event).__name__} {step.id if step else ''} {words}"


def _ordered(order: Order | None) -> str:
    if order is None:
        return ""
    return f"{order.command.value} {order.request}, on failure {order.on_failure.value}"


def _plain(value: Ills | Fault) -> str:
    """Return what is said of something, without what is as always."""
    said = ((f.name, getattr(value, f.name), f.default) for f in fields(value))
    return ", ".join(f"{name}={given}" for name, given, usual in said if given != usual)
