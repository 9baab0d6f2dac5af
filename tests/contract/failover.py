"""What is seen of a Swarm whose leading manager vanishes: the same story in both worlds.

The real one needs a lab of its own: see tests/lab/test_managers.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.fleet.observed import (
    Contents,
    Look,
    Mode,
    Node,
    NodeState,
    Sight,
    TaskState,
    Unseen,
    contents,
)
from orchestrator.fleet.presence import Presence, Whereabouts, whereabouts
from tests.contract.scene import Scene
from tests.contract.stacks import Part
from tests.contract.world import HOSTS, PAIR, World

FIRST = HOSTS[PAIR]
DEPUTIES = ("kko-m2", "kko-m3")
_SEEN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Failover:
    """What was seen while nobody led, and as soon as another manager did."""

    before: Contents
    blind: tuple[Look, ...]
    led: Sight
    left: Contents
    whereabouts: Whereabouts


def failover(world: World, lose_manager: Callable[[], None]) -> Failover:
    """Run a stack on every node, let the leading manager vanish, and look until another leads."""
    scene = Scene(world, world.unit("failover", PAIR))
    before = scene.up(Part(mode=Mode.GLOBAL))
    blind = []

    def led(look: Look) -> bool:
        blind.append(look)
        return isinstance(look, Sight) and leader(look) != FIRST

    lose_manager()
    first = scene.until(led, within=_SEEN_SECONDS)
    assert isinstance(first, Sight)
    return Failover(
        before=before,
        blind=tuple(blind[:-1]),
        led=first,
        left=contents(first, scene.unit.stack),
        whereabouts=whereabouts(scene.unit, first),
    )


def node(look: Sight, name: str) -> Node:
    return next(node for node in look.nodes if node.hostname == name)


def leader(look: Sight) -> str:
    """Return who leads, as `look` shows it; "" while nobody does."""
    return next((node.hostname for node in look.nodes if node.leader), "")


def hold(told: Failover) -> None:
    """Hold both worlds to what was seen."""
    # While nobody leads, what is read is either from before, or nothing.
    assert all(isinstance(look, Unseen) or leader(look) == FIRST for look in told.blind)
    assert leader(told.led) in DEPUTIES
    assert told.led.via in DEPUTIES
    # The new leader does not know how nodes are until they say so themselves; on a busy machine
    # it is seen only once it has given them up.
    dead = node(told.led, FIRST)
    assert dead.state in (NodeState.UNKNOWN, NodeState.DOWN)
    assert told.whereabouts.presence is Presence.PRESENT
    # What ran on the dead one stays listed as running; nobody knows whether it does. On a busy
    # machine the Swarm may have missed heartbeats before, and replaced it.
    ids = {task.id for task in told.before.tasks if task.node_id == dead.id}
    there = {task.state for task in told.left.tasks if task.id in ids}
    assert TaskState.RUNNING in there
