"""What a person types at a manager's prompt, beside dtdeploy."""

from orchestrator.fleet.unit import Unit
from orchestrator.simulation import api, commands
from orchestrator.simulation.clock import Process
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.swarm import SimSwarm

BY = "person"
"""Whose command it is, where a happening says so."""


def types(swarm: SimSwarm, command: Process[str]) -> None:
    """Let a command begin now; what it is refused shows on that person's screen alone."""

    def until_it_ends() -> Process[str]:
        try:
            return (yield from api.acting(swarm, BY, command))
        except api.ApiError as error:
            return str(error)

    swarm.clock.spawn(until_it_ends(), lambda _words: None)


def stack_deploy(fleet: SimulatedFleet, unit: Unit) -> Process[str]:
    """`docker stack deploy` from a checkout of the newest revision, without any labels."""
    wanted = fleet.newest(unit)
    if wanted is None:
        yield 0.05
        raise api.ApiError(f"open {unit.stack}.yaml: no such file or directory")
    return (yield from commands.deploy(fleet.sites[unit.site].swarm, wanted, ()))


def config_rm(swarm: SimSwarm, name: str) -> Process[str]:
    """`docker config rm NAME`: whatever has that name when it arrives, whosever it is."""

    def remove() -> str:
        api.delete_config(swarm, api.config_by_name(swarm, name).id)
        return name

    return api.write(swarm, remove)
