"""All that the procedures of one run may know: plain values, read only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.pinning import as_pinned
from orchestrator.planning.plan import Action, Plan
from orchestrator.procedures.told import Told
from orchestrator.sources.model import Sourced


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a site must offer to pass preflight. Sizes in bytes, times in seconds."""

    disk_free_bytes: int = 1_000_000_000
    clock_offset_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The plan of a run, and what it was made from.

    `words` is the command as it was typed, `teller` who carries it out now, `told` what was
    announced before this life of it. `wall_offset` added to the observer's clock is seconds
    since 1970. `swarms` are the ids of the Swarms that were seen when it was planned, by site.
    `prepared`: an earlier life of it shipped all releases and pulled all images.
    `away` are the sites that could not be seen when this life of the run began.
    """

    run: str
    inventory: Inventory
    plan: Plan
    sourced: Mapping[Unit, Sourced] = field(repr=False)
    limits: Limits = Limits()
    words: str = ""
    teller: str = ""
    told: tuple[Told, ...] = ()
    wall_offset: float = 0.0
    swarms: Mapping[str, str] = field(default_factory=dict)
    prepared: bool = False
    away: frozenset[str] = frozenset()

    def acted_at(self, site: str) -> tuple[Unit, ...]:
        """Return the units at `site` that the plan changes."""
        return tuple(
            planned.unit
            for planned in self.plan.units
            if planned.unit.site == site and planned.action is not Action.KEEP
        )

    def deployed_at(self, site: str) -> tuple[Unit, ...]:
        """Return the units at `site` that the plan deploys."""
        return tuple(unit for unit in self.acted_at(site) if unit in self.sourced)

    def desired(self, unit: Unit) -> DesiredStack:
        """Return what `unit` is deployed as, with the images that the plan pins."""
        return as_pinned(self.sourced[unit].desired, self.plan.unit(unit).images)

    def declared_at(self, site: str) -> frozenset[str]:
        """Return the stacks that the inventory declares at `site`."""
        return self.inventory.declared_at(site)
