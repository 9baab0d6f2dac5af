"""How a stack goes away."""

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.fleet.observed import Contents, Mode, Sight, TaskState, contents
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import usages
from orchestrator.procedures.effects import RemoveLeftovers, RemoveServices, Result
from tests.contract.scene import Scene, alive, ended
from tests.contract.stacks import Does, Part
from tests.contract.stories import story
from tests.contract.world import QUIET, Late, World

GRACE_SECONDS = 3.0
GOSSIP_SECONDS = 2.0
SLACK_SECONDS = 4.0
PATIENCE_SECONDS = GRACE_SECONDS + 30
NOTHING = Contents()
PARTS = (
    Part(name="quick", grace_seconds=GRACE_SECONDS),
    Part(name="stubborn", does=Does.IGNORE, grace_seconds=GRACE_SECONDS),
)


@dataclass(frozen=True, slots=True)
class Removed:
    """Every look at a stack from when a person removed it until nothing of it was listed."""

    unit: Unit
    began: float
    looks: tuple[Sight, ...]
    running_after: tuple[int, ...]
    """How many of its containers really ran right after each look."""

    def contents(self) -> list[Contents]:
        return [contents(sight, self.unit.stack) for sight in self.looks]

    def presence(self) -> list[Presence]:
        return [whereabouts(self.unit, sight).presence for sight in self.looks]

    def seconds(self, holds: Callable[[Contents], bool]) -> float:
        """Return after how long it was first seen that `holds`."""
        seen = zip(self.looks, self.contents(), strict=True)
        return next(sight.at for sight, found in seen if holds(found)) - self.began

    def last_seconds(self, holds: Callable[[Contents], bool]) -> float:
        """Return after how long it was last seen that `holds`."""
        seen = zip(self.looks, self.contents(), strict=True)
        return max(sight.at for sight, found in seen if holds(found)) - self.began


@story(QUIET)
def removed(world: World) -> Removed:
    """Let a person remove a stack of two, of which one has to be killed, and watch."""
    scene = Scene(world, world.unit("removed", QUIET))
    scene.up(*PARTS)
    world.person_removes(scene.unit)
    began = world.now()
    looks, running = [scene.sight()], [sum(world.really_running(scene.unit).values())]
    while contents(looks[-1], scene.unit.stack) != NOTHING:
        assert world.now() < began + PATIENCE_SECONDS * world.patience, looks[-1]
        world.pause(0.1)
        looks.append(scene.sight())
        running.append(sum(world.really_running(scene.unit).values()))
    return Removed(scene.unit, began, tuple(looks), tuple(running))


def test_services_vanish_at_once_while_their_tasks_still_run(scene: Scene, late: Late) -> None:
    scene.up(Part(does=Does.IGNORE, replicas=2, grace_seconds=8.0))
    removal = scene.remove_services()
    began = scene.world.now()
    scene.ok(removal)
    found = scene.mine()
    assert scene.world.now() - began < late(GOSSIP_SECONDS)
    assert found.services == ()
    assert [task.state for task in found.tasks] == [TaskState.RUNNING] * 2
    assert scene.whereabouts().presence is Presence.PRESENT
    assert scene.world.really_running(scene.unit).total() == 2
    scene.until_mine(
        lambda found: {task.desired for task in found.tasks} == {TaskState.REMOVE}, within=2
    )


def test_a_removed_stack_is_present_until_the_last_and_then_gone_for_good(
    removed: Removed, late: Late
) -> None:
    presence = removed.presence()
    first = presence.index(Presence.GONE)
    assert set(presence[:first]) == {Presence.PRESENT}
    assert set(presence[first:]) == {Presence.GONE}
    assert len(presence) - first >= 2
    assert removed.looks[first].at - removed.began < late(PATIENCE_SECONDS)


def test_what_is_called_gone_really_runs_nowhere(removed: Removed) -> None:
    seen = zip(removed.presence(), removed.running_after, strict=True)
    assert not any(running for presence, running in seen if presence is Presence.GONE)


def test_services_go_first_then_tasks_then_containers(removed: Removed, late: Late) -> None:
    assert all(found.services == () for found in removed.contents())
    without_tasks = removed.seconds(lambda found: not found.tasks)
    without_containers = removed.seconds(lambda found: not found.containers)
    assert removed.seconds(lambda found: not alive(found)) <= without_tasks
    # Looks may lie far apart where others use the machine: at most and at least, by those around.
    at_most = without_containers - removed.last_seconds(lambda found: bool(found.tasks))
    at_least = removed.last_seconds(lambda found: bool(found.containers)) - without_tasks
    assert at_most > 1, "a container lingers after its task"
    assert at_least < late(5)
    assert all(
        c.state in {"exited", "removing"}
        for found in removed.contents()
        if not found.tasks
        for c in found.containers
    )


def test_a_network_is_listed_until_the_last_container_has_stopped(removed: Removed) -> None:
    """It is deleted at once, yet the manager's node holds on to what it still uses."""
    for found in removed.contents():
        running = [c for c in found.containers if c.state == "running"]
        assert found.networks or not running
        assert alive(found) or not found.networks


