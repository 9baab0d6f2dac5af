"""Services: created, updated task by task, removed; and what becomes of a stack's tasks."""

from orchestrator.fleet.desired import DesiredService
from orchestrator.fleet.observed import Fact, Mode, TaskState
from orchestrator.fleet.placement import meets
from orchestrator.fleet.pulling import NodePull
from orchestrator.simulation import orchestration
from orchestrator.simulation.happening import What
from orchestrator.simulation.objects import EVERYWHERE, Machine, SimResource, SimService, SimTask
from orchestrator.simulation.swarm import SimSwarm

MONITOR_SECONDS = 5.0
_NOTICED_SECONDS = 0.02
"""For so long the tasks of a removed service are still wanted (seen on real Swarms)."""
_ENDED = frozenset({TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE})
"""One that ended with 0 is an early termination too (measured)."""
Labels = tuple[tuple[str, str], ...]


def create_service(
    swarm: SimSwarm,
    stack: str,
    desired: DesiredService,
    *,
    labels: Labels,
    networks: tuple[SimResource, ...] = (),
) -> SimService:
    """Create a service and the tasks that its mode asks for."""
    service = admit_service(swarm, stack, desired, labels=labels, networks=networks)
    swarm.tell(What.SERVICE_CREATED, service)
    for slot in slots(swarm, service):
        orchestration.new_task(swarm, service, slot)
    return service


def admit_service(
    swarm: SimSwarm,
    stack: str,
    desired: DesiredService,
    *,
    labels: Labels,
    networks: tuple[SimResource, ...] = (),
    only_pulls: bool = False,
) -> SimService:
    """Put a service on the list, without tasks."""
    service = SimService(
        id=swarm.mint(),
        stack=stack,
        desired=desired,
        image=swarm.registry.resolve(desired.image),
        version=swarm.next_index(),
        changed=swarm.clock.now,
        labels=labels,
        networks=networks,
        only_pulls=only_pulls,
    )
    swarm.services[service.id] = service
    swarm.pool.admit(service)
    return service


def create_pull(swarm: SimSwarm, name: str, pull: NodePull, labels: Labels) -> None:
    """Create a service that only has nodes pull an image, with a task for each of them."""
    wanted = tuple(Fact("placement constraint", constraint, "") for constraint in pull.constraints)
    desired = DesiredService(name=name, image=pull.image, mode=Mode.GLOBAL, facts=wanted)
    service = admit_service(swarm, "", desired, labels=labels, only_pulls=True)
    swarm.tell(What.SERVICE_CREATED, service)
    for machine in swarm.machines.values():
        if machine.takes_tasks and is_for(service, machine):
            orchestration.new_task(swarm, service, machine.id)


def is_for(service: SimService, machine: Machine) -> bool:
    """Whether a global service has a task for a node.

    Managers get none of one that only has nodes pull: the one that is asked pulled already.
    """
    if service.only_pulls and machine.manager:
        return False
    return meets(machine.look(), service.desired.constraints)


def slots(swarm: SimSwarm, service: SimService) -> list[str]:
    """Return a name for each task the service should have: numbers, or node ids if global."""
    if service.desired.mode in EVERYWHERE:
        return [m.id for m in swarm.machines.values() if m.takes_tasks and is_for(service, m)]
    return [str(number + 1) for number in range(service.desired.replicas)]


def remove_service(swarm: SimSwarm, service_id: str) -> bool:
    """Forget a service at once; its tasks take their time. False if there was none.

    Tasks of jobs are never reaped: nobody told the jobs orchestrator (moby#44312).
    """
    service = swarm.services.pop(service_id, None)
    if service is None:
        return False
    service.removed = True
    service.saw = None
    swarm.next_index()
    swarm.pool.dismiss(service)
    swarm.tell(What.SERVICE_REMOVED, service)
    if not service.job:
        swarm.clock.after(_NOTICED_SECONDS, _shut_all, swarm, service)
    return True


def _shut_all(swarm: SimSwarm, service: SimService) -> None:
    for task in service.tasks:
        orchestration.shut(swarm, task, TaskState.REMOVE)


def update_service(
    swarm: SimSwarm,
    service: SimService,
    desired: DesiredService,
    *,
    labels: Labels,
    networks: tuple[SimResource, ...],
) -> None:
    """Deploy over a service: what is of the same template is left, the rest is rolled out.

    So a second time moves an update on that was paused (swarmkit updater.go, dirty slots).
    """
    before = service.template
    service.desired, service.labels, service.networks = desired, labels, networks
    service.image = swarm.registry.resolve(desired.image)
    _written(swarm, service)
    service.update_state = service.update_message = ""
    service.saw = None
    swarm.tell(What.SERVICE_UPDATED, service)
    if service.job:
        _run_again(swarm, service)
        return
    _scale(swarm, service)
    _roll_out(swarm, service, changed=service.template != before)


