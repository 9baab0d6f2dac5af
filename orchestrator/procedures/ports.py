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
    wishes: tuple[Wish, ...],
    sight: Sight,
    *,
    own: Collection[str],
    listening: Collection[tuple[int, str]],
) -> Iterator[Clash]:
    """Find the ports that another has: a stack that stays, a process, or another unit of the plan.

    Args:
        wishes: what the plan publishes at the site.
        sight: what is there.
        own: the stacks that the plan takes down or deploys over.
        listening: ports, each with its protocol, that some process of the manager has.

    """
    there = [
        (PublishedPort(port=port, protocol=protocol, mode=mode), service)
        for service in sight.services
        for port, protocol, mode in service.published
    ]
    ours = {(port.port, port.protocol) for port, service in there if service.stack in own}
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
        number = (wish.port.port, wish.port.protocol)
        if number in listening and number not in ours:
            others.append("a process or container that is no Swarm service")
        if others:
            yield Clash(wish, others[0])
