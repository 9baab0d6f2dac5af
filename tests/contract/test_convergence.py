"""How a stack comes up, or does not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.fleet.desired import Policy
from orchestrator.fleet.health import Health, Verdict
from orchestrator.fleet.observed import Contents, Sight, Task, TaskState, contents
from tests.contract.scene import Scene, all_run, wanted
from tests.contract.stacks import (
    ABSENT_IMAGE,
    EXIT_CODE,
    HEALTHY_AFTER_SECONDS,
    IMAGE,
    OTHER_IMAGE,
    Does,
    Part,
    changed,
)
from tests.contract.stories import story
from tests.contract.world import QUIET, Late, World

UP_SECONDS = 15
POLICY = Policy(no_node_seconds=6.0, failures=2)
FAILED = frozenset({TaskState.FAILED, TaskState.REJECTED})
RESTART_DELAY_SECONDS = 5.0
MONITOR_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Every look at a stack of services that fail, each in its own way, and the verdicts."""

    stack: str
    began: float
    looks: tuple[Sight, ...]
    verdicts: tuple[Health, ...]

    def tasks(self, service: str) -> list[tuple[Task, ...]]:
        """Return its tasks, look by look."""
        return [
            _tasks(contents(sight, self.stack), f"{self.stack}_{service}") for sight in self.looks
        ]

    def ends(self, service: str) -> dict[str, Task]:
        """Return every task of it that was seen to fail, by its id."""
        return {t.id: t for tasks in self.tasks(service) for t in tasks if t.state in FAILED}

    def final_after(self, service: str) -> float:
        """Return after how many seconds a reason of the service was called final."""
        name = f"{self.stack}_{service}"
        seen = zip(self.looks, self.verdicts, strict=True)
        return (
            next(
                sight.at
                for sight, health in seen
                if any(reason.final and reason.service == name for reason in health.reasons)
            )
            - self.began
        )

    def words(self, service: str) -> str:
        """Return what was said of it in the end."""
        name = f"{self.stack}_{service}"
        return "; ".join(r.words for r in self.verdicts[-1].reasons if r.service == name)


def _tasks(found: Contents, name: str) -> tuple[Task, ...]:
    ids = {service.id for service in found.services if service.name == name}
    return tuple(task for task in found.tasks if task.service_id in ids)


@story(QUIET)
def trouble(world: World) -> Trouble:
    """Deploy one service of every kind of trouble and judge it until each is final."""
    scene = Scene(world, world.unit("trouble", QUIET))
    parts = [
        Part(name="crash", does=Does.CRASH),
        Part(name="absent", does=Does.NOTHING),
        Part(name="nowhere", does=Does.WAIT),
        Part(name="sick", does=Does.STAY_SICK),
        Part(name="late", does=Does.GET_HEALTHY),
        Part(name="good"),
    ]
    deploy = scene.ship(*parts)
    history = scene.history()
    scene.ok(deploy)
    began, looks, verdicts = world.now(), list[Sight](), list[Health]()
    while world.now() < began + 40 * world.patience:
        sight = scene.sight()
        history = scene.remember(history, sight)
        looks.append(sight)
        verdicts.append(scene.judged(sight, history, POLICY))
        final = {reason.service for reason in verdicts[-1].reasons if reason.final}
        if len(final) == 4:
            break
        world.pause(0.2)
    world.person_removes(scene.unit)
    return Trouble(scene.unit.stack, began, tuple(looks), tuple(verdicts))


def test_a_crash_loop_fails_with_its_exit_code_and_is_found_out(
    trouble: Trouble, late: Late
) -> None:
    ends = trouble.ends("crash")
    assert {task.error for task in ends.values()} == {f"task: non-zero exit ({EXIT_CODE})"}
    assert {task.exit_code for task in ends.values()} == {EXIT_CODE}
    assert len(ends) >= POLICY.failures
    restarts = POLICY.failures - 1
    assert restarts * RESTART_DELAY_SECONDS - 2 < trouble.final_after("crash") < late(20)
    assert f"non-zero exit ({EXIT_CODE})" in trouble.words("crash")