def force_update(swarm: SimSwarm, service: SimService) -> None:
    """`docker service update --force`: every slot gets a new task, one that is at its end too."""
    service.forced += 1
    service.update_state = service.update_message = ""
    service.saw = None
    _written(swarm, service)
    swarm.tell(What.SERVICE_UPDATED, service)
    _roll_out(swarm, service, changed=True)


def _written(swarm: SimSwarm, service: SimService) -> None:
    service.version, service.changed = swarm.next_index(), swarm.clock.now


def _roll_out(swarm: SimSwarm, service: SimService, *, changed: bool) -> None:
    if changed:
        for task in service.tasks:
            swarm.touch(task)
    if dirty := [slot for slot in service.slots if _dirty(service, slot)]:
        Rollout(swarm, service, dirty).begin()


def _run_again(swarm: SimSwarm, service: SimService) -> None:
    """Begin another run of a job: every write of its specification does, a changed one or not."""
    service.iteration += 1
    for task in service.tasks:
        swarm.touch(task)
        if not task.state.terminal:
            orchestration.shut(swarm, task, TaskState.REMOVE)
    for slot in slots(swarm, service):
        orchestration.new_task(swarm, service, slot)


def _dirty(service: SimService, slot: str) -> bool:
    """Whether a slot has no task of the service's template that is to run, or has ended for good.

    Of one that is at its end the last task counts (swarmkit restart.go, UpdatableTasksInSlot).
    """
    tasks = service.slots[slot]
    wanted = [task for task in tasks if task.desired <= TaskState.RUNNING]
    if not wanted and tasks and not service.starts_again(slot, tasks[-1].state):
        wanted = tasks[-1:]
    return bool(wanted) and not any(task.template == service.template for task in wanted)


def _scale(swarm: SimSwarm, service: SimService) -> None:
    wanted = slots(swarm, service)
    for slot in [slot for slot in service.slots if slot not in wanted]:
        for task in list(service.slots[slot]):
            orchestration.shut(swarm, task, TaskState.REMOVE)
    for slot in wanted:
        if not service.slots.get(slot):
            orchestration.new_task(swarm, service, slot)


class Rollout:
    """One update of one service: slot after slot, the old task stopped before the new starts."""

    def __init__(self, swarm: SimSwarm, service: SimService, slots: list[str]) -> None:
        self._swarm = swarm
        self._service = service
        self._left = slots
        self._current: SimTask | None = None
        self._ours: set[str] = set()

    def begin(self) -> None:
        """Start with the first slot."""
        self._service.update_state = "updating"
        self._service.update_message = "update in progress"
        self._service.saw = self._saw
        self._next()

    def _next(self) -> None:
        if not self._left:
            self._swarm.clock.after(MONITOR_SECONDS, self._complete)
            return
        slot = self._left.pop(0)
        history = self._service.slots[slot]
        fresh = orchestration.new_task(self._swarm, self._service, slot, desired=TaskState.READY)
        self._current = fresh
        self._ours.add(fresh.id)
        alive = [t for t in history if t is not fresh and not t.state.terminal]
        for task in alive:
            task.successor = fresh
            orchestration.shut(self._swarm, task, TaskState.SHUTDOWN)
        if not alive:
            orchestration.release(self._swarm, fresh)
        wait = orchestration.OLD_TASK_SECONDS
        self._swarm.clock.after(wait, orchestration.release, self._swarm, fresh)

    def _saw(self, task: SimTask) -> None:
        if task.state in _ENDED and task.id in self._ours:
            words = f"update paused due to failure or early termination of task {task.id}"
            self._end("paused", words)
        elif task is self._current and task.state >= TaskState.RUNNING:
            # One that ended before it ran, on a node that was lost, is not waited for either
            # (swarmkit manager/orchestrator/update/updater.go).
            self._current = None
            self._next()

    def _complete(self) -> None:
        if self._service.saw == self._saw:
            self._end("completed", "update completed")

    def _end(self, state: str, words: str) -> None:
        self._service.saw = None
        self._service.update_state, self._service.update_message = state, words
        self._swarm.tell(What.SERVICE_UPDATED, self._service, state)
