"""What a plan changes: asked of git and of the registries, judged in planning."""

from collections.abc import Mapping

from orchestrator.cli.wiring import World
from orchestrator.engine.digests import image_digests
from orchestrator.engine.gather import gather, look_at
from orchestrator.fleet.observed import Look, Sight, Unseen, Volume
from orchestrator.fleet.unit import Unit
from orchestrator.planning.differences import (
    span_ends,
    unit_drift,
    volumes_to_ask,
    with_differences,
)
from orchestrator.planning.plan import Plan
from orchestrator.planning.selection import Request, select_seen
from orchestrator.procedures.effects import CheckedVolumes, CheckVolumes
from orchestrator.sources.model import Sourced
from orchestrator.ui.drift_view import FleetDrift


def fleet_drift(world: World, request: Request, refs: Mapping[str, str]) -> FleetDrift:
    """Compare all that runs with what is declared at the pinned refs.

    Raises:
        UsageError: the selection makes no sense.
        SourceError: a repo cannot be fetched, or what it holds cannot be deployed.

    """
    inventory = world.inventory
    units = select_seen(inventory, request)
    world.checkout.begin([inventory.spec(unit).repo for unit in units], refs)
    looks = look_at(world.backend, [unit.site for unit in units])
    world.checkout.pins()
    sourced = world.checkout.read(units)
    digests = digests_of(world, looks, sourced)
    volumes = volumes_of(world, looks, sourced)
    rows = tuple(
        unit_drift(inventory, sourced[unit], looks[unit.site], digests, volumes.get(unit.site, ()))
        for unit in units
    )
    ends = span_ends((row.revision, row.pinned) for row in rows)
    return FleetDrift(
        units=rows,
        spans=world.checkout.spans(ends) if ends else (),
        unreachable=tuple(look.problem for look in looks.values() if isinstance(look, Unseen)),
    )


def digests_of(
    world: World, looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> dict[str, str]:
    """Return what the tags of all images in `sourced` lead to now, where it can be told."""
    sites: dict[str, dict[str, None]] = {}
    for unit, source in sourced.items():
        if isinstance(looks.get(unit.site), Sight):
            for image in source.desired.images:
                sites.setdefault(image, {})[unit.site] = None
    return image_digests(world.backend, {image: tuple(at) for image, at in sites.items()})


def volumes_of(
    world: World, looks: Mapping[str, Look], sourced: Mapping[Unit, Sourced]
) -> dict[str, tuple[Volume, ...]]:
    """Return the volumes with a driver or options that are at each manager; none asks nobody."""
    asked = volumes_to_ask(looks, sourced)
    effects = [CheckVolumes(site=site, names=names) for site, names in asked.items()]
    answers = gather(world.backend, effects) if effects else ()
    return {a.site: a.volumes for a in answers if isinstance(a, CheckedVolumes)}


def compared(
    world: World,
    plan: Plan,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
    digests: Mapping[str, str],
) -> Plan:
    """Return the plan with what it changes of what runs, and the commits that bring it."""
    ends = span_ends((item.before.revision, item.after) for item in plan.units)
    return with_differences(
        world.inventory,
        plan,
        looks=looks,
        sourced=sourced,
        digests=digests,
        volumes=volumes_of(world, looks, sourced),
        spans=world.checkout.spans(ends) if ends else (),
    )
