"""What this machine's mirrors say of the revisions that run: commits that came since, and drift."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.cli.checkout import Checkout
from orchestrator.errors import DtdeployError, Problem, SourceError
from orchestrator.fleet.observed import Look
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.differences import unit_drift
from orchestrator.sources.model import Sourced


@dataclass(slots=True, kw_only=True)
class Known:
    """What is declared, as far as it can be told without asking anybody.

    `ages` is when each repo was last fetched (seconds since 1970, None: nobody knows), `missing`
    are repos of which nothing is here, `unread` is why units could not be read.
    """

    inventory: Inventory
    checkout: Checkout
    sourced: Mapping[Unit, Sourced] = field(default_factory=dict)
    ages: Mapping[str, float | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unread: tuple[Problem, ...] = ()
    _news: dict[Revision, int | None] = field(default_factory=dict)

    def newer(self, unit: Unit, sha: str) -> int | None:
        """Return how many commits a unit's ref has that what runs lacks; None: nobody knows."""
        repo = self.inventory.spec(unit).repo
        if repo not in self.ages or sha in ("", MIXED):
            return None
        if self.checkout.pins()[repo].sha == sha:
            return 0
        running = Revision(repo, sha)
        if running not in self._news:
            self._news[running] = self.checkout.news(running)
        return self._news[running]

    def differing(self, unit: Unit, look: Look) -> int | None:
        """Return in how many things a unit that runs is not as declared; None: nobody knows.

        Registries are not asked: an image that moved under its tag is not seen.
        """
        if unit not in self.sourced:
            return None
        return len(unit_drift(self.inventory, self.sourced[unit], look, {}).changes)


def recall(inventory: Inventory, checkout: Checkout, units: Iterable[Unit]) -> Known:
    """Read what the mirrors hold of `units` as they are."""
    wanted = tuple(units)
    ages = checkout.recall(inventory.spec(unit).repo for unit in wanted)
    return _read(inventory, checkout, wanted, ages)


def fetched(
    inventory: Inventory, checkout: Checkout, units: Iterable[Unit], now: float
) -> tuple[Known, tuple[Problem, ...]]:
    """Wait for a fetch that was begun and read `units`; where it failed, what is here."""
    wanted = tuple(units)
    try:
        ages = dict.fromkeys(checkout.pins(), now)
    except SourceError as error:
        return recall(inventory, checkout, wanted), error.problems
    return _read(inventory, checkout, wanted, ages), ()


def _read(
    inventory: Inventory,
    checkout: Checkout,
    units: tuple[Unit, ...],
    ages: Mapping[str, float | None],
) -> Known:
    """Read all at once, which is quicker; only where that fails, one by one."""
    repos = [inventory.spec(unit).repo for unit in units]
    there = [unit for unit in units if inventory.spec(unit).repo in ages]
    sourced: dict[Unit, Sourced] = {}
    unread: list[Problem] = []
    try:
        sourced = checkout.read(there)
    except DtdeployError:
        for unit in there:
            try:
                sourced |= checkout.read([unit])
            except DtdeployError as error:
                unread += error.problems
    return Known(
        inventory=inventory,
        checkout=checkout,
        sourced=sourced,
        ages=ages,
        missing=tuple(dict.fromkeys(repo for repo in repos if repo not in ages)),
        unread=tuple(dict.fromkeys(unread)),
    )
