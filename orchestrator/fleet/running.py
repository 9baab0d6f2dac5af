"""What runs now, said in the words of desired state, and which revision it came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.fleet.desired import DesiredService, DesiredStack, PublishedPort
from orchestrator.fleet.observed import Look, Service, Sight, TaskState, contents
from orchestrator.fleet.unit import Unit

LABEL_REPO = "dtdeploy.repo"
LABEL_REVISION = "dtdeploy.revision"
LABEL_RELEASE = "dtdeploy.release"
LABEL_COMPOSE = "dtdeploy.compose"
LABEL_RUN = "dtdeploy.run"
LABEL_FORMER = "dtdeploy.former"
"""The SHA that ran before what runs now; FORMER_GONE if nothing did; absent if nobody knows."""
LABEL_FORMER_RELEASE = "dtdeploy.former.release"
"""The digest of the release that ran before what runs now; absent if nobody knows."""
LABEL_DATA = "dtdeploy.data"
"""SHA-256 over the files behind the stack's configs and secrets; absent if it has none."""
MIXED = "mixed"
FORMER_GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where what runs came from, by the labels dtdeploy set on the services.

    Each is "" when no service says so, and MIXED when services disagree.
    """

    repo: str = ""
    revision: str = ""
    release: str = ""
    run: str = ""
    former: str = ""
    former_release: str = ""
    data: str = ""


def origin(unit: Unit, sight: Sight) -> Origin:
    """Read where the unit's services came from."""
    services = contents(sight, unit.stack).services
    return Origin(
        repo=_agreed(services, LABEL_REPO),
        revision=_agreed(services, LABEL_REVISION),
        release=_agreed(services, LABEL_RELEASE),
        run=_agreed(services, LABEL_RUN),
        former=_agreed(services, LABEL_FORMER),
        former_release=_agreed(services, LABEL_FORMER_RELEASE),
        data=_agreed(services, LABEL_DATA),
    )


def running_since(unit: Unit, look: Look) -> float | None:
    """Return since when all tasks that run of a unit do, seconds since 1970 by their nodes' clocks.

    None where none runs, or nobody says. To show: nodes' clocks differ.
    """
    if not isinstance(look, Sight):
        return None
    began = [
        task.since
        for task in contents(look, unit.stack).tasks
        if task.state is TaskState.RUNNING and task.since is not None
    ]
    return max(began, default=None)


def as_running(
    unit: Unit, sight: Sight, *, relied_on: Iterable[str] = (), known: Iterable[str] = ()
) -> DesiredStack:
    """Return the stack as the Swarm itself holds it, to judge what runs against itself.

    The services in `relied_on` and `known`, by their short names, are wanted as well, the former
    with at least one task each: what somebody removed, or has scaled to nothing, would be content
    with itself.
    """
    least = dict.fromkeys(relied_on, 1)
    there = {s.name.removeprefix(f"{unit.stack}_") for s in contents(sight, unit.stack).services}
    wanted = dict.fromkeys((*least, *known))
    lost = (DesiredService(name=name, image="") for name in wanted if name not in there)
    return DesiredStack(
        unit=unit,
        services=(*lost, *_as_held(unit, sight, least)),
    )


def _as_held(unit: Unit, sight: Sight, least: Mapping[str, int]) -> tuple[DesiredService, ...]:
    return tuple(
        DesiredService(
            name=name,
            image=service.image,
            mode=service.mode,
            replicas=max(service.replicas, least.get(name, 0)),
            grace_seconds=service.grace_seconds,
            ports=tuple(
                PublishedPort(port=port, protocol=protocol, mode=mode)
                for port, protocol, mode in service.published
            ),
        )
        for name, service in sorted(
            (service.name.removeprefix(f"{unit.stack}_"), service)
            for service in contents(sight, unit.stack).services
        )
    )


def _agreed(services: tuple[Service, ...], label: str) -> str:
    values = {service.label(label) for service in services}
    if len(values) > 1:
        return MIXED
    return next(iter(values), "")
