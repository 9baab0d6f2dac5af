from dataclasses import replace
from typing import Any

import pytest

from orchestrator.fleet.desired import DesiredService, Policy
from orchestrator.fleet.health import Health, Verdict, judge, updates_failed
from orchestrator.fleet.history import History, begin, recall, remember
from orchestrator.fleet.observed import Fact, Look, Mode, NodeState, Sight, Task, TaskState
from tests.build import CLIENT, desired, info, node, running, service, sight, task, unseen, wanted

POLICY = Policy(failures=3, no_node_seconds=30)


def judged(look: Look, *services: DesiredService, history: History | None = None) -> Health:
    if history is None:
        history = History(began=0.0)
        if isinstance(look, Sight):
            history = remember(history, CLIENT.stack, look)
    return judge(desired(CLIENT, *services), look, history, POLICY)


def over_time(*sights: Sight) -> Health:
    history = begin(CLIENT.stack, sight(at=0.0))
    for seen in sights:
        history = remember(history, CLIENT.stack, seen)
    return judge(desired(), sights[-1], history, POLICY)


def web(at: float, *tasks: Task, **about: Any) -> Sight:
    return sight(at=at, services=(replace(service(), **about),), tasks=tasks)


def failed(number: int, words: str = "task: non-zero exit (3)") -> Task:
    return task(state=TaskState.FAILED, desired=TaskState.SHUTDOWN, number=number, error=words)


def test_every_slot_running_is_healthy() -> None:
    health = judged(running(CLIENT))
    assert (health.verdict, health.running, health.expected) == (Verdict.HEALTHY, 1, 1)


def test_an_unseen_site_is_unknown() -> None:
    assert judged(unseen()).verdict is Verdict.UNKNOWN


def test_a_swarm_without_quorum_is_unknown_though_its_lists_look_well() -> None:
    seen = replace(running(CLIENT), info=info(error="does not have a leader"))
    assert judged(seen).verdict is Verdict.UNKNOWN


def test_a_service_that_does_not_exist_is_final() -> None:
    health = judged(running(CLIENT), wanted(), wanted("worker"))
    assert health.verdict is Verdict.UNHEALTHY
    assert str(health.reasons[0]) == "app-client_worker: does not exist"


def test_a_service_nobody_declared_is_final() -> None:
    health = judged(running(CLIENT, "web", "old"))
    assert health.verdict is Verdict.UNHEALTHY
    assert "app-client_old: is running but not declared" in str(health.reasons[0])


def test_a_service_scaled_by_hand_is_not_as_declared() -> None:
    health = judged(web(100, replicas=0))
    assert str(health.reasons[0]) == "app-client_web: is scaled to 0, declared are 1"


@pytest.mark.parametrize("state", ["paused", "rollback_paused", "rollback_completed"])
def test_a_failed_update_is_final_even_when_all_tasks_run(state: str) -> None:
    """`docker stack deploy` ends with 0 after a completed rollback."""
    health = judged(web(100, task(), update_state=state, update_message="task x failed"))
    assert health.verdict is Verdict.UNHEALTHY
    assert "task x failed" in str(health.reasons[0])


def test_an_update_under_way_is_pending() -> None:
    assert judged(web(100, task(), update_state="updating")).verdict is Verdict.PENDING


@pytest.mark.parametrize(
    "state",
    [TaskState.NEW, TaskState.PREPARING, TaskState.STARTING, TaskState.READY],
)
def test_a_task_on_its_way_is_pending(state: TaskState) -> None:
    assert judged(web(100, task(state=state))).verdict is Verdict.PENDING


def test_a_running_task_of_the_former_spec_does_not_count() -> None:
    """Docker's own count says 1/1 here."""
    assert judged(web(100, task(up_to_date=False))).verdict is Verdict.PENDING


def test_an_old_task_beside_the_new_one_is_pending() -> None:
    seen = web(100, task(), task(number=2, up_to_date=False, desired=TaskState.SHUTDOWN))
    assert judged(seen).verdict is Verdict.PENDING