def test_a_crash_loop_is_replaced_only_after_the_restart_delay(
    trouble: Trouble, late: Late
) -> None:
    """Each start lies between two looks, which are far apart where others use the machine."""
    starts: dict[str, tuple[float, float]] = {}
    former_at = trouble.looks[0].at
    for sight, tasks in zip(trouble.looks, trouble.tasks("crash"), strict=True):
        for task in tasks:
            if task.state >= TaskState.RUNNING:
                starts.setdefault(task.id, (former_at, sight.at))
        former_at = sight.at
    pairs = list(pairwise(starts.values()))
    assert pairs
    at_most = [later[1] - former[0] for former, later in pairs]
    at_least = [later[0] - former[1] for former, later in pairs]
    assert min(at_most) > RESTART_DELAY_SECONDS - 1, at_most
    assert max(at_least) < late(3 * RESTART_DELAY_SECONDS), at_least


def test_an_absent_image_is_rejected_and_named(trouble: Trouble, late: Late) -> None:
    ends = trouble.ends("absent")
    assert {task.state for task in ends.values()} == {TaskState.REJECTED}
    assert {task.error for task in ends.values()} == {f"No such image: {ABSENT_IMAGE}"}
    assert trouble.final_after("absent") < late(8)
    assert not any(t.state is TaskState.RUNNING for tasks in trouble.tasks("absent") for t in tasks)


def test_without_a_node_for_it_a_task_stays_pending_and_says_so(
    trouble: Trouble, late: Late
) -> None:
    (last,) = trouble.tasks("nowhere")[-1]
    assert (last.state, last.desired) == (TaskState.PENDING, TaskState.RUNNING)
    words = "no suitable node (scheduling constraints not satisfied on 1 node)"
    assert last.error == words
    assert last.node_id == ""
    assert {task.id for tasks in trouble.tasks("nowhere") for task in tasks} == {last.id}
    least = POLICY.no_node_seconds
    assert least <= trouble.final_after("nowhere") < least + late(5)


def test_a_health_check_holds_running_back_until_it_passes(trouble: Trouble, late: Late) -> None:
    before: dict[TaskState, float] = {}
    began: dict[TaskState, float] = {}
    former_at = trouble.looks[0].at
    for sight, tasks in zip(trouble.looks, trouble.tasks("late"), strict=True):
        for task in tasks:
            before.setdefault(task.state, former_at)
            began.setdefault(task.state, sight.at)
        former_at = sight.at
    assert began[TaskState.RUNNING] - before[TaskState.STARTING] > HEALTHY_AFTER_SECONDS - 1
    waited = before[TaskState.RUNNING] - began[TaskState.STARTING]
    assert waited < late(HEALTHY_AFTER_SECONDS * 3)


def test_a_health_check_that_never_passes_ends_the_task(trouble: Trouble) -> None:
    ends = trouble.ends("sick")
    assert {task.error for task in ends.values()} == {
        "task: non-zero exit (143): dockerexec: unhealthy container"
    }
    assert not any(t.state is TaskState.RUNNING for tasks in trouble.tasks("sick") for t in tasks)


def test_a_good_service_beside_them_is_none_of_their_trouble(trouble: Trouble) -> None:
    assert trouble.words("good") == ""
    assert trouble.verdicts[-1].verdict is Verdict.UNHEALTHY


def test_a_stack_comes_up(scene: Scene) -> None:
    began = scene.world.now()
    found = scene.up(Part(name="a"), Part(name="b", replicas=2), within=UP_SECONDS)
    assert scene.world.now() - began > 0.3
    assert len(found.tasks) == 3
    assert all(task.up_to_date for task in found.tasks)
    assert {service.name for service in found.services} == {
        f"{scene.unit.stack}_{name}" for name in "ab"
    }
    assert {service.update_state for service in found.services} == {""}
    assert scene.world.really_running(scene.unit).total() == 3


def test_the_image_is_recorded_with_its_digest(scene: Scene) -> None:
    (service,) = scene.up(Part()).services
    assert service.image.startswith(f"{IMAGE}@sha256:")
    assert service.grace_seconds == Part().grace_seconds


def test_the_same_deploy_again_touches_no_task(scene: Scene) -> None:
    before = scene.up(Part(name="a"), Part(name="b", replicas=2))
    scene.ok(scene.ship(Part(name="a"), Part(name="b", replicas=2)))
    scene.world.pause(3.0)
    after = scene.mine()
    assert _ids(after.tasks) == _ids(before.tasks)
    assert all(task.up_to_date and task.state is TaskState.RUNNING for task in after.tasks)
    assert {service.update_state for service in after.services} == {""}


