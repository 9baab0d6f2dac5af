"""What a person types at a manager's prompt, beside dtdeploy."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.fleet.desired import DesiredService
from orchestrator.fleet.observed import Fact
from orchestrator.fleet.unit import Unit
from orchestrator.simulation import api, commands, rollout
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


def service_scale(swarm: SimSwarm, stack: str, service: str, count: int) -> Process[str]:
    """`docker service scale`: what is declared does not know of it."""

    def scaled(desired: DesiredService) -> DesiredService:
        told = Fact("replicas", "", str(count))
        facts = tuple(told if fact.kind == "replicas" else fact for fact in desired.facts)
        return replace(desired, replicas=count, facts=facts)

    return _update(swarm, stack, service, scaled)


def service_update(swarm: SimSwarm, stack: str, service: str) -> Process[str]:
    """`docker service update --env-add BY_HAND=1`."""

    def changed(desired: DesiredService) -> DesiredService:
        added = Fact("environment", "BY_HAND", "1")
        return replace(desired, facts=tuple(sorted({*desired.facts, added})))

    return _update(swarm, stack, service, changed)


def _update(
    swarm: SimSwarm, stack: str, service: str, change: Callable[[DesiredService], DesiredService]
) -> Process[str]:
    def update() -> str:
        chosen = [s for s in swarm.services_of(stack) if service in ("", s.desired.name)]
        for one in chosen:
            rollout.update_service(
                swarm, one, change(one.desired), labels=one.labels, networks=one.networks
            )
        return f"{len(chosen)} updated"

    return api.write(swarm, update)


def config_rm(swarm: SimSwarm, name: str) -> Process[str]:
    """`docker config rm NAME`: whatever has that name when it arrives, whosever it is."""

    def remove() -> str:
        api.delete_config(swarm, api.config_by_name(swarm, name).id)
        return name

    return api.write(swarm, remove)
