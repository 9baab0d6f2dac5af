"""Nodes and managers that fail, and come back."""

from collections.abc import Callable

from orchestrator.fleet.observed import Mode, NodeState, TaskState
from orchestrator.simulation import agent, orchestration, rollout
from orchestrator.simulation.happening import What
from orchestrator.simulation.objects import Machine, SimTask
from orchestrator.simulation.swarm import STALE_SECONDS, SimSwarm

DOWN_AFTER_SECONDS = 15.0
"""Three missed heartbeats of five seconds (measured)."""
_BACK_AFTER_SECONDS = 1.0
_AGAIN_SECONDS = 1.0
DOWN_FROM_UNKNOWN_SECONDS = 30.0
"""Twice as long as else (swarmkit dispatcher/nodes.go, gracePeriodMultiplierUnknown; measured)."""
REGISTER_SECONDS = {True: 1.0, False: 12.0}
"""How long a manager, or a worker, takes at most to find a new leader (measured)."""
ELECTION_SECONDS = (10.0, 20.0)
"""Ticks of a second until a manager that hears no leader wants to be it (swarmkit raft)."""


def lose(swarm: SimSwarm, machine: Machine) -> None:
    """Stop hearing a node; what runs on it runs on. After 15 s the Swarm calls it down.

    With a manager of several the quorum may go.
    """
    machine.online = False
    _count(swarm, machine)
    swarm.clock.after(DOWN_AFTER_SECONDS, _call_down, swarm, machine)


def be_down(swarm: SimSwarm, machine: Machine) -> None:
    """Let a node be lost and called down already."""
    machine.online = False
    _call_down(swarm, machine)
    _count(swarm, machine)


def freeze(swarm: SimSwarm, machine: Machine) -> None:
    """Stop a node's every process where it stands: its containers neither work nor end."""
    machine.awake, machine.halted = False, True
    lose(swarm, machine)


def power_off(swarm: SimSwarm, machine: Machine) -> None:
    """Switch a node off: its containers are gone, and the Swarm does not know."""
    lose(swarm, machine)
    _kill_all(swarm, machine)
    machine.awake = False


def bring_back(swarm: SimSwarm, machine: Machine) -> None:
    """Let a lost, frozen or switched-off node work and be heard again."""
    swarm.clock.after(_BACK_AFTER_SECONDS, _call_ready, swarm, machine)


Strike = Callable[[SimSwarm, Machine], None]
"""What befalls a node: `lose`, `freeze` or `power_off`."""


def lose_manager(swarm: SimSwarm, strike: Strike = power_off) -> bool:
    """Let the manager that leads be lost; returns whether another one is there to be asked.

    Without a leader until the others have elected one, or for good where they are too few.
    """
    dead, managers = swarm.manager, [m for m in swarm.machines.values() if m.manager]
    strike(swarm, dead)
    lose_quorum(swarm)
    left = [machine for machine in managers if machine.online and machine.awake]
    if not left:
        return False
    _lead(swarm, left[0])
    # One that does not lead asks the leader, also where it is only read: nothing is from before.
    swarm.quorum_lost_at = swarm.clock.now - STALE_SECONDS
    if _enough(swarm):
        swarm.clock.after(swarm.between(*ELECTION_SECONDS), _elected, swarm, left[0])
    return True


def bring_managers_back(swarm: SimSwarm) -> None:
    """Let every manager that is off work and be heard again."""
    for machine in swarm.machines.values():
        if machine.manager and not machine.online:
            bring_back(swarm, machine)
            swarm.clock.after(_BACK_AFTER_SECONDS, _elected, swarm, swarm.manager)


def use(swarm: SimSwarm, machine: Machine, availability: str) -> None:
    """Make a node `active`, `pause` or `drain`, as somebody does who types `docker node update`.

    A paused node keeps what it runs. On one that is drained everything ends; replicas go to other
    nodes, and each waits until the one before it has stopped. What a job does is left alone.
    Nothing comes of it while nothing can be recorded.
    """
    if not swarm.writable or machine.availability == availability:
        return
    machine.availability = availability
    swarm.next_index()
    swarm.tell(What.NODE_STATE, "", f"{machine.hostname} {availability}")
    if availability == "drain":
        for task in list(machine.tasks.values()):
            if not task.service.job and task.desired <= TaskState.RUNNING:
                _evict(swarm, task)
    elif availability == "active":
        _fill(swarm, machine)
    orchestration.kick(swarm)


def _evict(swarm: SimSwarm, task: SimTask) -> None:
    if task.service.removed or task.service.desired.mode is not Mode.REPLICATED:
        orchestration.shut(swarm, task, TaskState.SHUTDOWN)
    elif not task.state.terminal:
        orchestration.supersede(swarm, task)


def _fill(swarm: SimSwarm, machine: Machine) -> None:
    """Give a node that takes tasks again one of every global service that is for it."""
    for service in list(swarm.services.values()):
        if service.desired.mode is not Mode.GLOBAL or not rollout.is_for(service, machine):
            continue
        if not any(t.desired <= TaskState.RUNNING for t in service.slots.get(machine.id, ())):
            orchestration.new_task(swarm, service, machine.id)


def _lead(swarm: SimSwarm, machine: Machine) -> None:
    """Let another manager be the one that leads and that is asked."""
    swarm.manager.leads, machine.leads = False, True
    swarm.manager = machine
    swarm.touch_all()


def _count(swarm: SimSwarm, machine: Machine) -> None:
    """Let the quorum be lost where a manager of several is, and too few are left."""
    if _one_of_several(swarm, machine) and not _enough(swarm):
        lose_quorum(swarm)


