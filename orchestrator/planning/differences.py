"""What a plan would change of what runs, service by service, and which commits bring it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from orchestrator.fleet.drift import Change, How, drift, kept_volumes, moved_images
from orchestrator.fleet.observed import Look, Sight, Volume, contents
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.running import MIXED, origin
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.gaps import gaps
from orchestrator.planning.plan import Action, Plan, UnitPlan
from orchestrator.sources.model import Sourced
from orchestrator.sources.span import Span


def differing(
    inventory: Inventory, sourced: Sourced, look: Look, digests: Mapping[str, str]
) -> tuple[Change, ...]:
    """Return where a unit that runs differs from what is declared.

    Args:
        inventory: which environment variables are public.
        sourced: what is declared.
        look: a look at its site; of what is unseen, or not there at all, nothing is said.
        digests: by image, what its tag leads to now; {} where nobody asked.

    """
    desired = sourced.desired
    if not isinstance(look, Sight):
        return ()
    found = contents(look, desired.unit.stack)
    if not found.services:
        return ()
    public = frozenset(inventory.spec(desired.unit).public)
    moved = moved_images(desired, found, digests)
    return (*moved, *drift(desired, found, public=public))


_CONTENT = Change(
    service="", kind="content", item="of configs or secrets", how=How.CHANGED, hidden=True
)


def _with_content(changes: tuple[Change, ...], sourced: Sourced, look: Look) -> tuple[Change, ...]:
    """Add that the files behind configs or secrets are others, by the label of what runs."""
    if not isinstance(look, Sight):
        return changes
    ran = origin(sourced.desired.unit, look).data
    known = ran not in ("", MIXED) and bool(sourced.data_digest)
    return (*changes, _CONTENT) if known and ran != sourced.data_digest else changes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDrift:
    """A unit that was looked at. `revision` is what runs as its labels say, `pinned` the new one.

    `changes` is empty where nothing differs, and where nothing of the unit is there or seen.
    """

    unit: Unit
    presence: Presence
    pinned: Revision
    revision: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything is not as declared."""
        return bool(self.changes) or self.presence is Presence.GONE


def unit_drift(
    inventory: Inventory,
    sourced: Sourced,
    look: Look,
    digests: Mapping[str, str],
    volumes: Iterable[Volume] = (),
) -> UnitDrift:
    """Judge one unit; see `differing`. `volumes` are those of the manager's node."""
    unit = sourced.desired.unit
    presence = whereabouts(unit, look).presence
    if isinstance(look, Sight) and not contents(look, unit.stack).services:
        # Tasks that end, or networks that were left, are no unit that runs otherwise.
        presence = Presence.GONE
    return UnitDrift(
        unit=unit,
        presence=presence,
        pinned=sourced.release.revision,
        revision=origin(unit, look).revision if isinstance(look, Sight) else "",
        changes=(
            *_with_content(differing(inventory, sourced, look, digests), sourced, look),
            *kept_volumes(sourced.desired, volumes),
        ),
    )


def volumes_to_ask(
    looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> dict[str, tuple[str, ...]]:
    """Return, for each site that is seen, the volumes that declare a driver or options."""
    names: dict[str, dict[str, None]] = {}
    for unit, source in sourced.items():
        for volume in source.desired.volume_options:
            if isinstance(looks.get(unit.site), Sight):
                names.setdefault(unit.site, {})[volume.name] = None
    return {site: tuple(wanted) for site, wanted in names.items()}


def with_differences(
    inventory: Inventory,
    plan: Plan,
    *,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
    digests: Mapping[str, str],
    spans: Iterable[Span],
    volumes: Mapping[str, tuple[Volume, ...]],
) -> Plan:
    """Return the plan with what differs of each unit whose files were read, and the commits.

    `volumes` are those of the managers' own nodes, by site.
    """

    def told(item: UnitPlan) -> UnitPlan:
        source = sourced.get(item.unit)
        if source is None or item.unit.site not in looks:
            return item
        look = looks[item.unit.site]
        changes = _with_content(differing(inventory, source, look, digests), source, look)
        kept = kept_volumes(source.desired, volumes.get(item.unit.site, ()))
        moved = tuple(f"{c.what} {c.detail}" for c in changes if c.how is How.MOVED)
        stale = (_stale(c) for c in kept if item.action.deploys)
        dangers = (*item.dangers, *dict.fromkeys(moved), *stale)
        away = gaps(source.desired, item.before.services, changes)
        return replace(
            item,
            drift=(*changes, *kept),
            dangers=dangers,
            gaps=away if item.action is Action.UPDATE else (),
        )

    return replace(plan, units=tuple(map(told, plan.units)), spans=tuple(spans))


def _stale(change: Change) -> str:
    return (
        f"{change.what} keeps its old options: once the stack is down, "
        f"docker volume rm {change.item}   # on each node; what is in it may be lost"
    )


def span_ends(
    ends: Iterable[tuple[str, Revision | None]],
) -> tuple[tuple[Revision, Revision], ...]:
    """Return from which revision to which anything is brought, each pair once.

    Args:
        ends: of each unit the SHA that runs, as its labels say, and the revision that is to run.

    """
    pairs = (
        (Revision(new.repo, old), new)
        for old, new in ends
        if new is not None and old not in ("", MIXED, new.sha)
    )
    return tuple(dict.fromkeys(pairs))


def images_to_ask(
    looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> dict[str, tuple[str, ...]]:
    """Return, for each image that a unit uses which runs, the sites that could be asked."""
    sites: dict[str, list[str]] = {}
    for unit, source in sourced.items():
        look = looks.get(unit.site)
        if isinstance(look, Sight) and contents(look, unit.stack).services:
            for image in source.desired.images:
                sites.setdefault(image, []).append(unit.site)
    return {image: tuple(dict.fromkeys(names)) for image, names in sites.items()}
