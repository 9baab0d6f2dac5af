"""Stacks that run already when the simulation begins, put in place without their past."""

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import TaskState
from orchestrator.simulation import agent, api, orchestration, rollout
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.commands import data_names, networks_of
from orchestrator.simulation.objects import Machine, SimService, SimTask
from orchestrator.simulation.swarm import SimSwarm


def install(swarm: SimSwarm, stack: DesiredStack, labels: rollout.Labels) -> None:
    """Let `stack` run already, every task of it."""
    furnish(swarm, stack)
    run_already(swarm, stack, labels)


def furnish(swarm: SimSwarm, stack: DesiredStack) -> None:
    """Let the network, the secret and the config of `stack` be there."""
    name = stack.unit.stack
    network, secret, config = data_names(name)
    api.create_network(swarm, name, network)
    api.create_secret(swarm, secret, stack=name)
    api.create_config(swarm, config, stack=name)


def run_already(swarm: SimSwarm, stack: DesiredStack, labels: rollout.Labels) -> None:
    """Let the services of `stack` run, all whose networks are there."""
    name = stack.unit.stack
    for desired in stack.services:
        networks = tuple(n for n in networks_of(swarm, name, desired).values() if n is not None)
        service = rollout.admit_service(swarm, name, desired, labels=labels, networks=networks)
        for slot in rollout.slots(swarm, service):
            _run_already(swarm, orchestration.enlist(swarm, service, slot))


def _run_already(swarm: SimSwarm, task: SimTask) -> None:
    machine, why = orchestration.choose(swarm, task)
    task.state = task.actual = TaskState.PENDING
    if machine is None or not swarm.pool.take(task):
        task.error = why
        swarm.waiting[task.id] = task
        return
    orchestration.assign(task, machine)
    machine.keep(task.template[0])
    if task.service.job:
        task.state = task.actual = TaskState.COMPLETE
        task.exit_code = 0
        return
    agent.join_networks(task, machine)
    agent.run_container(swarm, task, machine, answers_after=0.0)
    task.state = task.actual = TaskState.RUNNING
    if task.behaviour.kind is Kind.CRASH_LOOP:
        agent.go_on(swarm, task, task.behaviour.crash_after_seconds)


def add_ghost(swarm: SimSwarm, stack: DesiredStack) -> SimTask:
    """Leave a task behind whose node was removed from the Swarm: it stays listed for ever."""
    service = _forgotten(swarm, stack)
    ghost = orchestration.enlist(swarm, service, "1")
    ghost.node_id = swarm.mint()
    ghost.state = ghost.actual = TaskState.RUNNING
    ghost.desired = TaskState.REMOVE
    swarm.touch(ghost)
    return ghost


def add_job_residue(swarm: SimSwarm, stack: DesiredStack, machine: Machine) -> SimTask:
    """Leave the finished task of a removed job behind: never reaped (moby#44312)."""
    residue = orchestration.enlist(swarm, _forgotten(swarm, stack), "1")
    orchestration.assign(residue, machine)
    residue.state = residue.actual = TaskState.COMPLETE
    residue.desired = TaskState.COMPLETE
    swarm.touch(residue)
    return residue


def _forgotten(swarm: SimSwarm, stack: DesiredStack) -> SimService:
    desired = stack.services[0]
    service = rollout.admit_service(swarm, stack.unit.stack, desired, labels=())
    swarm.services.pop(service.id)
    swarm.pool.dismiss(service)
    service.removed = True
    return service
