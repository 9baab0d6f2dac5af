"""Run a command on the simulated fleet, with the very code that runs live."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from types import MappingProxyType

from orchestrator.cli.scoping import scope_by_files
from orchestrator.engine.events import Event
from orchestrator.engine.gather import look_at
from orchestrator.engine.report import RunReport
from orchestrator.engine.run import run_plan
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.asked import Asked
from orchestrator.planning.deploying import changed
from orchestrator.planning.lost import with_lost
from orchestrator.planning.plan import Command, Plan
from orchestrator.planning.planner import make_plan
from orchestrator.planning.selection import Request, select
from orchestrator.procedures.book import Book
from orchestrator.procedures.of_step import procedure_for
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.build import build_fleet
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.scenario import Scenario
from orchestrator.simulation.synthetic import synthetic_sources
from orchestrator.sources.model import Sourced
from tests.oracle import Oracle

ALL = Request(everything=True)
PRODUCTION = load_inventory(Path(__file__).parent.parent / "sites.yaml")


@dataclass(slots=True, kw_only=True)
class Simulated:
    """A simulated fleet and what a run on it showed."""

    inventory: Inventory
    fleet: SimulatedFleet
    backend: SimulatedBackend
    oracle: Oracle
    sources: dict[Unit, Sourced]
    """What the repositories hold now."""
    former: dict[Unit, Sourced]
    """What they held when everything was deployed."""
    events: list[Event] = field(default_factory=list)

    def at(self, unit: Unit, sha: str) -> Sourced:
        """Return what a unit's files are at a revision."""
        return next(
            sources[unit]
            for sources in (self.sources, self.former)
            if sources[unit].release.revision.sha == sha
        )

    def plan(
        self,
        command: Command,
        request: Request = ALL,
        run: str = "r1",
        backend: SimulatedBackend | None = None,
    ) -> Book:
        sites = [s.name for s in self.inventory.sites if s.state is not SiteState.PLANNED]
        looks = look_at(backend or self.backend, sites)
        pins = {
            s.release.revision.repo: s.release.revision
            for s in self.sources.values()
            if command is not Command.DOWN
        }
        found = {
            unit: changed(self.inventory, self.sources[unit], looks[unit.site], {})
            for unit in (select(self.inventory, request) if command is Command.DEPLOY else ())
        }
        scoped = scope_by_files(
            self.inventory,
            Asked(command=command, request=request),
            looks,
            pins,
            found=found,
            read={unit: self.sources[unit] for unit in found},
            files=self,
        )
        plan: Plan = make_plan(
            scoped.inventory,
            command=command,
            request=request,
            scope=scoped.scope,
            looks=looks,
            sourced=scoped.sourced,
        )
        plan = with_lost(scoped.inventory, request, plan, looks, sourced=scoped.sourced)
        return Book(run=run, inventory=scoped.inventory, plan=plan, sourced=scoped.sourced)

    def read(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        return {unit: self.sources[unit] for unit in units}

    search = read

    def run(
        self,
        command: Command,
        request: Request = ALL,
        stop: Callable[[], bool] = lambda: False,
    ) -> RunReport:
        book = self.plan(command, request)
        return run_plan(
            book.plan,
            self.backend,
            lambda step: procedure_for(book, step),
            self.events.append,
            stop,
        )

    def stacks_running(self) -> set[str]:
        return {f"{c.stack}@{c.site}" for c in self.fleet.running_containers()}


def simulated(
    scenario: Scenario | None = None,
    *,
    seed: int = 1,
    inventory: Inventory = PRODUCTION,
    generation: int = 1,
    shared: Mapping[Unit, tuple[str, ...]] = MappingProxyType({}),
) -> Simulated:
    """Build a fleet in which everything that is declared runs, unless `scenario` says else.

    What runs is of the first generation; another one is what the repositories hold by now.
    `shared` are, by unit, the stacks at its site whose network, secret and config it uses.
    """
    units = [s.unit for s in inventory.units if inventory.state(s.unit) is not SiteState.PLANNED]
    scenario = scenario or Scenario()
    made_up = partial(
        synthetic_sources, inventory, units, shared=shared, constraints=scenario.constraints
    )
    former, sources = made_up(), made_up(generation=generation)
    fleet = build_fleet(inventory, scenario, seed, sources=former)
    fleet.learn(sources.values())
    return Simulated(
        inventory=inventory,
        fleet=fleet,
        backend=SimulatedBackend(fleet),
        oracle=Oracle(fleet, inventory, shared),
        sources=sources,
        former=former,
    )


def chance(seed: int) -> Random:
    """Return a source of chance for a test's own choices."""
    return Random(seed)  # noqa: S311 - seeded on purpose, so that a failure can be replayed
