"""From a plan and what it was made from to a saved plan; later, whether it still holds."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Plan
from orchestrator.planning.plan_file import Pin, SavedPlan
from orchestrator.planning.premises import fingerprint, premises, swarms_of
from orchestrator.planning.seen import around, moved, see
from orchestrator.sources.model import Sourced


def make_saved(
    inventory: Inventory,
    asked: Asked,
    plan: Plan,
    *,
    looks: Mapping[str, Look],
    pins: Mapping[str, Revision],
    sourced: Mapping[Unit, Sourced],
    images: Mapping[str, str],
    name: str,
    creator: str,
    now: float,
    lifetime: float,
) -> SavedPlan:
    """Return a plan with all that it has to be held against before it is carried out.

    Args:
        inventory: everything that is declared.
        asked: what was asked for.
        plan: what came of it; every site that it has to see was seen.
        looks: a look at every contacted site.
        pins: the revision each repository is pinned to.
        sourced: what is deployed.
        images: the digest of each image that is deployed, where it is known.
        name: the plan's id, random.
        creator: who makes it.
        now: when; seconds since 1970.
        lifetime: how long it may be applied, in seconds.

    """
    units = around(inventory, plan)
    created = datetime.fromtimestamp(int(now), UTC)
    return SavedPlan(
        id=name,
        asked=asked,
        plan=plan,
        pins={repo: Pin(ref=_ref(inventory, asked, repo), sha=r.sha) for repo, r in pins.items()},
        releases={str(unit): source.release.digest for unit, source in sourced.items()},
        images=images,
        inventory=fingerprint(inventory),
        rests_on=premises(inventory, name),
        swarms=swarms_of(looks),
        sites=tuple(sorted({u.site for u in units if isinstance(looks[u.site], Sight)})),
        seen=see(inventory, units, looks, salt=name),
        creator=creator,
        created=created,
        expires=created + timedelta(seconds=int(lifetime)),
    )


def moved_since(
    inventory: Inventory, saved: SavedPlan, looks: Mapping[str, Look]
) -> tuple[str, ...]:
    """Say what is not any more as it was seen when the plan was saved, a line for each thing.

    A site that was seen then and is not now is named by itself, without its units.
    """
    lost = {
        site: look.problem.what
        for site, look in looks.items()
        if site in saved.sites and isinstance(look, Unseen)
    }
    units = [unit for unit in around(inventory, saved.plan) if unit.site not in lost]
    was = {name: seen for name, seen in saved.seen.items() if name.rpartition("@")[2] not in lost}
    gone = (f"{site} cannot be seen any more: {what}" for site, what in sorted(lost.items()))
    return (*gone, *moved(was, see(inventory, units, looks, salt=saved.id)))


def releases_moved(saved: SavedPlan, sourced: Mapping[Unit, Sourced]) -> tuple[str, ...]:
    """Say of which units other files would be shipped than when the plan was saved."""
    now = {str(unit): source.release.digest for unit, source in sourced.items()}
    return tuple(
        f"{unit}: its files are not the same as when the plan was made"
        for unit in sorted(saved.releases.keys() | now.keys())
        if saved.releases.get(unit) != now.get(unit)
    )


def refs_moved(saved: SavedPlan, pins: Mapping[str, Revision]) -> tuple[Revision, ...]:
    """Return the pinned revisions that are not where their refs lead now."""
    return tuple(
        Revision(repo, pin.sha)
        for repo, pin in sorted(saved.pins.items())
        if pins.get(repo) != Revision(repo, pin.sha)
    )


def _ref(inventory: Inventory, asked: Asked, repo: str) -> str:
    return asked.refs.get(repo, inventory.repo(repo).ref)
