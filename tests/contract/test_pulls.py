"""What a Swarm's other nodes do when they are to pull images, and what is seen of it."""

from dataclasses import dataclass

from orchestrator.fleet.observed import NodeState, Sight, stacks_seen
from orchestrator.fleet.pulling import NodePull, Pulling, Stage
from orchestrator.procedures.effects import (
    Answer,
    Observe,
    PullImages,
    PullOnNodes,
    Result,
    WatchPulls,
)
from tests.contract.scene import EVERY_SECONDS
from tests.contract.stacks import ABSENT_IMAGE, IMAGE, OTHER_IMAGE
from tests.contract.stories import story
from tests.contract.world import PAIR, QUIET, WORKER, World

RUN = "20260101T000000-abcdef"
PULLS = (
    NodePull(image=IMAGE),
    NodePull(image=OTHER_IMAGE, constraints=("node.role == worker",)),
    NodePull(image=OTHER_IMAGE, constraints=("node.role == manager",)),
    NodePull(image=ABSENT_IMAGE),
)


def seen(world: World, run: str = RUN) -> Pulling:
    found = world.at_once((WatchPulls(site=PAIR, run=run),))[0]
    assert isinstance(found, Pulling), found
    return found


def told(world: World, effect: PullImages | PullOnNodes) -> Answer:
    answer = world.at_once((effect,))[0]
    assert isinstance(answer, Answer), answer
    assert answer.result in {Result.OK, Result.FAILED}, answer
    return answer


def sight(world: World) -> Sight:
    look = world.at_once((Observe(site=PAIR),))[0]
    assert isinstance(look, Sight), look
    return look


def worker_is_ready(world: World) -> None:
    """Wait until the worker is heard, within a minute."""
    ends = world.now() + 60 * world.patience
    while any(node.state is not NodeState.READY for node in sight(world).nodes):
        assert world.now() < ends, "the worker does not come back"
        world.pause(EVERY_SECONDS)


def until(world: World, *stages: Stage, count: int) -> Pulling:
    """Wait until so many tasks are in these stages, within a minute."""
    ends = world.now() + 60 * world.patience
    while len((found := seen(world)).of(*stages)) < count:
        assert world.now() < ends, found
        world.pause(EVERY_SECONDS)
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """Pulls that were begun, watched to their end, and then ended."""

    begun: Answer
    done: Pulling
    of_another_run: Pulling
    beside: Sight
    ended: Answer
    after: Sight


@story(PAIR)
def pulls(world: World) -> Told:
    """Have the worker pull what it may run, and an image that is nowhere."""
    worker_is_ready(world)
    begun = told(world, PullOnNodes(site=PAIR, run=RUN, pulls=PULLS))
    done = until(world, Stage.PULLED, Stage.REFUSED, count=3)
    another, beside = seen(world, "another"), sight(world)
    ended = told(world, PullOnNodes(site=PAIR, run="another"))
    return Told(begun, done, another, beside, ended, sight(world))


@story(PAIR)
def pulls_of_a_frozen_worker(world: World) -> Pulling:
    """Freeze the worker, and ask it to pull."""
    world.freeze_worker()
    try:
        told(world, PullOnNodes(site=PAIR, run=RUN, pulls=PULLS[:1]))
        return until(world, Stage.LOST, count=1)
    finally:
        world.bring_worker_back()
        told(world, PullImages(site=PAIR, images=(IMAGE,)))
        worker_is_ready(world)


def test_a_node_pulls_what_its_constraints_allow_and_starts_nothing(pulls: Told) -> None:
    assert pulls.begun.result is Result.OK
    assert [pull.image for pull in pulls.done.pulls if not pull.tasks] == [OTHER_IMAGE]
    assert sorted(pulls.done.of(Stage.PULLED)) == sorted(
        (WORKER, image, pulls.done.of(Stage.PULLED)[0][2]) for image in (IMAGE, OTHER_IMAGE)
    )
    assert not [c for c in pulls.beside.containers if "dtdeploy-pull" in c.name]


def test_an_image_that_cannot_be_had_is_told_from_one_that_is_there(pulls: Told) -> None:
    ((node, image, words),) = pulls.done.of(Stage.REFUSED)
    assert (node, image) == (WORKER, ABSENT_IMAGE)
    assert words.startswith("No such image")


def test_a_look_shows_pulls_as_services_of_no_stack(pulls: Told) -> None:
    ours = [s for s in pulls.beside.services if s.label("dtdeploy.pull") == RUN]
    assert len(ours) == len(PULLS)
    assert {service.stack for service in ours} == {""}
    assert not [task for task in pulls.beside.tasks if not task.stack]
    assert "" not in stacks_seen(pulls.beside)
    assert pulls.of_another_run.pulls == ()


def test_whoever_comes_next_ends_them(pulls: Told) -> None:
    assert pulls.ended.result is Result.OK
    assert not [s for s in pulls.after.services if s.label("dtdeploy.pull")]


def test_a_node_that_froze_is_lost_once_it_is_called_down(
    pulls_of_a_frozen_worker: Pulling,
) -> None:
    ((node, image, _),) = pulls_of_a_frozen_worker.of(Stage.LOST)
    assert (node, image) == (WORKER, IMAGE)


def test_pulling_on_the_manager_ends_them_as_well_and_counts_the_nodes(world: World) -> None:
    told(world, PullOnNodes(site=QUIET, run=RUN, pulls=PULLS[:1]))
    answer = told(world, PullImages(site=QUIET, images=(IMAGE,)))
    assert (answer.result, answer.nodes) == (Result.OK, 1)
    look = world.at_once((Observe(site=QUIET),))[0]
    assert isinstance(look, Sight)
    assert not [s for s in look.services if s.label("dtdeploy.pull")]
