"""A small fleet to experiment on: one site, one stack, and short ways to act and look."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from orchestrator.fleet.desired import DesiredService, DesiredStack, HttpProbe, JsonExpectation
from orchestrator.fleet.observed import Look, Sight, Task, TaskState
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Effect,
    Observe,
    ProbeResult,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
)
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.behaviour import Behaviour, Kind, Rule
from orchestrator.simulation.clock import Process
from orchestrator.simulation.faults import Fault, inject
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.happening import Happening, What
from orchestrator.simulation.installing import install
from orchestrator.sources.model import Release, Sourced

SITE = "kko"
HOST = "aux.kko"
WORKER = "worker.kko"
UNIT = Unit("web", SITE)
HEALTH = HttpProbe(
    name="health", host=HOST, port=8001, expect=(JsonExpectation(path="status", equals="ok"),)
)


def service(name: str = "app", **other: Any) -> DesiredService:
    """Return a plain service, changed as asked."""
    return replace(DesiredService(name=name, image="registry.example/web:1"), **other)


def stack(*services: DesiredService) -> DesiredStack:
    """Return the stack `web` of these services (one plain one if none)."""
    return DesiredStack(unit=UNIT, services=services or (service(),))


def sourced(desired: DesiredStack, digest: str = "d1") -> Sourced:
    """Return a release of `desired`, without files."""
    release = Release(
        unit=desired.unit,
        revision=Revision("repo", "a" * 40),
        name=f"{desired.unit.stack}-{digest}",
        digest=digest,
        compose="web.yaml",
        files=(),
    )
    return Sourced(desired=desired, release=release)


class Rig:
    """A fleet of one site with a worker, driven effect by effect."""

    def __init__(
        self, desired: DesiredStack, *, workers: tuple[str, ...] = (), prefix: int = 24
    ) -> None:
        self.fleet = SimulatedFleet(Random(7))  # noqa: S311 - a simulation must be repeatable
        self.site = self.fleet.add_site(SITE, host=HOST, workers=workers, ingress_prefix=prefix)
        self.swarm = self.site.swarm
        self.backend = SimulatedBackend(self.fleet)
        self.sourced = sourced(desired)
        self.fleet.learn([self.sourced])
        release = self.sourced.release
        self.site.releases[release.name, release.digest] = release
        self.happenings: list[Happening] = []
        self.fleet.subscribe(self.happenings.append)

    @property
    def now(self) -> float:
        """Virtual time."""
        return self.fleet.clock.now

    def running(self) -> "Rig":
        """Let the stack run already."""
        install(self.swarm, self.sourced.desired, ())
        return self

    def behave(self, kind: Kind, **times: Any) -> "Rig":
        """Let everything started from now on behave so."""
        behaviour = replace(Behaviour(kind=kind), **times)
        self.fleet.world.behaviours.add(Rule(behaviour=behaviour))
        return self

    def fault(self, fault: Fault) -> None:
        """Bring a fault about at its time, counted from now."""
        inject(self.fleet, replace(fault, at=self.now + fault.at, site=SITE))

    def run(self, process: Process[str]) -> None:
        """Let a process of the manager run beside everything else."""
        self.fleet.clock.spawn(process, lambda _: None)

    def ask(self, effect: Effect) -> object:
        """Perform one effect and wait for its answer."""
        self.backend.submit(1, effect)
        happened = self.backend.wait(None)
        assert happened is not None
        return happened[1]

    def look(self) -> Look:
        """Look at the site."""
        answer = self.ask(Observe(site=SITE))
        assert not isinstance(answer, Answer | ProbeResult)
        return answer  # type: ignore[return-value]  # what Observe is answered with

    def sight(self) -> Sight:
        """Look at the site, which must be visible."""
        look = self.look()
        assert isinstance(look, Sight), look
        return look

    def change(self, effect: Effect) -> Answer:
        """Perform a mutating effect."""
        answer = self.ask(effect)
        assert isinstance(answer, Answer)
        return answer

    def ok(self, effect: Effect) -> None:
        """Perform a mutating effect that must succeed."""
        answer = self.change(effect)
        assert answer.result is Result.OK, answer

    def probe(self) -> ProbeResult:
        """Ask the stack's server how it is."""
        answer = self.ask(RunProbe(site=SITE, probe=HEALTH))
        assert isinstance(answer, ProbeResult)
        return answer

    def deploy_effect(self, item: Sourced | None = None) -> DeployStack:
        """Return the effect that deploys the stack, or another release of it."""
        return DeployStack(
            unit=UNIT,
            release=(item or self.sourced).release,
            labels=(),
        )

    def redeploy(self, desired: DesiredStack, digest: str) -> None:
        """Deploy another release over what runs."""
        item = sourced(desired, digest)
        self.fleet.learn([item])
        self.ok(ShipRelease(site=SITE, release=item.release))
        self.ok(self.deploy_effect(item))

    def remove_services(self) -> RemoveServices:
        """Return the effect that removes every service there is."""
        return RemoveServices(unit=UNIT, ids=tuple(s.id for s in self.sight().services))

    def remove_leftovers(self) -> RemoveLeftovers:
        """Return the effect that removes networks, secrets and configs."""
        sight = self.sight()
        return RemoveLeftovers(
            unit=UNIT,
            networks=tuple(n.id for n in sight.networks),
            secrets=tuple(s.id for s in sight.secrets),
            configs=tuple(c.id for c in sight.configs),
        )

    def pass_time(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.fleet.clock.run_until(self.now + seconds)

    def until(self, reached: Callable[[Sight], bool], *, within: float = 60.0) -> Sight:
        """Look every tenth of a second until `reached`; returns that sight."""
        end = self.now + within
        while not reached(sight := self.sight()):
            assert self.now < end, sight
            self.pass_time(0.1)
        return sight

    def told(self, what: What) -> list[Happening]:
        """Return what really happened of that kind."""
        return [happening for happening in self.happenings if happening.what is what]


def all_running(sight: Sight) -> bool:
    """Whether every task wanted is running, and there is one."""
    wanted = [task for task in sight.tasks if task.desired <= TaskState.RUNNING]
    return bool(wanted) and all(task.state is TaskState.RUNNING for task in wanted)


def no_tasks(sight: Sight) -> bool:
    """Whether no task is listed."""
    return not sight.tasks


def alive(sight: Sight) -> list[Task]:
    """Return the tasks that have not ended."""
    return [task for task in sight.tasks if not task.state.terminal]
