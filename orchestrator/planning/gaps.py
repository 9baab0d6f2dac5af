"""Services that an update in place leaves without any task for a moment. Pure.

Under stop-first, which is Docker's default, the old task is stopped before the new one is created
(swarmkit, updater.go), as many at a time as `parallelism` says, 0 being all.
"""

from collections.abc import Iterable

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.drift import Change
from orchestrator.fleet.facts import OF_THE_SERVICE
from orchestrator.fleet.observed import Mode


def gaps(desired: DesiredStack, there: Iterable[str], changes: Iterable[Change]) -> tuple[str, ...]:
    """Return the services of which no task runs while they are updated.

    Args:
        desired: what is deployed over what runs.
        there: short names of the services that run.
        changes: in what these differ from what is deployed.

    """
    running = frozenset(there)
    changed = {change.service for change in changes if change.kind not in OF_THE_SERVICE}
    return tuple(
        service.name
        for service in desired.services
        if service.name in running & changed and _stops_all(service)
    )


def _stops_all(service: DesiredService) -> bool:
    policy = {fact.item: fact.value for fact in service.facts if fact.kind == "update"}
    if service.mode is not Mode.REPLICATED or policy.get("order") == "start-first":
        return False
    at_once = int(policy.get("parallelism", "1"))
    return at_once == 0 or service.replicas <= at_once