def test_a_running_task_that_is_about_to_be_stopped_does_not_count() -> None:
    assert judged(web(100, task(desired=TaskState.SHUTDOWN))).verdict is Verdict.PENDING


@pytest.mark.parametrize("state", [NodeState.DOWN, NodeState.UNKNOWN])
def test_a_task_on_a_node_that_is_not_ready_does_not_count(state: NodeState) -> None:
    seen = replace(running(CLIENT), nodes=(node(state=state),))
    assert judged(seen).verdict is Verdict.PENDING


def test_a_crash_loop_is_final_at_the_third_failure_and_quotes_docker() -> None:
    two = over_time(
        web(1, failed(1)), web(6, failed(1), failed(2), task(number=9, state=TaskState.STARTING))
    )
    three = over_time(web(1, failed(1)), web(6, failed(2)), web(11, failed(3)))
    assert two.verdict is Verdict.PENDING
    assert three.verdict is Verdict.UNHEALTHY
    assert "failed 3 times: task: non-zero exit (3)" in str(three.reasons[0])


def test_a_service_that_keeps_ending_with_0_is_a_loop_too() -> None:
    """Docker stops a container that fails its health check; a clean one then exits with 0."""
    ended = [task(state=TaskState.COMPLETE, desired=TaskState.SHUTDOWN, number=n) for n in range(3)]
    health = over_time(web(1, ended[0]), web(11, ended[1]), web(21, ended[2]))
    assert health.verdict is Verdict.UNHEALTHY
    assert "ended 3 times: exit code 0" in str(health.reasons[0])


def test_the_runs_of_a_job_are_no_loop() -> None:
    job = wanted(mode=Mode.REPLICATED_JOB, replicas=4)
    seen = [
        web(
            float(n),
            *(
                task(state=TaskState.COMPLETE, desired=TaskState.COMPLETE, number=i)
                for i in range(n)
            ),
            mode=Mode.REPLICATED_JOB,
        )
        for n in range(1, 4)
    ]
    history = begin(CLIENT.stack, sight(at=0.0))
    for look in seen:
        history = remember(history, CLIENT.stack, look)
    assert judge(desired(CLIENT, job), seen[-1], history, POLICY).verdict is Verdict.PENDING


def test_failures_count_though_swarm_forgets_them() -> None:
    """Swarm keeps five tasks a slot; each look here shows only the newest."""
    health = over_time(web(1, failed(1)), web(6, failed(2)), web(11, failed(3)))
    assert health.verdict is Verdict.UNHEALTHY


def test_failures_from_before_the_deploy_are_not_held_against_it() -> None:
    old = web(0, failed(1), failed(2), failed(3))
    history = remember(begin(CLIENT.stack, old), CLIENT.stack, old)
    now = web(1, failed(1), failed(2), failed(3), task(number=9, state=TaskState.STARTING))
    history = remember(history, CLIENT.stack, now)
    assert judge(desired(), now, history, POLICY).verdict is Verdict.PENDING


@pytest.mark.parametrize(
    "words",
    [
        "No such image: registry/app:9",
        "pull access denied for x",
        "manifest unknown",
        "no matching manifest for linux/amd64 in the manifest list entries",
    ],
)
def test_a_missing_image_is_final_at_the_first_rejection(words: str) -> None:
    rejected = task(state=TaskState.REJECTED, desired=TaskState.SHUTDOWN, error=words)
    health = over_time(web(1, rejected))
    assert health.verdict is Verdict.UNHEALTHY
    assert words in str(health.reasons[0])


def test_another_rejection_may_pass() -> None:
    rejected = task(
        state=TaskState.REJECTED, desired=TaskState.SHUTDOWN, error="vxlan: file exists"
    )
    assert over_time(web(1, rejected)).verdict is Verdict.PENDING


def test_no_suitable_node_becomes_final_only_after_its_time() -> None:
    waiting = task(state=TaskState.PENDING, node_id="", error="no suitable node (constraint)")
    assert over_time(web(1, waiting), web(30, waiting)).verdict is Verdict.PENDING
    assert over_time(web(1, waiting), web(31, waiting)).verdict is Verdict.UNHEALTHY


