"""Which units a command acts on, once it is known what they use of each other.

What is acted on says which compose files are read, and what they say may drag in more: so in turns,
until nothing is new.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.errors import RefusedError
from orchestrator.fleet.observed import Look
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.asked import Asked
from orchestrator.planning.deploying import Changed
from orchestrator.planning.scope import Scope, make_scope
from orchestrator.planning.sharing import circle, seen_uses, unmet, with_declared_uses, with_uses
from orchestrator.sources.model import Sourced


class Files(Protocol):
    """Where compose files are read."""

    def read(self, units: Iterable[Unit]) -> Mapping[Unit, Sourced]:
        """Return what `units` should run (SourceError)."""
        ...

    def search(self, units: Iterable[Unit]) -> Mapping[Unit, Sourced]:
        """Return what can be read of `units`; the others are left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """What is acted on, with the inventory that also knows what units use of each other."""

    inventory: Inventory
    scope: Scope
    sourced: dict[Unit, Sourced] = field(repr=False)


def scope_by_files(
    inventory: Inventory,
    asked: Asked,
    looks: Mapping[str, Look],
    pins: Mapping[str, Revision],
    *,
    found: Mapping[Unit, Changed],
    read: Mapping[Unit, Sourced],
    files: Files,
) -> Scoped:
    """Decide which units are acted on, and read what they should run.

    Args:
        inventory: everything that is declared.
        asked: the command.
        looks: a look at every contacted site.
        pins: the revision each repository is pinned to.
        found: of a deploy, what has changed of each selected unit.
        read: what was read already.
        files: where the rest is read.

    Raises:
        UsageError, RefusedError: see `make_scope`; or what runs needs each other and would have
            to go down one after the other.
        SourceError: a compose file cannot be read, or units need each other by what they say.

    """
    inventory, knots = with_uses(inventory, seen_uses(inventory, looks))
    known, searched = dict(read), set[str]()
    while True:
        scope = make_scope(inventory, asked.command, asked.request, looks, pins, found=found)
        if more := [unit for unit in scope.to_read if unit not in known]:
            known |= files.read(more)
        deployed = {item.unit for item in scope.acted if item.action.deploys}
        users = {unit: known[unit] for unit in scope.to_read if unit in deployed}
        lost = {site for site, _, _ in unmet(users, known, looks)} - searched
        searched |= lost
        known |= files.search(_others(inventory, lost, known)) if lost else {}
        wider = with_declared_uses(inventory, users, known, looks)
        if wider.uses == inventory.uses:
            break
        inventory = wider
    removed = {item.unit for item in scope.acted if item.action.removes}
    if tied := [circle(inventory, use) for use in knots if use.maker in removed]:
        raise RefusedError(tied)
    return Scoped(
        inventory=inventory, scope=scope, sourced={unit: known[unit] for unit in scope.to_read}
    )


def _others(inventory: Inventory, sites: set[str], known: Mapping[Unit, Sourced]) -> list[Unit]:
    return [
        spec.unit
        for spec in inventory.units
        if spec.unit.site in sites
        and spec.unit not in known
        and inventory.state(spec.unit) is SiteState.ACTIVE
    ]
