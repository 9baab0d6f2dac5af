"""A manager without a quorum, without its daemon, or no manager; and configs as a lock."""

from functools import partial

import pytest

from orchestrator.fleet.observed import TaskState, Unseen
from orchestrator.procedures.effects import Answer, Result
from orchestrator.simulation import api
from orchestrator.simulation.clock import Process
from orchestrator.simulation.faults import Fault, FaultKind
from tests.simulation.rig import Rig, all_running, no_tasks, stack


def test_reads_stay_stale_for_seconds_and_fail_after_that() -> None:
    """6.5: the old leader still answers, then everything is refused."""
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST))
    rig.fault(Fault(at=1, kind=FaultKind.KILL, stack="web"))
    rig.pass_time(3)
    assert [task.state for task in rig.sight().tasks] == [TaskState.RUNNING]
    assert not rig.fleet.running_containers()
    rig.pass_time(3)
    look = rig.look()
    assert isinstance(look, Unseen)
    assert look.problem.code == "swarm.no-quorum"
    assert "does not have a leader" in look.problem.evidence[0]


def test_the_first_write_blocks_fifteen_seconds_and_is_then_unknown() -> None:
    """6.5: "node lost leader status", and nobody knows whether it happened."""
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST))
    rig.pass_time(0.1)
    began = rig.now
    answer = rig.change(effect)
    assert answer.result is Result.UNKNOWN
    assert "lost leader status" in answer.words
    assert 15.0 < rig.now - began < 16.0


def test_later_writes_are_refused_at_once() -> None:
    """6.5: at once, and still nobody can be sure: the words are those of a leader lost."""
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST))
    rig.pass_time(10)
    began = rig.now
    answer = rig.change(effect)
    assert (answer.result, rig.now - began < 1.0) == (Result.UNKNOWN, True)
    assert answer.problem is not None
    assert answer.problem.code == "swarm.no-quorum"


def test_a_write_of_unknown_outcome_may_be_found_done_later_or_not() -> None:
    """6.5: it is settled when the quorum is back, one way or the other."""
    found = set()
    for attempt in range(12):
        rig = Rig(stack()).running()
        rig.fleet.rng.seed(attempt)
        effect = rig.remove_services()
        rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST, for_seconds=20))
        rig.pass_time(0.1)
        rig.change(effect)
        rig.pass_time(10)
        found.add(len(rig.sight().services))
    assert found == {0, 1}


def test_a_write_that_waits_is_done_when_the_quorum_returns_in_time() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST, for_seconds=4))
    rig.pass_time(0.1)
    rig.ok(effect)
    rig.until(no_tasks)


def test_a_stopped_daemon_refuses_and_its_containers_end() -> None:
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=FaultKind.DAEMON_STOPPED, for_seconds=10))
    rig.pass_time(1)
    look = rig.look()
    assert isinstance(look, Unseen)
    assert look.problem.code == "docker.not-running"
    assert not rig.fleet.running_containers()
    rig.pass_time(10)
    rig.until(all_running)


def test_a_frozen_daemon_answers_nobody_and_acts_when_it_thaws() -> None:
    """The effect comes after its answer was given up: unknown is not undone."""
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.DAEMON_FROZEN, for_seconds=60))
    rig.pass_time(0.1)
    assert isinstance(rig.look(), Unseen)
    answer = rig.change(effect)
    assert answer.result is Result.UNKNOWN
    assert len(rig.fleet.running_containers()) == 1
    rig.pass_time(60)
    assert rig.sight().services == ()


def _all(rig: Rig, *processes: Process[object]) -> list[object]:
    answers: list[object] = []

    def caught(process: Process[object]) -> Process[object]:
        try:
            return (yield from process)
        except api.ApiError as error:
            return str(error)

    for process in processes:
        rig.fleet.clock.spawn(caught(process), answers.append)
    rig.pass_time(5)
    return answers


def test_of_twenty_configs_of_one_name_created_at_once_one_wins() -> None:
    """6.1: names are unique through raft, whatever their case."""
    rig = Rig(stack())
    names = [f"Dtdeploy.{'RUN' if n % 2 else 'run'}" for n in range(20)]
    creations = [
        api.write(rig.swarm, partial(api.create_config, rig.swarm, name, stack=""))
        for name in names
    ]
    answers = _all(rig, *creations)
    refused = [words for words in answers if isinstance(words, str)]
    assert len(refused) == 19
    assert all("already exists" in words for words in refused)


def test_labels_are_set_by_compare_and_swap() -> None:
    """6.2: a stale version is "update out of sequence"."""
    rig = Rig(stack())
    made = api.create_config(rig.swarm, "lock", stack="")
    version = made.version
    api.update_config(rig.swarm, made.id, version=version, labels=(("a", "1"),))
    with pytest.raises(api.ApiError, match="out of sequence"):
        api.update_config(rig.swarm, made.id, version=version, labels=(("a", "2"),))
    assert made.labels == (("a", "1"),)


def test_a_config_is_released_by_id_and_once() -> None:
    """6.3: a missing one is told apart."""
    rig = Rig(stack())
    made = api.create_config(rig.swarm, "lock", stack="")
    assert [api.delete_config(rig.swarm, made.id) for _ in range(2)] == [True, False]
    with pytest.raises(api.ApiError, match="not found"):
        api.update_config(rig.swarm, made.id, version=1, labels=())


def test_a_config_in_use_is_not_deleted() -> None:
    """1.9: in use by the following service."""
    rig = Rig(stack()).running()
    config = rig.sight().configs[0]
    with pytest.raises(api.ApiError, match="in use by the following service: web_app"):
        api.delete_config(rig.swarm, config.id)


def test_configs_of_no_stack_are_not_in_a_look() -> None:
    rig = Rig(stack())
    api.create_config(rig.swarm, "lock", stack="")
    assert rig.sight().configs == ()


def test_a_host_outside_any_swarm_says_so() -> None:
    rig = Rig(stack())
    rig.swarm.active = False
    look = rig.look()
    assert isinstance(look, Unseen)
    assert look.problem.code == "swarm.inactive"
    answer = rig.change(rig.deploy_effect())
    assert isinstance(answer, Answer)
    assert "not a swarm manager" in answer.words