def test_configs_and_secrets_go_with_the_services(removed: Removed) -> None:
    assert not any(found.configs or found.secrets for found in removed.contents())


def test_a_task_is_told_to_stop_only_after_the_gossip_delay(removed: Removed, late: Late) -> None:
    stopped = removed.seconds(lambda found: len(alive(found)) < 2)
    assert GOSSIP_SECONDS - 0.5 < stopped < GOSSIP_SECONDS + late(SLACK_SECONDS)


def test_who_ignores_sigterm_is_killed_at_the_end_of_its_grace_period(
    removed: Removed, late: Late
) -> None:
    stopped = removed.seconds(lambda found: not alive(found))
    least = GOSSIP_SECONDS + GRACE_SECONDS
    assert least - 0.5 < stopped < least + late(SLACK_SECONDS)


def test_a_deploy_on_the_heels_of_a_removal_may_miss_its_network(scene: Scene) -> None:
    """Either it fails so, or it succeeds; after the stack was seen gone it succeeds."""
    scene.up(*PARTS)
    deploy = scene.ship(*PARTS)
    scene.world.person_removes(scene.unit)
    hasty = scene.change(deploy)
    if hasty.result is not Result.OK:
        assert hasty.result is Result.FAILED
        assert f"network {scene.unit.stack}_default not found" in hasty.words
    scene.world.person_removes(scene.unit)
    scene.until(lambda look: whereabouts(scene.unit, look).gone, within=PATIENCE_SECONDS)
    scene.ok(deploy)
    scene.until_mine(lambda found: len(alive(found)) == 2, within=20)


def test_services_then_waiting_then_the_rest_leaves_nothing(scene: Scene) -> None:
    scene.up(Part())
    scene.ok(scene.remove_services())
    left = scene.until_mine(ended, within=PATIENCE_SECONDS)
    assert [len(g) for g in (left.networks, left.configs, left.secrets)] == [1, 1, 1]
    assert scene.whereabouts().presence is Presence.PRESENT
    scene.ok(scene.remove_leftovers())
    assert scene.whereabouts().gone
    scene.ok(scene.ship(Part()))


def test_deleting_a_service_twice_is_no_mistake(scene: Scene) -> None:
    scene.up(Part())
    removal = scene.remove_services()
    scene.ok(removal)
    scene.ok(removal)
    scene.ok(RemoveServices(unit=scene.unit, ids=("never-was",)))


def test_what_a_service_uses_is_not_deleted(scene: Scene) -> None:
    scene.up(Part(data=True))
    answer = scene.change(scene.remove_leftovers())
    assert answer.result is Result.FAILED
    assert "in use" in answer.words
    found = scene.mine()
    assert [len(g) for g in (found.networks, found.configs, found.secrets)] == [1, 1, 1]


def test_a_network_that_another_stack_uses_is_not_deleted_and_who_uses_it_is_seen(
    scene: Scene,
) -> None:
    scene.up(Part())
    [network] = scene.mine().networks
    user = Scene(scene.world, Unit(f"{scene.unit.stack}-user", scene.site))
    user.up(Part(joins=network.name))
    assert [
        (u.kind, u.name, u.stack) for u in usages(scene.sight()) if u.maker == scene.unit.stack
    ] == [("network", network.name, user.unit.stack)]
    scene.ok(scene.remove_services())
    scene.until_mine(ended, within=PATIENCE_SECONDS)
    answer = scene.change(RemoveLeftovers(unit=scene.unit, networks=(network.id,)))
    assert answer.result is Result.FAILED
    assert "in use" in answer.words
    user.ok(user.remove_services())
    user.until_mine(ended, within=PATIENCE_SECONDS)
    user.ok(user.remove_leftovers())
    scene.ok(scene.remove_leftovers())
    # What is external and not there is refused before anything is created.
    missing = user.change(user.ship(Part(joins=network.name)))
    assert missing.result is Result.FAILED
    assert network.name in missing.words
    assert not user.mine().services


def test_finished_tasks_of_a_removed_job_may_stay_and_do_not_count(scene: Scene) -> None:
    job = Part(name="job", does=Does.FINISH, mode=Mode.REPLICATED_JOB)
    scene.ok(scene.ship(job))
    scene.until_mine(
        lambda found: [t.state for t in found.tasks] == [TaskState.COMPLETE], within=30
    )
    scene.ok(scene.remove_services())
    scene.until_mine(lambda found: not found.services, within=5)
    scene.ok(scene.remove_leftovers())
    scene.world.pause(3.0)
    found = scene.mine()
    # Docker 20.10 keeps them as long as the Swarm lives; 26 and 28 remove them.
    assert {(t.state, t.desired) for t in found.tasks} <= {(TaskState.COMPLETE, TaskState.COMPLETE)}
    assert {c.state for c in found.containers} <= {"exited"}
    assert scene.whereabouts().gone