def _one_of_several(swarm: SimSwarm, machine: Machine) -> bool:
    return machine.manager and sum(m.manager for m in swarm.machines.values()) > 1


def _enough(swarm: SimSwarm) -> bool:
    managers = [machine for machine in swarm.machines.values() if machine.manager]
    return 2 * sum(machine.online for machine in managers) > len(managers)


def _elected(swarm: SimSwarm, leader: Machine) -> None:
    """Let there be a leader, if there is none, it is still that one, and there are enough."""
    if swarm.quorum_lost_at is not None and swarm.manager is leader and _enough(swarm):
        regain_quorum(swarm)


def _doubt(swarm: SimSwarm, machine: Machine) -> None:
    """Let the Swarm not know how a node is, for as long as that does not register anew."""
    machine.state = NodeState.UNKNOWN
    if machine is swarm.manager:
        _register(swarm, machine)
    else:
        seconds = REGISTER_SECONDS[machine.manager]
        swarm.clock.after(swarm.between(0.0, seconds), _register, swarm, machine)


def _register(swarm: SimSwarm, machine: Machine) -> None:
    if not machine.online or machine.state is not NodeState.UNKNOWN:
        return
    if not swarm.writable:
        swarm.clock.after(_AGAIN_SECONDS, _register, swarm, machine)
    else:
        machine.state = NodeState.READY
        swarm.tell(What.NODE_STATE, "", f"{machine.hostname} ready")
        orchestration.kick(swarm)


def stop_daemon(swarm: SimSwarm) -> None:
    """Stop the manager's dockerd: its containers end, its API refuses, nothing is recorded."""
    swarm.daemon_up = False
    _kill_all(swarm, swarm.manager)
    swarm.manager.awake = False


def start_daemon(swarm: SimSwarm) -> None:
    """Start it again: leaked ingress addresses are found, ended tasks are replaced."""
    swarm.daemon_up = True
    swarm.pool.restart_leader()
    _resume(swarm)


def freeze_daemon(swarm: SimSwarm) -> None:
    """Stop the manager's dockerd with SIGSTOP: its API hangs, its containers run on."""
    swarm.frozen = True
    swarm.manager.awake = False


def thaw_daemon(swarm: SimSwarm) -> None:
    """Let it go on: requests that hung are answered now."""
    swarm.frozen = False
    _resume(swarm)


def lose_quorum(swarm: SimSwarm) -> None:
    """Take away enough managers that nothing can be recorded."""
    if swarm.quorum_lost_at is None:
        swarm.quorum_lost_at = swarm.clock.now


def regain_quorum(swarm: SimSwarm) -> None:
    """Bring them back: writes in limbo are settled, nodes are heard again.

    Whoever leads now knows of no node how it is, until that has said so itself.
    """
    swarm.quorum_lost_at = None
    for machine in swarm.machines.values():
        if machine.state is not NodeState.DOWN:
            _doubt(swarm, machine)
    limbo, swarm.limbo = swarm.limbo, []
    for write in limbo:
        write()
    _resume(swarm)


def _resume(swarm: SimSwarm) -> None:
    manager = swarm.manager
    (agent.sync if manager.awake else agent.wake)(swarm, manager)
    for machine in swarm.machines.values():
        if machine.online and machine is not swarm.manager:
            agent.sync(swarm, machine)
        elif not machine.online and machine.state is not NodeState.DOWN:
            unknown = machine.state is NodeState.UNKNOWN
            seconds = DOWN_FROM_UNKNOWN_SECONDS if unknown else DOWN_AFTER_SECONDS
            swarm.clock.after(seconds, _call_down, swarm, machine)
    orchestration.kick(swarm)


def _kill_all(swarm: SimSwarm, machine: Machine) -> None:
    for task in list(machine.tasks.values()):
        agent.kill(swarm, task)


def _call_down(swarm: SimSwarm, machine: Machine) -> None:
    if machine.online or machine.state is NodeState.DOWN or not swarm.writable:
        return
    machine.state = NodeState.DOWN
    swarm.tell(What.NODE_STATE, "", f"{machine.hostname} down")
    for task in list(machine.tasks.values()):
        if not task.state.terminal and task.desired <= TaskState.RUNNING:
            _move(swarm, task)
        elif task.successor is not None:
            orchestration.release(swarm, task.successor)


def _move(swarm: SimSwarm, task: SimTask) -> None:
    """Give a task of a lost node up: it stays listed as it was, another takes its slot."""
    service = task.service
    orchestration.shut(swarm, task, TaskState.SHUTDOWN)
    if not service.removed and service.desired.mode is Mode.REPLICATED:
        orchestration.new_task(swarm, service, task.slot)


def _call_ready(swarm: SimSwarm, machine: Machine) -> None:
    machine.online = True
    was_down, machine.state = machine.state is NodeState.DOWN, NodeState.READY
    if machine.awake:
        agent.sync(swarm, machine)
    else:
        agent.wake(swarm, machine)
    swarm.tell(What.NODE_STATE, "", f"{machine.hostname} ready")
    if was_down and machine.takes_tasks:
        _fill(swarm, machine)
    if _one_of_several(swarm, machine) and swarm.quorum_lost_at is not None:
        if not swarm.manager.online:
            _lead(swarm, machine)
        swarm.clock.after(swarm.between(*ELECTION_SECONDS), _elected, swarm, swarm.manager)
    orchestration.kick(swarm)
