"""Which ports that a plan wants to publish at a site are taken."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from orchestrator.fleet.desired import PublishedPort
from orchestrator.fleet.observed import Sight


@dataclass(frozen=True, slots=True)
class Wish:
    """A port that a unit of the plan publishes."""

    port: PublishedPort
    unit: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A port that cannot be had, and who has it."""

    wish: Wish
    by: str


def clashes(
    wishes: tuple[Wish, ...], sight: Sight, *, own: Collection[str], listening: Collection[int]
) -> Iterator[Clash]:
    """Find the ports that another has: a stack that stays, a process, or another unit of the plan.

    Args:
        wishes: what the plan publishes at the site.
        sight: what is there.
        own: the stacks that the plan takes down or deploys over.
        listening: TCP ports on which some process of the manager listens.

    """
    there = [
        (PublishedPort(port=port, protocol=protocol, mode=mode), service)
        for service in sight.services
        for port, protocol, mode in service.published
    ]
    ours = {port.port for port, service in there if service.stack in own}
    for place, wish in enumerate(wishes):
        others = [
            service.name
            for port, service in there
            if service.stack not in own and port.excludes(wish.port)
        ]
        others += [
            f"{one.unit}, which is deployed by the same plan"
            for one in wishes[:place]
            if one.unit != wish.unit and one.port.excludes(wish.port)
        ]
        number = wish.port.port
        if wish.port.protocol == "tcp" and number in listening and number not in ours:
            others.append("a process that is no Swarm service")
        if others:
            yield Clash(wish, others[0])
