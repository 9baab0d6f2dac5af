"""What a Swarm's manager does with tasks: addresses, placement, restarts, reaping."""

from orchestrator.fleet.observed import TaskState
from orchestrator.fleet.placement import meets
from orchestrator.simulation import agent
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.happening import What
from orchestrator.simulation.objects import EVERYWHERE, Machine, SimService, SimTask
from orchestrator.simulation.swarm import SimSwarm

RESTART_DELAY_SECONDS = 5.0
OLD_TASK_SECONDS = 60.0
"""A new task waits no longer for the old one to stop: one that was pending, or whose node is
lost, never says that it did (swarmkit restart.go, defaultOldTaskTimeout)."""
HISTORY = 5
"""So many tasks a slot are kept (TaskHistoryRetentionLimit)."""
_SHORT = (0.01, 0.05)
_REAP = (0.05, 0.3)


def attach(swarm: SimSwarm) -> None:
    """Make this the manager of `swarm`."""
    swarm.recorded = lambda task: _recorded(swarm, task)


def enlist(
    swarm: SimSwarm,
    service: SimService,
    slot: str,
    *,
    desired: TaskState = TaskState.RUNNING,
    start_at: float = 0.0,
) -> SimTask:
    """Put a new task on the list; nothing becomes of it yet."""
    stack, name = service.stack, service.desired.name
    image = service.image.partition("@")[0]
    task = SimTask(
        id=swarm.mint(),
        service=service,
        slot=slot,
        template=service.template,
        behaviour=swarm.world.behaviours.of(swarm.site, stack, name, image),
        desired=TaskState.COMPLETE if service.job else desired,
        start_at=start_at,
        entered=swarm.clock.now,
        iteration=service.iteration,
    )
    swarm.tasks[task.id] = task
    service.slots.setdefault(slot, []).append(task)
    swarm.touch(task)
    return task


def new_task(
    swarm: SimSwarm,
    service: SimService,
    slot: str,
    *,
    desired: TaskState = TaskState.RUNNING,
    start_at: float = 0.0,
) -> SimTask:
    """Create a task in a slot; one whose desired state is READY waits to be released."""
    task = enlist(swarm, service, slot, desired=desired, start_at=start_at)
    swarm.tell(What.TASK_STATE, task, "new")
    swarm.clock.after(swarm.between(*_SHORT), _allocate, swarm, task)
    _trim(swarm, service, slot)
    return task


def _allocate(swarm: SimSwarm, task: SimTask) -> None:
    if task.state is not TaskState.NEW or task.desired > TaskState.COMPLETE:
        return
    if not swarm.writable or not swarm.pool.take(task):
        swarm.waiting[task.id] = task
        return
    _write(swarm, task, TaskState.PENDING)
    swarm.clock.after(swarm.between(*_SHORT), _place, swarm, task)


def _place(swarm: SimSwarm, task: SimTask) -> None:
    if task.state is not TaskState.PENDING or task.desired > TaskState.COMPLETE:
        return
    if not swarm.writable:
        swarm.waiting[task.id] = task
        return
    machine, why = choose(swarm, task)
    if machine is None:
        swarm.waiting[task.id] = task
        if task.error != why:
            task.error = why
            swarm.touch(task)
            swarm.tell(What.TASK_STATE, task, "pending")
        return
    assign(task, machine)
    _write(swarm, task, TaskState.ASSIGNED)
    agent.go_on(swarm, task, swarm.between(*_SHORT))


def assign(task: SimTask, machine: Machine) -> None:
    """Give a task to a node, and with it the node's ports that it wants."""
    task.machine, task.node_id, task.error = machine, machine.id, ""
    machine.tasks[task.id] = task
    for port in task.service.ports("host"):
        machine.host_ports[port] = task


def choose(swarm: SimSwarm, task: SimTask) -> tuple[Machine | None, str]:
    """Return the least busy eligible node, or Docker's words for why there is none."""
    ports = task.service.ports("host")
    constraints = task.service.desired.constraints
    eligible = [
        m
        for m in swarm.machines.values()
        if _may_run(task, m) and (not constraints or meets(m.look(), constraints))
    ]
    if not eligible:
        return None, _no_node("scheduling constraints not satisfied", len(swarm.machines))
    up = [m for m in eligible if m.takes_tasks]
    if not up:
        return None, _no_node("not available for new tasks", len(eligible))
    free = [m for m in up if not any(port in m.host_ports for port in ports)]
    if not free:
        return None, _no_node("host-mode port already in use", len(up))
    return min(free, key=lambda machine: len(machine.tasks)), ""


def _may_run(task: SimTask, machine: Machine) -> bool:
    """Tell whether it could run there, but for its constraints.

    A service with a host-mode port stands for one that is constrained to the manager: a
    probe asks for it there.
    """
    if task.behaviour.kind is Kind.NO_NODE and not task.service.only_pulls:
        return False
    if task.service.desired.mode in EVERYWHERE:
        return task.slot == machine.id
    return machine.leads or not task.service.ports("host")


def _no_node(why: str, count: int) -> str:
    return f"no suitable node ({why} on {count} node{'s' if count > 1 else ''})"


