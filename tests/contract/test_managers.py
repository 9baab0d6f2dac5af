"""What is seen of a site whose daemon or whose quorum is gone, and what comes back."""

from collections import Counter
from dataclasses import dataclass

from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import Contents, Look, Sight, Task, TaskState, Unseen, contents
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import Answer, Result
from tests.contract.scene import Scene, all_run, wanted
from tests.contract.stacks import Part
from tests.contract.stories import story
from tests.contract.world import FRAGILE, HOSTS, World

READ_SECONDS = 25
AGAIN_SECONDS = 60
SILENT_SECONDS = 10.1
"""A node may be silent for three heartbeats of 5 s; the last one may be 5 s old already. So on a
real Swarm, where the look alone takes 10.2 s, nobody can tell whether its tasks are replaced."""
NODE = HOSTS[FRAGILE]


@dataclass(frozen=True, slots=True)
class Halt:
    """What was seen while a daemon did not work, and once it worked again."""

    before: Contents
    look: Look
    look_seconds: float
    halted_seconds: float
    running: Counter[str]
    after: Contents


@story(FRAGILE)
def stopped(world: World) -> Halt:
    """Stop the manager's daemon and start it again."""
    scene = Scene(world, world.unit("stopped", FRAGILE))
    before = scene.up(Part())
    world.stop_daemon(FRAGILE)
    began = world.now()
    try:
        look = scene.look()
        seconds = world.now() - began
        running = world.really_running(scene.unit)
    finally:
        halted = world.now() - began
        world.start_daemon(FRAGILE)
    after = scene.until_mine(
        lambda found: all_run(found) and not _of(before) & _of(found, TaskState.RUNNING),
        within=AGAIN_SECONDS,
    )
    world.person_removes(scene.unit)
    return Halt(before, look, seconds, halted, running, after)


@story(FRAGILE)
def frozen_daemon(world: World) -> Halt:
    """Freeze the manager's daemon and let it go on."""
    scene = Scene(world, world.unit("stiff", FRAGILE))
    before = scene.up(Part())
    halted_at = world.now()
    world.freeze_daemon(FRAGILE)
    began = world.now()
    try:
        look = scene.look()
        seconds = world.now() - began
        running = world.really_running(scene.unit)
    finally:
        world.thaw_daemon(FRAGILE)
        halted = world.now() - halted_at
    after = scene.until_mine(all_run, within=AGAIN_SECONDS)
    world.person_removes(scene.unit)
    return Halt(before, look, seconds, halted, running, after)


def _of(found: Contents, *states: TaskState) -> set[str]:
    return {task.id for task in found.tasks if not states or task.state in states}


def test_a_daemon_that_is_stopped_is_unseen_with_dockers_words(stopped: Halt) -> None:
    assert isinstance(stopped.look, Unseen)
    problem = stopped.look.problem
    assert (problem.code, problem.exit_code) == ("docker.not-running", ExitCode.SITE_UNREACHABLE)
    assert any("docker" in words.lower() for words in problem.evidence)
    assert stopped.look_seconds < READ_SECONDS


def test_the_containers_of_a_stopped_daemon_end_and_their_tasks_are_replaced(
    stopped: Halt,
) -> None:
    assert not stopped.running
    assert not _of(stopped.before) & {task.id for task in wanted(stopped.after)}
    former = [task for task in stopped.after.tasks if task.id in _of(stopped.before)]
    assert all(task.state.terminal for task in former)


def test_a_daemon_that_hangs_is_unseen_in_time(frozen_daemon: Halt) -> None:
    assert isinstance(frozen_daemon.look, Unseen)
    problem = frozen_daemon.look.problem
    assert (problem.code, problem.exit_code) == ("docker.no-answer", ExitCode.SITE_UNREACHABLE)
    assert frozen_daemon.look_seconds < READ_SECONDS