def test_a_deploy_that_prunes_removes_what_is_not_declared_and_nothing_else(scene: Scene) -> None:
    before = scene.up(Part(name="a"), Part(name="b"))
    scene.ok(scene.ship(Part(name="a")))
    scene.world.pause(1.0)
    assert {service.name for service in scene.mine().services} == {
        service.name for service in before.services
    }
    scene.ok(scene.ship(Part(name="a"), prune=True))
    scene.world.pause(3.0)
    after = scene.mine()
    assert [service.name for service in after.services] == [f"{scene.unit.stack}_a"]
    kept = {task.id for task in before.tasks if task.service_id == after.services[0].id}
    assert kept <= {task.id for task in after.tasks}


@dataclass(frozen=True, slots=True)
class Updated:
    """Every look at a service from its deploy with another image until that was completed."""

    stack: str
    before: Contents
    looks: tuple[Sight, ...]

    def contents(self) -> list[Contents]:
        return [contents(sight, self.stack) for sight in self.looks]

    def first(self, holds: Callable[[Contents], bool]) -> float:
        """Return when it was first seen that `holds`."""
        seen = zip(self.looks, self.contents(), strict=True)
        return next(sight.at for sight, found in seen if holds(found))


@story(QUIET)
def updated(world: World) -> Updated:
    """Deploy another image over a service that runs, and watch."""
    scene = Scene(world, world.unit("updated", QUIET))
    before = scene.up(Part())
    scene.ok(scene.ship(changed(Part())))
    ends = world.now() + 40 * world.patience
    looks = [scene.sight()]
    while [s.update_state for s in contents(looks[-1], scene.unit.stack).services] != ["completed"]:
        assert world.now() < ends, looks[-1]
        world.pause(0.1)
        looks.append(scene.sight())
    world.person_removes(scene.unit)
    return Updated(scene.unit.stack, before, tuple(looks))


def _replaced(found: Contents) -> bool:
    tasks = wanted(found)
    return bool(tasks) and all(t.up_to_date and t.state is TaskState.RUNNING for t in tasks)


def test_another_image_replaces_the_task(updated: Updated) -> None:
    first, *_, last = updated.contents()
    old = _ids(updated.before.tasks)
    assert [service.update_state for service in first.services] == ["updating"]
    assert [task.up_to_date for task in first.tasks if task.id in old] == [False]
    (task,) = wanted(last)
    assert task.id not in old
    assert task.up_to_date
    assert task.image.startswith(OTHER_IMAGE)
    assert [t.state for t in last.tasks if t.id in old] == [TaskState.SHUTDOWN]


def test_an_update_stops_the_old_task_before_it_starts_the_new(updated: Updated) -> None:
    old = _ids(updated.before.tasks)
    for found in updated.contents():
        running = [task for task in found.tasks if task.state is TaskState.RUNNING]
        assert len(running) <= 1
    stopped = updated.first(lambda found: all(t.state.terminal for t in found.tasks if t.id in old))
    assert stopped <= updated.first(_replaced)


def test_an_update_is_called_completed_only_after_the_monitor_time(
    updated: Updated, late: Late
) -> None:
    completed = updated.looks[-1].at - updated.first(_replaced)
    assert MONITOR_SECONDS - 2 < completed < late(3 * MONITOR_SECONDS)
    states = [service.update_state for found in updated.contents() for service in found.services]
    assert set(states) == {"updating", "completed"}


def test_a_killed_container_is_a_failed_task_and_is_replaced(scene: Scene) -> None:
    before = scene.up(Part())
    scene.world.kill(scene.unit)
    found = scene.until_mine(
        lambda found: any(task.state is TaskState.FAILED for task in found.tasks), within=10
    )
    (dead,) = (task for task in found.tasks if task.state is TaskState.FAILED)
    assert dead.id in _ids(before.tasks)
    assert (dead.error, dead.exit_code) == ("task: non-zero exit (137)", 137)
    assert dead.desired is TaskState.SHUTDOWN
    scene.until_mine(all_run, within=20)


def _ids(tasks: Iterable[Task]) -> list[str]:
    return sorted(task.id for task in tasks)