@pytest.mark.parametrize(
    "error", ["no suitable node (unsupported platform on 1 node)", "unsupported platform on 1 node"]
)
def test_an_image_for_other_machines_is_final_at_once(error: str) -> None:
    image = "registry/app:1@sha256:abc"
    waiting = task(state=TaskState.PENDING, node_id="", error=error, image=image)
    there = (node(platform="linux/amd64"),)
    seen = replace(web(1, waiting, platforms=("linux/arm64",)), nodes=there)
    health = over_time(seen)
    assert health.verdict is Verdict.UNHEALTHY
    assert str(health.reasons[0]) == (
        "app-client_web/1: image registry/app:1 is for linux/arm64, the nodes are linux/amd64: "
        + error
    )


def test_a_task_that_stays_new_points_at_the_address_pool() -> None:
    new = task(state=TaskState.NEW, node_id="")
    health = over_time(web(1, new), web(17, new))
    assert health.verdict is Verdict.PENDING
    assert "no free address" in str(health.reasons[0])
    assert over_time(web(1, new), web(32, new)).verdict is Verdict.UNHEALTHY


def test_a_slot_with_nothing_but_ended_tasks_is_dead_after_the_restart_delay() -> None:
    """A restart policy that is used up leaves no task that is wanted to run."""
    ended = task(state=TaskState.COMPLETE, desired=TaskState.SHUTDOWN)
    assert over_time(web(1, ended), web(10, ended)).verdict is Verdict.PENDING
    assert over_time(web(1, ended), web(11, ended)).verdict is Verdict.UNHEALTHY


def test_history_of_a_larger_scale_does_not_disturb() -> None:
    old = task(number=2, slot="2", state=TaskState.SHUTDOWN, desired=TaskState.SHUTDOWN)
    assert judged(web(100, task(), old)).healthy


def test_a_global_service_without_a_node_is_not_converged() -> None:
    """Docker shows it as 0/0."""
    everywhere = wanted(mode=Mode.GLOBAL)
    young = History(began=95.0)
    old = History(began=80.0)
    seen = web(100, mode=Mode.GLOBAL)
    assert judged(seen, everywhere, history=young).verdict is Verdict.PENDING
    assert judged(seen, everywhere, history=old).verdict is Verdict.UNHEALTHY


def test_a_global_service_runs_on_each_node_it_is_wanted_on() -> None:
    everywhere = wanted(mode=Mode.GLOBAL)
    both = (task(slot="a"), task(number=2, slot="b", state=TaskState.STARTING))
    assert judged(web(100, *both, mode=Mode.GLOBAL), everywhere).verdict is Verdict.PENDING
    assert judged(web(100, both[0], mode=Mode.GLOBAL), everywhere).healthy


def test_a_job_is_healthy_when_it_has_completed() -> None:
    job = wanted(mode=Mode.REPLICATED_JOB)
    done = task(state=TaskState.COMPLETE, desired=TaskState.COMPLETE)
    assert judged(web(100, done, mode=Mode.REPLICATED_JOB), job).healthy
    assert judged(web(100, task(), mode=Mode.REPLICATED_JOB), job).verdict is Verdict.PENDING


def test_no_replicas_wanted_is_healthy_at_once() -> None:
    assert judged(web(100, replicas=0), wanted(replicas=0)).healthy


def test_stability_is_the_time_the_youngest_task_was_seen_running() -> None:
    health = over_time(web(1, task()), web(8, task()))
    assert health.stable_seconds == 7.0
    replaced = over_time(web(1, task()), web(8, task(number=2)), web(9, task(number=2)))
    assert replaced.stable_seconds == 1.0


def test_a_slot_whose_task_was_stopped_a_moment_ago_is_pending() -> None:
    stopped = task(state=TaskState.SHUTDOWN, desired=TaskState.SHUTDOWN)
    health = over_time(web(1, stopped))
    assert health.verdict is Verdict.PENDING
    assert str(health.reasons[0]) == "app-client_web/1: no task runs yet"


def ended(state: TaskState = TaskState.COMPLETE, number: int = 1, **other: Any) -> Task:
    """Return a task at its end, in whose place Docker wants no other."""
    return task(state=state, desired=TaskState.SHUTDOWN, number=number, **other)


