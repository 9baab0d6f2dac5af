"""What images are built for and what nodes are, compared as a Swarm compares them.

A platform is "os/architecture"; an empty part fits any (swarmkit manager/scheduler/filter.go,
PlatformFilter).
"""

import re
from collections.abc import Iterable

from orchestrator.fleet.observed import Node, NodeState

_SAME = {"x86_64": "amd64", "aarch64": "arm64", "arm": ""}
"""Names that mean the same. An image says `arm` where a node says `armv7l`, so Docker's client
leaves it out (moby client/service_create.go)."""
_ON_NO_NODE = re.compile(r"(?:no suitable node \()?unsupported platform on \d+ nodes?\)?")


def platform(system: str, architecture: str) -> str:
    """Return the platform of these two, as words of Docker's."""
    lowered = architecture.lower()
    return f"{system.lower()}/{_SAME.get(lowered, lowered)}"


def unsupported(error: str) -> bool:
    """Whether a task's error says that no node has its image's platform, and nothing else.

    Where other nodes lack something else, that may come to be.
    """
    return _ON_NO_NODE.fullmatch(error) is not None


def usable(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return the platforms of the nodes that may get tasks, each once; "" where one is unknown."""
    active = (node for node in nodes if node.availability == "active")
    ready = (node.platform for node in active if node.state is NodeState.READY)
    return tuple(dict.fromkeys(ready))


def fits(images: Iterable[str], nodes: Iterable[str]) -> bool:
    """Whether an image for `images` can run on one of `nodes`; what is not known fits."""
    wanted, there = tuple(images), tuple(nodes)
    if not wanted or not there or "" in there:
        return True
    return any(_fits(one, node) for one in wanted for node in there)


def _fits(image: str, node: str) -> bool:
    pairs = zip(image.split("/"), node.split("/"), strict=True)
    return all(wanted in ("", there) for wanted, there in pairs)


def listed(platforms: Iterable[str]) -> str:
    """Return platforms as a person reads them."""
    return ", ".join(one.strip("/") for one in platforms if one) or "unknown"
