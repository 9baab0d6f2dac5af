"""What a node does with the tasks it was given: prepare, start, watch and stop containers."""

from orchestrator.fleet.observed import TaskState
from orchestrator.fleet.pulling import LOG_DRIVER, LOG_OPTION
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.happening import RunningContainer, What
from orchestrator.simulation.objects import Machine, SimContainer, SimTask
from orchestrator.simulation.swarm import SimSwarm

GOSSIP_SECONDS = 2.0
"""A task with a network waits so long before SIGTERM (moby controller.go, measured)."""
_SHORT = (0.01, 0.05)
_SETTLE = (0.05, 0.2)
_CONTAINER_LINGERS_SECONDS = 1.9
_REMOVING_SECONDS = 0.2
_NEEDS_A_WORD = frozenset({TaskState.ASSIGNED, TaskState.READY})
"""States that a task leaves only when the manager says so."""


def report(swarm: SimSwarm, task: SimTask, state: TaskState, error: str = "") -> None:
    """Bring a task to `state` on its node, and have it recorded if the node is heard."""
    task.actual = state
    task.error = error
    if swarm.hears(task.machine):
        record(swarm, task)


def record(swarm: SimSwarm, task: SimTask) -> None:
    """Write down what the node has made of the task, and let the manager act on it."""
    task.state, task.entered = task.actual, swarm.clock.now
    swarm.touch(task)
    swarm.tell(What.TASK_STATE, task, task.state.name.lower())
    swarm.recorded(task)


def go_on(swarm: SimSwarm, task: SimTask, seconds: float) -> None:
    """Let the task's life on its node go on in `seconds`, instead of what was to come."""
    task.ticket += 1
    swarm.clock.after(seconds, _advance, swarm, task, task.ticket)


def _advance(swarm: SimSwarm, task: SimTask, ticket: int) -> None:
    machine = task.machine
    if ticket != task.ticket or machine is None or not machine.awake:
        return
    if task.actual is TaskState.ASSIGNED and not machine.online:
        return
    step = _STEPS.get(task.actual)
    if step is not None:
        step(swarm, task, machine)


def _accept(swarm: SimSwarm, task: SimTask, _machine: Machine) -> None:
    report(swarm, task, TaskState.ACCEPTED)
    go_on(swarm, task, swarm.between(*_SHORT))


def _prepare(swarm: SimSwarm, task: SimTask, machine: Machine) -> None:
    report(swarm, task, TaskState.PREPARING)
    join_networks(task, machine)
    pulled = machine.holds(task.template[0])
    go_on(swarm, task, swarm.between(0.05, 0.2) + (0 if pulled else task.behaviour.pull_seconds))


def _create(swarm: SimSwarm, task: SimTask, machine: Machine) -> None:
    image = task.template[0]
    missing = task.behaviour.kind is Kind.MISSING
    if missing or not (machine.holds(image) or swarm.registry.check(image).ok):
        _leave_network(task)
        report(swarm, task, TaskState.REJECTED, f"No such image: {image.partition('@')[0]}")
        return
    machine.keep(image)
    if task.service.only_pulls:
        words = f"unknown log opt '{LOG_OPTION}' for {LOG_DRIVER} log driver"
        report(swarm, task, TaskState.REJECTED, words)
        return
    task.container = SimContainer(id=swarm.mint(), site=swarm.site, task=task)
    machine.containers[task.container.id] = task.container
    report(swarm, task, TaskState.READY)
    go_on(swarm, task, swarm.between(*_SHORT))


def _start(swarm: SimSwarm, task: SimTask, machine: Machine) -> None:
    if task.desired < TaskState.RUNNING or task.container is None:
        return
    report(swarm, task, TaskState.STARTING)
    run_container(swarm, task, machine, answers_after=task.behaviour.start_seconds)
    go_on(swarm, task, _seconds_to_come_up(task))


def _seconds_to_come_up(task: SimTask) -> float:
    health_check_seconds = task.template[2]
    if health_check_seconds <= 0:
        return task.behaviour.start_seconds
    if task.behaviour.kind is Kind.NEVER_HEALTHY:
        return health_check_seconds
    return task.behaviour.health_seconds


def run_container(
    swarm: SimSwarm, task: SimTask, machine: Machine, *, answers_after: float
) -> None:
    """Make a task's container run on `machine`, truly; it answers probes after that time."""
    now, service = swarm.clock.now, task.service
    container = task.container or SimContainer(id=swarm.mint(), site=swarm.site, task=task)
    task.container = machine.containers[container.id] = container
    deaf = task.behaviour.kind is Kind.NEVER_HEALTHY
    container.state, container.since = "running", now
    container.ready_at = float("inf") if deaf else now + answers_after
    swarm.world.running[container.id] = RunningContainer(
        swarm.site, machine.hostname, service.stack, service.desired.name, now, task.id
    )
    swarm.tell(What.CONTAINER_STARTED, task)


def _come_up(swarm: SimSwarm, task: SimTask, _machine: Machine) -> None:
    if task.behaviour.kind is Kind.NEVER_HEALTHY and task.template[2] > 0:
        task.exit_code = 143
        words = "task: non-zero exit (143): dockerexec: unhealthy container"
        _end(swarm, task, TaskState.FAILED, words)
        return
    report(swarm, task, TaskState.RUNNING)
    if task.behaviour.kind is Kind.CRASH_LOOP:
        go_on(swarm, task, task.behaviour.crash_after_seconds)
    elif _finishes(task):
        go_on(swarm, task, task.behaviour.run_seconds)