def kick(swarm: SimSwarm) -> None:
    """Try again for every task that could not be brought further: something changed."""
    if not swarm.writable:
        return
    waiting, swarm.waiting = swarm.waiting, {}
    for task in waiting.values():
        if task.state is TaskState.NEW:
            swarm.clock.after(swarm.between(*_SHORT), _allocate, swarm, task)
        else:
            swarm.clock.after(swarm.between(*_SHORT), _place, swarm, task)


def release(swarm: SimSwarm, task: SimTask) -> None:
    """Let a task that was held back start."""
    if task.desired is not TaskState.READY:
        return
    if not swarm.writable:
        # Whoever leads next takes over who is held back (swarmkit orchestrator/taskinit).
        swarm.clock.after(1.0, release, swarm, task)
        return
    task.desired = TaskState.RUNNING
    swarm.touch(task)
    if task.actual is TaskState.READY and task.machine is not None and task.machine.online:
        agent.go_on(swarm, task, swarm.between(*_SHORT))


def shut(swarm: SimSwarm, task: SimTask, desired: TaskState) -> None:
    """Make `desired` (SHUTDOWN or REMOVE) what the Swarm wants of a task, and have it stop."""
    if task.desired >= desired:
        return
    task.desired = desired
    swarm.touch(task)
    if task.state.terminal:
        if desired is TaskState.REMOVE:
            swarm.clock.after(swarm.between(*_REAP), drop, swarm, task)
    elif task.machine is None and not task.node_id:
        swarm.waiting.pop(task.id, None)
        _free_address(swarm, task)
        swarm.clock.after(swarm.between(*_REAP), drop, swarm, task)
    else:
        agent.stop(swarm, task)


def supersede(swarm: SimSwarm, old: SimTask) -> None:
    """Have a task stop and another take its slot once it did, or after a minute."""
    service = old.service
    fresh = new_task(swarm, service, old.slot, desired=TaskState.READY)
    old.successor = fresh
    shut(swarm, old, TaskState.SHUTDOWN)
    swarm.clock.after(OLD_TASK_SECONDS, release, swarm, fresh)


def drop(swarm: SimSwarm, task: SimTask) -> None:
    """Take a task off the list for good."""
    if swarm.tasks.pop(task.id, None) is None:
        return
    slot = task.service.slots.get(task.slot)
    if slot is not None and task in slot:
        slot.remove(task)
    if task.machine is not None:
        task.machine.tasks.pop(task.id, None)
    agent.discard(swarm, task)
    swarm.touch_all()
    swarm.tell(What.TASK_GONE, task)


def _write(swarm: SimSwarm, task: SimTask, state: TaskState) -> None:
    task.state = task.actual = state
    task.entered = swarm.clock.now
    swarm.touch(task)
    swarm.tell(What.TASK_STATE, task, state.name.lower())


def _free_address(swarm: SimSwarm, task: SimTask) -> None:
    if swarm.pool.give_back(task):
        kick(swarm)


def _recorded(swarm: SimSwarm, task: SimTask) -> None:
    service = task.service
    if service.saw is not None:
        service.saw(task)
    if not task.state.terminal:
        return
    _free_ports(swarm, task)
    _free_address(swarm, task)
    if task.successor is not None:
        release(swarm, task.successor)
    if task.desired is TaskState.REMOVE:
        swarm.clock.after(swarm.between(*_REAP), drop, swarm, task)
    elif not service.removed and task.desired < TaskState.SHUTDOWN:
        _after_the_end(swarm, task)


def _after_the_end(swarm: SimSwarm, task: SimTask) -> None:
    """Replace a task that ended by itself; a job's is done unless it failed."""
    if task.state is TaskState.COMPLETE and task.service.job:
        return
    task.desired = TaskState.SHUTDOWN
    swarm.touch(task)
    if task.service.only_pulls or not task.service.starts_again(task.slot, task.state):
        return
    # A task that fails while its own start is still held back is replaced only when that
    # delay is over: this is what makes a rejected image come round every five seconds.
    swarm.clock.at(max(task.start_at, swarm.clock.now), _replace, swarm, task)


def _replace(swarm: SimSwarm, task: SimTask) -> None:
    service = task.service
    if service.removed or any(t.desired <= TaskState.COMPLETE for t in service.slots[task.slot]):
        return
    if not swarm.writable:
        swarm.clock.after(1.0, _replace, swarm, task)
        return
    start_at = swarm.clock.now + RESTART_DELAY_SECONDS
    fresh = new_task(swarm, service, task.slot, desired=TaskState.READY, start_at=start_at)
    swarm.clock.at(start_at, release, swarm, fresh)


def _free_ports(swarm: SimSwarm, task: SimTask) -> None:
    ports = task.service.ports("host")
    if task.machine is None or not ports:
        return
    for port in ports:
        if task.machine.host_ports.get(port) is task:
            del task.machine.host_ports[port]
    kick(swarm)


def _trim(swarm: SimSwarm, service: SimService, slot: str) -> None:
    history = service.slots[slot]
    while len(history) > HISTORY and not service.job:
        oldest = next((task for task in history if task.state.terminal), None)
        if oldest is None:
            return
        drop(swarm, oldest)
