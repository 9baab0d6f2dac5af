"""Images that a Swarm is asked to pull on its nodes, and how far it is. Pure.

A pull is a global service that can never start: each node pulls its image and then refuses its
task, since the task's log option does not exist. Where the image cannot be had, it is refused
for that reason instead (docs/swarm.md).
"""

from dataclasses import dataclass, field
from enum import Enum

from orchestrator.fleet.observed import Node, NodeState, Task, TaskState

LABEL_PULL = "dtdeploy.pull"
"""Of such a service: the run that made it. It has no stack's label, so it is no stack's."""
LABEL_IMAGE = "dtdeploy.pull.image"
"""Of such a service: the image as the compose file names it."""
LOG_DRIVER = "json-file"
LOG_OPTION = "dtdeploy-pulls-only"
"""An option that the driver does not know: dockerd looks for the image first, and then checks
the driver's options, before it makes a container (moby daemon/create.go)."""
_PULLED = f"unknown log opt '{LOG_OPTION}'"
_REFUSED = frozenset({TaskState.REJECTED, TaskState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePull:
    """An image for every node that fulfils placement constraints, which are in Docker's words."""

    image: str
    constraints: tuple[str, ...] = field(default=(), repr=False)


class Stage(Enum):
    """How far a node is with an image."""

    PULLED = "pulled"
    PULLING = "pulling"
    REFUSED = "could not pull"
    LOST = "silent"
    """The node is not heard any more, and nobody knows."""
    SPARED = "spared"
    """The node was taken out of service meanwhile: it runs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One pull as the Swarm shows it: a service's image, and its task on each node."""

    image: str
    tasks: tuple[tuple[Task, Node], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulling:
    """Every pull of one run at a site, seen in one look. `at` is the observer's clock, seconds."""

    site: str
    at: float
    pulls: tuple[Pulled, ...] = ()

    def of(self, *stages: Stage) -> tuple[tuple[str, str, str], ...]:
        """Return node, image and what was said of it, of what is in one of these stages."""
        return tuple(
            (node.hostname, pulled.image, task.error)
            for pulled in self.pulls
            for task, node in pulled.tasks
            if stage(task, node) in stages
        )

    @property
    def begun(self) -> bool:
        """Whether each pull has tasks: one whose constraints no node fulfils never has any."""
        return all(pulled.tasks for pulled in self.pulls)

    @property
    def words(self) -> tuple[str, ...]:
        """How far each node is that is not done: `node w1: 2 of 3 images`."""
        left = {(n, i) for n, i, _ in self.of(Stage.PULLING, Stage.LOST, Stage.REFUSED)}
        there = {(n, i) for n, i, _ in self.of(Stage.PULLED)} - left
        return tuple(
            f"node {node}: {_count(there, node)} of {_count(there | left, node)} images"
            for node in sorted({node for node, _ in left})
        )


def _count(pairs: set[tuple[str, str]], node: str) -> int:
    return sum(name == node for name, _ in pairs)


def stage(task: Task, node: Node) -> Stage:
    """Return how far `node` is with the image of its task of a pull."""
    if task.state in _REFUSED:
        return Stage.PULLED if _PULLED in task.error else Stage.REFUSED
    if task.state.terminal:
        return Stage.SPARED
    # Of a leader that is new, nodes are unknown for a while; only one that is down is lost.
    return Stage.LOST if node.state is NodeState.DOWN else Stage.PULLING
