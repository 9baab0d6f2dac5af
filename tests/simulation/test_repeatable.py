"""The same seed gives the same history; and ten thousand of them have to fit in minutes."""

import time
from random import Random

import pytest

from orchestrator.fleet.observed import TaskState
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.happening import Happening
from tests.simulation.rig import WORKER, Rig, all_running, no_tasks, service, stack

FAULTS = (
    Fault(at=3, kind=FaultKind.LINK_SLOW, for_seconds=5),
    Fault(at=4, kind=FaultKind.NODE_FROZEN, node=WORKER, for_seconds=30),
    Fault(at=50, kind=FaultKind.QUORUM_LOST, for_seconds=3),
    Fault(at=60, kind=FaultKind.KILL, stack="web"),
)


def _history(seed: int) -> list[Happening]:
    rig = Rig(stack(service("a"), service("b", replicas=2)), workers=(WORKER,))
    rig.fleet.rng.seed(seed)
    rig.behave(Kind.GOOD).running()
    for fault in FAULTS:
        rig.fault(fault)
    rig.ok(rig.remove_services())
    rig.until(no_tasks)
    rig.ok(rig.remove_leftovers())
    rig.ok(rig.deploy_effect())
    rig.until(all_running)
    rig.pass_time(60)
    return rig.happenings


def test_the_same_seed_gives_the_same_history() -> None:
    assert _history(1) == _history(1)


def test_another_seed_gives_another() -> None:
    assert _history(1) != _history(2)


def test_the_truth_agrees_with_what_was_told() -> None:
    """Containers told to have started and not stopped are those that run."""
    rig = Rig(stack(service("a"), service("b", replicas=2)), workers=(WORKER,))
    running: set[str] = set()

    def note(happening: Happening) -> None:
        if happening.what.value == "container started":
            running.add(happening.task)
        elif happening.what.value == "container stopped":
            running.remove(happening.task)
        assert {c.task for c in rig.fleet.running_containers()} == running

    rig.fleet.subscribe(note)
    rig.ok(rig.deploy_effect())
    for fault in FAULTS:
        rig.fault(fault)
    rig.pass_time(120)
    assert len(running) == 3


@pytest.mark.parametrize("seed", range(20))
def test_states_only_go_forward_whatever_happens(seed: int) -> None:
    """2.1: a task that was recorded in one state is never seen in an earlier one."""
    chance = Random(seed)  # noqa: S311 - a test must be repeatable
    rig = Rig(stack(service("a"), service("b", replicas=2)), workers=(WORKER,))
    rig.fleet.rng.seed(seed)
    kinds = [
        kind for kind in FaultKind if kind not in {FaultKind.OUTSIDE_DOWN, FaultKind.OUTSIDE_UP}
    ]
    for kind in chance.sample(kinds, 12):
        node = chance.choice(["", WORKER])
        at, lasts = chance.uniform(0, 60), chance.uniform(1, 40)
        rig.fault(Fault(at=at, kind=kind, node=node, stack="web", for_seconds=lasts))
    seen: dict[str, TaskState] = {}

    def note(happening: Happening) -> None:
        if happening.what.value == "task state":
            state = TaskState[happening.detail.upper()]
            assert state >= seen.get(happening.task, TaskState.NEW)
            seen[happening.task] = state
        assert len(rig.swarm.network_list()) <= 4

    rig.fleet.subscribe(note)
    rig.change(rig.deploy_effect())
    rig.pass_time(200)
    assert all(n.local_users >= 0 for n in rig.swarm.networks.values())
    assert rig.swarm.pool.free <= rig.swarm.pool.capacity


def test_speed(capsys: pytest.CaptureFixture[str]) -> None:
    """Removing and deploying 40 services again and again; the bound is a hundred times loose."""
    rig = Rig(stack(*(service(f"s{n}") for n in range(40))), workers=(WORKER,)).running()
    began = time.perf_counter()
    for _ in range(3):
        rig.ok(rig.remove_services())
        rig.until(no_tasks)
        rig.ok(rig.remove_leftovers())
        rig.ok(rig.deploy_effect())
        rig.until(all_running)
    seconds = time.perf_counter() - began
    each = seconds / rig.fleet.clock.performed
    with capsys.disabled():
        print(f"\n{rig.fleet.clock.performed} events, {each * 1e6:.0f} us each")  # noqa: T201 - the figure is the point
    assert each < 0.01
