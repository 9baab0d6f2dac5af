"""Which image each service of a plan is deployed with: resolved once, the same everywhere."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.facts import digest_of, tagged, with_digest
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Plan, UnitPlan
from orchestrator.sources.model import Sourced

Images = tuple[tuple[str, str], ...]


def pinned(plan: Plan, sourced: Mapping[Unit, Sourced], digests: Mapping[str, str]) -> Plan:
    """Return the plan with the image of each service that it deploys, and what cannot be pinned.

    Args:
        plan: what it pins already stays.
        sourced: what is deployed.
        digests: by image as the compose files name it, what its tag leads to.

    """

    def told(item: UnitPlan) -> UnitPlan:
        source = sourced.get(item.unit)
        if source is None or not item.action.deploys:
            return item
        known = dict(item.images)
        images = tuple(
            (service.name, known.get(service.name) or with_digest(service.image, digest))
            for service in source.desired.services
            for digest in (digests.get(service.image, ""),)
        )
        loose = dict.fromkeys(image for _, image in images if not digest_of(image))
        dangers = (*item.dangers, *map(_loose, loose))
        return replace(item, images=images, dangers=tuple(dict.fromkeys(dangers)))

    return replace(plan, units=tuple(map(told, plan.units)))


def as_pinned(desired: DesiredStack, images: Images) -> DesiredStack:
    """Return the stack with the images that a plan pins; what it knows nothing of stays."""
    known = dict(images)
    services = tuple(
        replace(service, image=known.get(service.name, service.image))
        for service in desired.services
    )
    return replace(desired, services=services)


def former_images(before: Images, desired: DesiredStack) -> Images:
    """Return the images that a stack ran with, of the services that are to be what they were.

    What had no digest, or ran under another name than its compose file says, is left out.
    """
    ran = dict(before)
    return tuple(
        (service.name, ran[service.name])
        for service in desired.services
        if digest_of(ran.get(service.name, ""))
        and tagged(ran[service.name]) == tagged(service.image)
    )


def _loose(image: str) -> str:
    return (
        f"no registry tells what {image} is now: it is deployed by its name alone, and each node"
        " takes what that name leads to then"
    )
