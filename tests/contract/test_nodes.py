"""What a Swarm says of a worker that it does not hear, and what is true meanwhile."""

from collections import Counter
from dataclasses import dataclass

from orchestrator.fleet.observed import Contents, Look, Mode, NodeState, Sight, TaskState, contents
from orchestrator.fleet.presence import Presence, Whereabouts, whereabouts
from tests.contract.scene import Scene, alive, wanted
from tests.contract.stacks import Part
from tests.contract.stories import story
from tests.contract.world import HOSTS, PAIR, WORKER, Late, World

MANAGER = HOSTS[PAIR]
DOWN_SECONDS = 15.0
BACK_SECONDS = 60


def worker(look: Look) -> NodeState:
    assert isinstance(look, Sight), look
    return next(node.state for node in look.nodes if node.hostname == WORKER)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A stack with a task on each node, removed while the worker stood still."""

    down_after: float
    running_when_down: Counter[str]
    left: Contents
    whereabouts_when_down: Whereabouts
    running_when_removed: Counter[str]
    whereabouts_when_back: Whereabouts
    running_when_back: Counter[str]


@story(PAIR)
def frozen(world: World) -> Frozen:
    """Freeze the worker, remove the stack, and let the worker go on."""
    scene = Scene(world, world.unit("frozen", PAIR))
    scene.up(Part(mode=Mode.GLOBAL))
    world.freeze_worker()
    try:
        began = world.now()
        scene.until(lambda look: worker(look) is NodeState.DOWN, within=60)
        down_after, running_when_down = world.now() - began, world.really_running(scene.unit)
        scene.ok(scene.remove_services())
        scene.until_mine(lambda found: len(alive(found)) == 1, within=30)
        scene.ok(scene.remove_leftovers())
        look = scene.until(
            lambda look: whereabouts(scene.unit, look).presence is not Presence.PRESENT, within=20
        )
        assert isinstance(look, Sight)
        running_when_removed = world.really_running(scene.unit)
    finally:
        world.bring_worker_back()
    back = scene.until(lambda look: whereabouts(scene.unit, look).gone, within=BACK_SECONDS)
    return Frozen(
        down_after=down_after,
        running_when_down=running_when_down,
        left=contents(look, scene.unit.stack),
        whereabouts_when_down=whereabouts(scene.unit, look),
        running_when_removed=running_when_removed,
        whereabouts_when_back=whereabouts(scene.unit, back),
        running_when_back=world.really_running(scene.unit),
    )


def test_a_node_that_is_not_heard_is_down_after_three_missed_heartbeats(
    frozen: Frozen, late: Late
) -> None:
    assert DOWN_SECONDS / 2 < frozen.down_after < late(DOWN_SECONDS * 2)


def test_a_node_that_froze_still_runs_its_container(frozen: Frozen) -> None:
    assert frozen.running_when_down == {MANAGER: 1, WORKER: 1}


def test_a_task_on_a_node_that_is_down_stays_listed_as_running(frozen: Frozen) -> None:
    (task,) = alive(frozen.left)
    assert (task.state, task.desired) == (TaskState.RUNNING, TaskState.REMOVE)
    assert frozen.left.services == ()
    assert frozen.left.networks == ()


def test_nobody_knows_where_a_stack_is_while_a_node_of_it_is_down(frozen: Frozen) -> None:
    seen = frozen.whereabouts_when_down
    assert seen.presence is Presence.UNKNOWN
    assert any(f"on {WORKER}, which is down" in words for words in seen.evidence), seen
    assert frozen.running_when_removed == {WORKER: 1}, "which is why"


def test_such_a_task_clears_itself_up_when_its_node_is_back(frozen: Frozen) -> None:
    assert frozen.whereabouts_when_back.gone
    assert not frozen.running_when_back


@dataclass(frozen=True, slots=True)
class Lost:
    """A replicated stack on both nodes, of which the worker was cut off and came back."""

    before: Contents
    when_down: Contents
    running_when_down: Counter[str]
    when_back: Contents


@story(PAIR)
def lost(world: World) -> Lost:
    """Cut the worker off until its task was given up, and bring it back."""
    scene = Scene(world, world.unit("lost", PAIR))
    before = scene.up(Part(replicas=2))
    world.lose_worker()
    try:
        when_down = scene.until_mine(
            lambda found: (
                len([t for t in wanted(found) if t.state is TaskState.RUNNING]) == 2
                and len(found.tasks) == 3
            ),
            within=60,
        )
        running_when_down = world.really_running(scene.unit)
    finally:
        world.bring_worker_back()
    when_back = scene.until_mine(
        lambda found: (
            len(alive(found)) == 2 and all(t.state is TaskState.RUNNING for t in wanted(found))
        ),
        within=BACK_SECONDS,
    )
    scene.until(lambda look: worker(look) is NodeState.READY, within=BACK_SECONDS)
    world.person_removes(scene.unit)
    return Lost(before, when_down, running_when_down, when_back)


def test_replicas_are_spread_over_the_nodes(lost: Lost) -> None:
    assert len({task.node_id for task in lost.before.tasks}) == 2


def test_a_task_of_a_lost_node_is_replaced_and_listed_as_running_all_the_same(lost: Lost) -> None:
    former = [task for task in lost.when_down.tasks if task.desired is TaskState.SHUTDOWN]
    assert [task.state for task in former] == [TaskState.RUNNING]
    assert {task.id for task in former} < {task.id for task in lost.before.tasks}


def test_what_was_replaced_runs_on_where_the_swarm_cannot_see_it(lost: Lost) -> None:
    assert lost.running_when_down == {MANAGER: 2, WORKER: 1}


def test_a_node_that_is_found_again_ends_what_was_replaced(lost: Lost) -> None:
    former = [task for task in lost.when_back.tasks if task.desired is TaskState.SHUTDOWN]
    assert [task.state for task in former] == [TaskState.SHUTDOWN]
    assert len(wanted(lost.when_back)) == 2