def _finish(swarm: SimSwarm, task: SimTask, _machine: Machine) -> None:
    if task.behaviour.kind is Kind.CRASH_LOOP:
        task.exit_code = task.behaviour.exit_code
        words = f"task: non-zero exit ({task.behaviour.exit_code})"
        _end(swarm, task, TaskState.FAILED, words)
    elif _finishes(task):
        task.exit_code = 0
        _end(swarm, task, TaskState.COMPLETE)


def _finishes(task: SimTask) -> bool:
    return task.service.job or task.behaviour.kind is Kind.FINISHES


_STEPS = {
    TaskState.ASSIGNED: _accept,
    TaskState.ACCEPTED: _prepare,
    TaskState.PREPARING: _create,
    TaskState.READY: _start,
    TaskState.STARTING: _come_up,
    TaskState.RUNNING: _finish,
}


def kill(swarm: SimSwarm, task: SimTask, exit_code: int = 137) -> None:
    """End a task's container as from outside: an OOM kill, a `docker kill`, a lost machine."""
    if task.actual.terminal:
        return
    task.ticket += 1
    task.exit_code = exit_code
    _end(swarm, task, TaskState.FAILED, f"task: non-zero exit ({exit_code})")


def stop(swarm: SimSwarm, task: SimTask) -> None:
    """Begin to stop a task the way a node does: gossip delay, SIGTERM, grace period, SIGKILL."""
    machine = task.machine
    if machine is None or task.stopping or task.actual.terminal:
        return
    if not (machine.online and machine.awake):
        return
    task.stopping = True
    task.ticket += 1
    if task.container is None or task.container.state != "running":
        swarm.clock.after(swarm.between(*_SETTLE), _stopped, swarm, task, task.ticket)
    else:
        swarm.clock.after(GOSSIP_SECONDS, _terminate, swarm, task, task.ticket)


def _terminate(swarm: SimSwarm, task: SimTask, ticket: int) -> None:
    if not _still_stopping(task, ticket) or task.behaviour.kind is Kind.STUCK:
        return
    grace = task.template[1]
    ignores = task.behaviour.kind is Kind.IGNORES_SIGTERM
    task.exit_code = 137 if ignores else 143
    seconds = grace if ignores else min(task.behaviour.stop_seconds, grace)
    swarm.clock.after(seconds, _stopped, swarm, task, ticket)


def _stopped(swarm: SimSwarm, task: SimTask, ticket: int) -> None:
    if _still_stopping(task, ticket):
        _end(swarm, task, TaskState.SHUTDOWN)


def _still_stopping(task: SimTask, ticket: int) -> bool:
    if ticket != task.ticket:
        return False
    awake = task.machine is not None and task.machine.awake
    task.stopping = awake
    return awake


def free(swarm: SimSwarm, task: SimTask) -> None:
    """Let a task that would not stop end at last."""
    if task.stopping and not task.actual.terminal:
        task.ticket += 1
        _end(swarm, task, TaskState.SHUTDOWN)


def sync(swarm: SimSwarm, machine: Machine) -> None:
    """Exchange news with a machine that is heard again: what became of tasks, what to do."""
    for task in list(machine.tasks.values()):
        if task.state is not task.actual and swarm.hears(machine):
            record(swarm, task)
        if task.actual.terminal:
            continue
        if task.desired > TaskState.RUNNING and not task.service.job:
            stop(swarm, task)
        elif task.actual in _NEEDS_A_WORD:
            go_on(swarm, task, swarm.between(*_SHORT))


def wake(swarm: SimSwarm, machine: Machine) -> None:
    """Let a machine whose dockerd works again go on with every task where it stood."""
    machine.awake, machine.halted = True, False
    sync(swarm, machine)
    for task in list(machine.tasks.values()):
        if not (task.actual.terminal or task.stopping):
            go_on(swarm, task, swarm.between(*_SETTLE))


def discard(swarm: SimSwarm, task: SimTask) -> None:
    """Remove the exited container of a task that is listed no more, a little later."""
    if task.container is not None and task.machine is not None:
        swarm.clock.after(_CONTAINER_LINGERS_SECONDS, _remove, swarm, task.container, task.machine)


def _remove(swarm: SimSwarm, container: SimContainer, machine: Machine) -> None:
    container.state = "removing"
    swarm.clock.after(_REMOVING_SECONDS, machine.containers.pop, container.id, None)


def _end(swarm: SimSwarm, task: SimTask, state: TaskState, error: str = "") -> None:
    container = task.container
    if container is not None and container.state == "running":
        swarm.world.running.pop(container.id, None)
        swarm.tell(What.CONTAINER_STOPPED, task)
    if container is not None:
        container.state, container.ended = "exited", swarm.clock.now
    _leave_network(task)
    report(swarm, task, state, error)


def join_networks(task: SimTask, machine: Machine) -> None:
    """Let the machine hold the networks of the task's service, as they are now."""
    task.networks = task.service.networks
    if machine.manager:
        for network in task.networks:
            network.local_users += 1


def _leave_network(task: SimTask) -> None:
    attached = task.actual >= TaskState.PREPARING
    if attached and task.machine is not None and task.machine.manager:
        for network in task.networks:
            network.local_users -= 1
