"""The simulated fleet as a world."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import Effect
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.behaviour import Behaviour, Kind, Rule
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.sources.model import Sourced
from tests.contract.stacks import (
    ABSENT_IMAGE,
    DATABASE,
    DATABASE_PORT,
    EXIT_CODE,
    HEALTHY_AFTER_SECONDS,
    Does,
    Part,
)
from tests.contract.world import HOSTS, PAIR, QUIET, WORKER

_BEHAVES = {
    Does.CRASH: Behaviour(kind=Kind.CRASH_LOOP, crash_after_seconds=0.3, exit_code=EXIT_CODE),
    Does.GET_HEALTHY: Behaviour(health_seconds=HEALTHY_AFTER_SECONDS),
    Does.STAY_SICK: Behaviour(kind=Kind.NEVER_HEALTHY),
    Does.IGNORE: Behaviour(kind=Kind.IGNORES_SIGTERM),
    Does.FINISH: Behaviour(kind=Kind.FINISHES, run_seconds=0.1),
    Does.WAIT: Behaviour(kind=Kind.NO_NODE),
}


_USES = {
    "active": FaultKind.NODE_ACTIVE,
    "pause": FaultKind.NODE_PAUSED,
    "drain": FaultKind.NODE_DRAINED,
}


class SimulatedWorld:
    """Four simulated sites on virtual time."""

    def __init__(self, seed: int = 1, *, deputies: tuple[str, ...] = ()) -> None:
        self.fleet = SimulatedFleet(Random(seed))  # noqa: S311 - a simulation must be repeatable
        for site, host in HOSTS.items():
            workers, managers = ((WORKER,), deputies) if site == PAIR else ((), ())
            made = self.fleet.add_site(site, host=host, managers=managers, workers=workers)
            made.swarm.registry.missing.add(ABSENT_IMAGE)
        self._database(FaultKind.OUTSIDE_UP)
        self._backend = SimulatedBackend(self.fleet)

    @property
    def patience(self) -> float:
        return 1.0

    def unit(self, name: str, site: str) -> Unit:
        return Unit(f"contract-{name}", site)

    def now(self) -> float:
        return self._backend.now()

    def pause(self, seconds: float) -> None:
        assert self._backend.wait(self.now() + seconds) is None

    def at_once(self, effects: Sequence[Effect]) -> tuple[object, ...]:
        for token, effect in enumerate(effects):
            self._backend.submit(token, effect)
        answers: dict[int, object] = {}
        while len(answers) < len(effects):
            came = self._backend.wait(None)
            assert came is not None
            answers[came[0]] = came[1]
        return tuple(answers[token] for token in range(len(effects)))

    def learn(self, item: Sourced, parts: Sequence[Part]) -> None:
        unit = item.desired.unit
        self.fleet.learn([item])
        for part in parts:
            behaviour = _BEHAVES.get(part.does, Behaviour())
            rule = Rule(behaviour=behaviour, site=unit.site, stack=unit.stack, service=part.name)
            self.fleet.world.behaviours.add(rule)
            if part.does is Does.SERVE:
                self.fleet.relies_on[unit] = ((DATABASE, DATABASE_PORT),)

    def really_running(self, unit: Unit) -> Counter[str]:
        return Counter(
            container.node
            for container in self.fleet.running_containers()
            if Unit(container.stack, container.site) == unit
        )

    def person_removes(self, unit: Unit) -> None:
        self._fault(FaultKind.STACK_RM, unit.site, stack=unit.stack)
        self.pause(0.3)

    def clear_away(self, unit: Unit) -> None:
        self.person_removes(unit)

    def kill(self, unit: Unit) -> None:
        self._fault(FaultKind.KILL, unit.site, stack=unit.stack)

    def freeze_worker(self) -> None:
        self._fault(FaultKind.NODE_FROZEN, PAIR, node=WORKER)

    def lose_worker(self) -> None:
        self._fault(FaultKind.NODE_LOST, PAIR, node=WORKER)

    def bring_worker_back(self) -> None:
        self._fault(FaultKind.NODE_BACK, PAIR, node=WORKER)

    def use_worker(self, availability: str) -> None:
        self._fault(_USES[availability], PAIR, node=WORKER)

    def lose_manager(self) -> None:
        """Cut the manager of several that leads off from everybody."""
        self._fault(FaultKind.NODE_LOST, PAIR)

    def stop_daemon(self, site: str) -> None:
        self._fault(FaultKind.DAEMON_STOPPED, site)

    def start_daemon(self, site: str) -> None:
        self._fault(FaultKind.DAEMON_STARTED, site)

    def freeze_daemon(self, site: str) -> None:
        self._fault(FaultKind.DAEMON_FROZEN, site)

    def thaw_daemon(self, site: str) -> None:
        self._fault(FaultKind.DAEMON_THAWED, site)

    def cut(self, site: str) -> None:
        self._fault(FaultKind.LINK_CUT, site)

    def refuse(self, site: str) -> None:
        self._fault(FaultKind.LINK_REFUSED, site)

    def hang(self, site: str) -> None:
        self._fault(FaultKind.LINK_HANGING, site)

    def mend(self, site: str) -> None:
        self._fault(FaultKind.LINK_OK, site)

    def lose_quorum(self, site: str) -> None:
        self._fault(FaultKind.QUORUM_LOST, site)

    def regain_quorum(self, site: str) -> None:
        self._fault(FaultKind.QUORUM_BACK, site)

    def stop_database(self) -> None:
        self._database(FaultKind.OUTSIDE_DOWN)

    def start_database(self) -> None:
        self._database(FaultKind.OUTSIDE_UP)

    def answer_lost(self, effect: Effect) -> object:
        self._fault(FaultKind.LOSE_AFTER, QUIET)
        return self.at_once((effect,))[0]

    def _fault(self, kind: FaultKind, site: str, *, node: str = "", stack: str = "") -> None:
        fault = Fault(at=self.fleet.clock.now, kind=kind, site=site, node=node, stack=stack)
        self._happen(fault)

    def _database(self, kind: FaultKind) -> None:
        place = f"{DATABASE}:{DATABASE_PORT}"
        self._happen(Fault(at=self.fleet.clock.now, kind=kind, outside=place))

    def _happen(self, fault: Fault) -> None:
        inject(self.fleet, fault)
        self.fleet.clock.run_until(self.fleet.clock.now)
