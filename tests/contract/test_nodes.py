"""What a Swarm says of a worker that it does not hear, and what is true meanwhile."""

from collections import Counter
from dataclasses import dataclass

from orchestrator.fleet.observed import (
    Contents,
    Look,
    Mode,
    NodeState,
    Sight,
    Task,
    TaskState,
    contents,
)
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
    _until_gone(scene)
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


@dataclass(frozen=True, slots=True)
class Rested:
    """A stack on both nodes, of which the worker was paused, drained and used again."""

    before: Contents
    paused: Contents
    deployed_meanwhile: Contents
    drained: Contents
    running_when_drained: Counter[str]
    used_again: Contents
    worker: str


@story(PAIR)
def rested(world: World) -> Rested:
    """Pause the worker, drain it, and let it take tasks again."""
    scene = Scene(world, world.unit("rested", PAIR))
    other = Scene(world, world.unit("meanwhile", PAIR))
    parts = (Part(replicas=2), Part(name="agent", mode=Mode.GLOBAL))
    before = scene.up(*parts)
    node = next(n.id for n in scene.sight().nodes if n.hostname == WORKER)
    world.use_worker("pause")
    try:
        deployed_meanwhile = other.up(*parts)
        paused = scene.mine()
        world.use_worker("drain")
        drained = scene.until_mine(
            lambda found: (
                not any(t.node_id == node for t in alive(found))
                and len(_run(found)) == len(before.tasks) - 1
            ),
            within=30,
        )
        running_when_drained = world.really_running(scene.unit)
    finally:
        world.use_worker("active")
    used_again = scene.until_mine(
        lambda found: any(t.node_id == node for t in _run(found)), within=30
    )
    for one in (scene, other):
        world.person_removes(one.unit)
        _until_gone(one)
    return Rested(
        before, paused, deployed_meanwhile, drained, running_when_drained, used_again, node
    )


def _until_gone(scene: Scene) -> None:
    """What still ends takes a place that the next stack's tasks would be given."""
    scene.until(lambda look: whereabouts(scene.unit, look).gone, within=30)


def _run(found: Contents) -> list[Task]:
    return [task for task in wanted(found) if task.state is TaskState.RUNNING]


def test_a_paused_node_keeps_its_tasks_and_gets_no_others(rested: Rested) -> None:
    assert {t.id for t in _run(rested.paused)} == {t.id for t in rested.before.tasks}
    assert len(_run(rested.deployed_meanwhile)) == 3
    assert rested.worker not in {task.node_id for task in rested.deployed_meanwhile.tasks}


def test_what_a_drained_node_ran_is_shut_down_and_only_replicas_are_replaced(
    rested: Rested,
) -> None:
    there = {task.id for task in rested.before.tasks if task.node_id == rested.worker}
    former = [task for task in rested.drained.tasks if task.id in there]
    # One that did not end in time was killed, and then has failed.
    assert former
    assert {(task.state, task.desired) for task in former} <= {
        (TaskState.FAILED, TaskState.SHUTDOWN),
        (TaskState.SHUTDOWN, TaskState.SHUTDOWN),
    }
    assert rested.running_when_drained == {MANAGER: 3}


def test_a_node_that_is_used_again_gets_what_runs_everywhere_and_no_replica(
    rested: Rested,
) -> None:
    agents = {s.id for s in rested.used_again.services if s.mode is Mode.GLOBAL}
    there = [task for task in _run(rested.used_again) if task.node_id == rested.worker]
    assert {task.service_id for task in there} == agents
