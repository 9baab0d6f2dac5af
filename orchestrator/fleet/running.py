"""What runs now, said in the words of desired state, and which revision it came from."""

from dataclasses import dataclass

from orchestrator.fleet.desired import DesiredService, DesiredStack, PublishedPort
from orchestrator.fleet.observed import Service, Sight, contents
from orchestrator.fleet.unit import Unit

LABEL_REPO = "dtdeploy.repo"
LABEL_REVISION = "dtdeploy.revision"
LABEL_RELEASE = "dtdeploy.release"
LABEL_COMPOSE = "dtdeploy.compose"
LABEL_RUN = "dtdeploy.run"
LABEL_FORMER = "dtdeploy.former"
"""The SHA that ran before what runs now; FORMER_GONE if nothing did; absent if nobody knows."""
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
        data=_agreed(services, LABEL_DATA),
    )


def as_running(unit: Unit, sight: Sight) -> DesiredStack:
    """Return the stack as the Swarm itself holds it, to judge what runs against itself."""
    return DesiredStack(
        unit=unit,
        services=tuple(
            DesiredService(
                name=service.name.removeprefix(f"{unit.stack}_"),
                image=service.image,
                mode=service.mode,
                replicas=service.replicas,
                grace_seconds=service.grace_seconds,
                ports=tuple(
                    PublishedPort(port=port, protocol=protocol, mode=mode)
                    for port, protocol, mode in service.published
                ),
            )
            for service in sorted(contents(sight, unit.stack).services, key=lambda s: s.name)
        ),
    )


def _agreed(services: tuple[Service, ...], label: str) -> str:
    values = {service.label(label) for service in services}
    if len(values) > 1:
        return MIXED
    return next(iter(values), "")