def restarts(**policy: str) -> dict[str, Any]:
    return {"facts": tuple(Fact("restart", item, value) for item, value in policy.items())}


def told(look: Sight, *services: DesiredService, **policy: Any) -> Health:
    """Judge by one look, as status does."""
    patience = replace(POLICY, **policy)
    return judge(desired(CLIENT, *services), look, recall(CLIENT.stack, look), patience)


def test_a_service_that_is_never_started_again_is_finished_once_it_ended_with_0() -> None:
    health = told(web(100, ended(), **restarts(condition="none")))
    assert (health.verdict, health.running, health.expected) == (Verdict.HEALTHY, 0, 0)
    assert health.finished == ("web",)


def test_a_service_with_one_of_two_tasks_finished_expects_the_other() -> None:
    both = (ended(), task(number=2, slot="2"))
    health = told(web(100, *both, replicas=2, **restarts(condition="none")), wanted(replicas=2))
    assert (health.verdict, health.running, health.expected) == (Verdict.HEALTHY, 1, 1)
    assert health.finished == ()


def test_the_last_task_of_a_slot_says_whether_it_is_finished() -> None:
    first = ended(TaskState.FAILED, 1, since=10.0)
    second = ended(TaskState.COMPLETE, 2, since=20.0)
    assert told(web(100, second, first), finishes=("web",)).healthy
    again = ended(TaskState.FAILED, 3, since=30.0)
    assert not told(web(100, second, first, again), finishes=("web",)).healthy


def test_a_clean_end_under_on_failure_is_unhealthy_unless_it_is_declared() -> None:
    look = web(100, ended(), **restarts(condition="on-failure"))
    health = told(look)
    assert health.verdict is Verdict.UNHEALTHY
    (reason,) = health.reasons
    assert (reason.final, reason.over) == (True, True)
    assert str(reason) == (
        "app-client_web/1: ended with exit code 0, and is not started again"
        " (restart condition on-failure); if it is meant to end: finishes: [web]"
        " in stacks/app-client.yaml"
    )
    assert told(look, finishes=("web",)).healthy


def test_what_failed_and_is_never_started_again_is_final_at_once() -> None:
    broken = ended(TaskState.FAILED, error="task: non-zero exit (3)")
    (reason,) = told(web(100, broken, **restarts(condition="none"))).reasons
    assert (reason.final, reason.over) == (True, True)
    assert reason.words == (
        "failed (task: non-zero exit (3)), and is not started again (restart condition none)"
    )


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE])
def test_used_up_attempts_are_final_at_once(state: TaskState) -> None:
    (reason,) = told(web(100, ended(state), **restarts(attempts="2"))).reasons
    assert (reason.final, reason.over) == (True, True)
    assert "and is not started again (restart attempts 2)" in reason.words


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.COMPLETE])
def test_docker_has_yet_to_decide_about_a_task_that_is_still_wanted(state: TaskState) -> None:
    """It starts the next task in the moment in which it wants no more of the last."""
    just_now = task(state=state, desired=TaskState.RUNNING)
    assert told(web(100, just_now, **restarts(condition="none"))).verdict is Verdict.PENDING


def test_an_update_that_docker_paused_since_its_task_finished_has_not_failed() -> None:
    """Docker calls the end of such a task an early termination, whatever its exit code."""
    done = web(100, ended(), update_state="paused", **restarts(condition="none"))
    assert told(done).healthy
    assert updates_failed(desired(), done, POLICY) == ()
    broken = web(100, ended(TaskState.FAILED), update_state="paused", **restarts(condition="none"))
    assert updates_failed(desired(), broken, POLICY) == ("app-client_web",)
    assert updates_failed(desired(), sight(), POLICY) == ()


