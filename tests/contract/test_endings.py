"""What becomes of a service whose task ended, with and without another deploy."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.fleet.observed import Contents, Mode, Task, TaskState, contents
from tests.contract.scene import Scene
from tests.contract.stacks import Does, Part
from tests.contract.stories import story
from tests.contract.world import QUIET, World

PARTS = (
    Part(name="once", does=Does.FINISH, restart="none"),
    Part(name="clean", does=Does.FINISH, restart="on-failure"),
    Part(name="broken", does=Does.CRASH, restart="none"),
    Part(name="job", does=Does.FINISH, mode=Mode.REPLICATED_JOB),
)
WHILE_SECONDS = 8.0
"""Longer than the restart delay: what comes after it would have come."""


@dataclass(frozen=True, slots=True)
class Endings:
    """What there was once everything had ended, after the same deploy again, and after a force."""

    stack: str
    ended: Contents
    again: Contents
    forced: Contents
    updates: frozenset[str]

    def tasks(self, found: Contents, service: str) -> dict[str, Task]:
        name = f"{self.stack}_{service}"
        ids = {item.id for item in found.services if item.name == name}
        return {task.id: task for task in found.tasks if task.service_id in ids}


@story(QUIET)
def endings(world: World) -> Endings:
    """Deploy services that end, deploy them again, and then have the broken one forced."""
    scene = Scene(world, world.unit("endings", QUIET))
    deploy = scene.ship(*PARTS)

    def settled(count: int) -> Callable[[Contents], bool]:
        def holds(found: Contents) -> bool:
            terminal = all(task.state.terminal for task in found.tasks)
            return len(found.tasks) >= count and terminal

        return holds

    scene.ok(deploy)
    scene.until_mine(settled(len(PARTS)), within=30)
    world.pause(WHILE_SECONDS)
    ended = scene.mine()
    scene.ok(deploy)
    scene.until_mine(settled(len(PARTS) + 1), within=30)
    world.pause(WHILE_SECONDS)
    again = scene.mine()
    names = tuple(f"{scene.unit.stack}_{name}" for name in ("once", "broken"))
    scene.ok(replace(deploy, again=names))
    scene.until_mine(settled(len(PARTS) + 4), within=30)
    world.pause(WHILE_SECONDS)
    sight = scene.sight()
    forced = contents(sight, scene.unit.stack)
    world.person_removes(scene.unit)
    updates = frozenset(s.update_state for s in forced.services if s.name in names)
    return Endings(scene.unit.stack, ended, again, forced, updates)


def test_what_ends_is_not_started_again_where_its_policy_says_so(endings: Endings) -> None:
    ends = {"once": TaskState.COMPLETE, "clean": TaskState.COMPLETE, "broken": TaskState.FAILED}
    for name, state in ends.items():
        (task,) = endings.tasks(endings.ended, name).values()
        assert (task.state, task.desired) == (state, TaskState.SHUTDOWN)
        assert task.since is not None
    (task,) = endings.tasks(endings.ended, "job").values()
    assert (task.state, task.desired) == (TaskState.COMPLETE, TaskState.COMPLETE)


def test_the_same_deploy_starts_nothing_of_it_but_the_job(endings: Endings) -> None:
    for name in ("once", "clean", "broken"):
        assert (
            endings.tasks(endings.again, name).keys() == endings.tasks(endings.ended, name).keys()
        )
    runs = endings.tasks(endings.again, "job")
    assert len(runs) == 2
    assert all(task.up_to_date for task in runs.values())
    (service,) = (s for s in endings.again.services if s.name.endswith("_job"))
    latest = [task for task in runs.values() if task.job_iteration == service.job_iteration]
    assert len(latest) == 1


def test_a_force_starts_it_and_what_then_ends_pauses_the_update(endings: Endings) -> None:
    for name in ("once", "broken"):
        former, tasks = endings.tasks(endings.again, name), endings.tasks(endings.forced, name)
        (fresh,) = tasks.keys() - former.keys()
        assert tasks[fresh].up_to_date
        assert not any(tasks[old].up_to_date for old in former)
    assert (
        endings.tasks(endings.forced, "clean").keys()
        == endings.tasks(endings.ended, "clean").keys()
    )
    assert endings.updates == {"paused"}