def test_the_containers_of_a_daemon_that_hangs_run_on(frozen_daemon: Halt) -> None:
    assert frozen_daemon.running == {NODE: 1}
    if frozen_daemon.halted_seconds > SILENT_SECONDS:
        return  # it counted the node as down, its own clock having gone on, and replaced its tasks
    assert {task.id for task in wanted(frozen_daemon.after)} == {
        task.id for task in wanted(frozen_daemon.before)
    }


@dataclass(frozen=True, slots=True)
class Leaderless:
    """A Swarm that lost its quorum: what was seen and answered, in order, and afterwards."""

    unit: Unit
    first_look: Look
    first_write: Answer
    first_write_seconds: float
    later_look: Look
    later_look_after: float
    later_write: Answer
    running: Counter[str]
    presence_after: Presence


@story(FRAGILE)
def leaderless(world: World) -> Leaderless:
    """Take the quorum away, look and write, and give it back."""
    scene = Scene(world, world.unit("leaderless", FRAGILE))
    scene.up(Part())
    removal = scene.remove_services()
    world.lose_quorum(FRAGILE)
    try:
        began = world.now()
        first_look = scene.look()
        writing = world.now()
        first_write = scene.change(removal)
        wrote = world.now()
        later_look = scene.until(
            lambda look: isinstance(look, Unseen) and look.problem.code == "swarm.no-quorum",
            within=AGAIN_SECONDS,
        )
        later_look_after = world.now() - began
        later_write = scene.change(removal)
        running = world.really_running(scene.unit)
    finally:
        world.regain_quorum(FRAGILE)
    scene.until(
        lambda look: (
            isinstance(look, Sight)
            and whereabouts(scene.unit, look).presence is not Presence.UNKNOWN
        ),
        within=AGAIN_SECONDS,
    )
    scene.ok(removal)
    scene.until_mine(lambda found: not any(map(_unended, found.tasks)), within=AGAIN_SECONDS)
    scene.ok(scene.remove_leftovers())
    after = scene.until(lambda look: whereabouts(scene.unit, look).gone, within=AGAIN_SECONDS)
    return Leaderless(
        unit=scene.unit,
        first_look=first_look,
        first_write=first_write,
        first_write_seconds=wrote - writing,
        later_look=later_look,
        later_look_after=later_look_after,
        later_write=later_write,
        running=running,
        presence_after=whereabouts(scene.unit, after).presence,
    )


def _unended(task: Task) -> bool:
    return not task.state.terminal


def test_for_some_seconds_without_a_quorum_all_looks_well(leaderless: Leaderless) -> None:
    look = leaderless.first_look
    assert isinstance(look, Sight)
    assert whereabouts(leaderless.unit, look).presence is Presence.PRESENT
    assert contents(look, leaderless.unit.stack).services


def test_a_write_without_a_quorum_ends_in_nobody_knows(leaderless: Leaderless) -> None:
    assert leaderless.first_write.result is Result.UNKNOWN
    assert leaderless.first_write.problem is not None
    assert leaderless.first_write_seconds < 40


def test_then_the_site_is_unseen_and_said_to_have_no_leader(leaderless: Leaderless) -> None:
    look = leaderless.later_look
    assert isinstance(look, Unseen)
    assert look.problem.exit_code is ExitCode.SITE_UNREACHABLE
    assert any("does not have a leader" in words for words in look.problem.evidence)


def test_later_writes_end_so_too(leaderless: Leaderless) -> None:
    assert leaderless.later_write.result is Result.UNKNOWN
    assert leaderless.later_write.problem is not None
    assert leaderless.later_write.problem.code == "swarm.no-quorum"


def test_containers_run_on_without_a_quorum(leaderless: Leaderless) -> None:
    assert leaderless.running == {NODE: 1}


def test_with_a_quorum_again_a_removal_goes_to_its_end(leaderless: Leaderless) -> None:
    assert leaderless.presence_after is Presence.GONE