def test_a_global_service_that_finished_everywhere_is_finished() -> None:
    everywhere = wanted(mode=Mode.GLOBAL)
    both = (ended(slot="a"), ended(number=2, slot="b"))
    look = web(100, *both, mode=Mode.GLOBAL, **restarts(condition="none"))
    assert told(look, everywhere).finished == ("web",)
    one = web(
        100, both[0], task(number=2, slot="b"), mode=Mode.GLOBAL, **restarts(condition="none")
    )
    health = told(one, everywhere)
    assert (health.verdict, health.expected, health.finished) == (Verdict.HEALTHY, 1, ())


def test_a_global_service_that_failed_for_good_says_so() -> None:
    look = web(
        100, ended(TaskState.FAILED, slot="a"), mode=Mode.GLOBAL, **restarts(condition="none")
    )
    (reason,) = told(look, wanted(mode=Mode.GLOBAL)).reasons
    assert reason.over


JOB = wanted(mode=Mode.REPLICATED_JOB)


def job(*tasks: Task, iteration: int, **about: Any) -> Sight:
    return web(100, *tasks, mode=Mode.REPLICATED_JOB, job_iteration=iteration, **about)


def run(iteration: int, state: TaskState = TaskState.COMPLETE) -> Task:
    wants = TaskState.COMPLETE if state is TaskState.COMPLETE else TaskState.SHUTDOWN
    return task(state=state, desired=wants, number=iteration, job_iteration=iteration)


def test_a_job_that_completed_is_finished() -> None:
    health = told(job(run(1), iteration=1), JOB)
    assert (health.verdict, health.expected, health.finished) == (Verdict.HEALTHY, 0, ("web",))


def test_a_former_run_of_a_job_says_nothing_of_its_latest() -> None:
    assert told(job(run(1), iteration=2), JOB).verdict is Verdict.PENDING


def test_a_job_that_is_never_started_again_fails_with_its_task() -> None:
    broken = job(run(1, TaskState.FAILED), iteration=1, **restarts(condition="none"))
    (reason,) = told(broken, JOB).reasons
    assert (reason.final, reason.over) == (True, True)
    assert told(job(run(1, TaskState.FAILED), iteration=1), JOB).verdict is Verdict.PENDING


def test_a_stack_of_which_only_leftovers_are_there_has_no_service() -> None:
    look = sight()
    empty = replace(desired(), services=())
    health = judge(empty, look, recall(CLIENT.stack, look), POLICY)
    assert (health.verdict, str(health.reasons[0])) == (Verdict.UNHEALTHY, "has no service")


def test_what_only_history_tells_is_read_from_the_times_of_the_tasks() -> None:
    """A slot in which nothing lives is dead after ten seconds, also for who looks only once."""
    old, young = (replace(web(100, ended(since=at)), info=info(time=100.0)) for at in (80.0, 95.0))
    assert told(old).verdict is Verdict.UNHEALTHY
    assert told(young).verdict is Verdict.PENDING
    assert told(web(100, ended(since=80.0))).verdict is Verdict.PENDING


def test_failures_of_the_last_minutes_are_a_loop_for_who_looks_only_once() -> None:
    def loop(first: float) -> Sight:
        tries = [
            task(
                number=n,
                state=TaskState.FAILED,
                desired=TaskState.SHUTDOWN,
                error="x",
                since=first + n,
            )
            for n in range(3)
        ]
        starting = task(number=9, state=TaskState.STARTING, since=999.0)
        return replace(web(100, *tries, starting), info=info(time=1000.0))

    assert "failed 3 times: x" in str(told(loop(900.0)).reasons[0])
    assert told(loop(100.0)).verdict is Verdict.PENDING


def test_a_global_service_without_a_node_is_final_some_time_after_it_was_written() -> None:
    look = web(100, mode=Mode.GLOBAL, changed=50.0)
    everywhere = wanted(mode=Mode.GLOBAL)
    assert told(replace(look, info=info(time=70.0)), everywhere).verdict is Verdict.UNHEALTHY
    assert told(replace(look, info=info(time=55.0)), everywhere).verdict is Verdict.PENDING


def test_a_stack_of_which_everything_finished_is_stable_once_it_was_watched() -> None:
    look = web(100, ended(), **restarts(condition="none"))
    health = judge(desired(), look, History(began=90.0), POLICY)
    assert health.stable_seconds == 10.0
