"""What was seen of the units around a plan, and what of it matters when it is seen again.

A saved plan keeps this. A task that was rescheduled is another task of the same service, and
does not matter; whatever changes a service does, since its version is raised by every write
(swarmkit, `ServiceSpec` updates, `docker service update --force` among them).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.masked import is_masked
from orchestrator.fleet.observed import Look, Service, Sight, contents
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Plan
from orchestrator.planning.scope import look_before
from orchestrator.planning.selection import dependencies, dependents

_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenService:
    """A service. `id` and `spec` are salted hashes of its id, and of its version and labels.

    `version` is one of its version alone, for a login that may only look: it is not shown all
    labels as they are, so that `spec` is "".
    """

    id: str
    spec: str
    image: str
    replicas: int
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenUnit:
    """A unit; `unwell` when it was UNHEALTHY, which one that is still starting is not."""

    presence: Presence
    unwell: bool = False
    revision: str = ""
    services: Mapping[str, SeenService] = field(default_factory=dict)


def around(inventory: Inventory, plan: Plan) -> tuple[Unit, ...]:
    """Return the units of a plan, all that depend on them and all that they depend on."""
    units = frozenset(item.unit for item in plan.units)
    every = units | dependents(inventory, units) | dependencies(inventory, units)
    return tuple(unit for unit in sorted(every) if inventory.state(unit) is not SiteState.PLANNED)


def see(
    inventory: Inventory, units: Iterable[Unit], looks: Mapping[str, Look], *, salt: str
) -> dict[str, SeenUnit]:
    """Return what was seen of `units`, by their names.

    Args:
        inventory: everything that is declared.
        units: of which units.
        looks: a look at each of their sites.
        salt: mixed into every hash, so that two plans have none in common.

    """
    return {str(unit): _see(inventory, unit, looks[unit.site], salt) for unit in units}


def moved(was: Mapping[str, SeenUnit], now: Mapping[str, SeenUnit]) -> tuple[str, ...]:
    """Say what of `was` is not as it was, a line for each thing; both with the same salt."""
    lines: list[str] = []
    for name in sorted(was.keys() | now.keys()):
        if name not in was or name not in now:
            lines.append(f"{name} is {'no longer' if name in was else 'now'} part of the plan")
        else:
            lines += _unit_moved(name, was[name], now[name])
    return tuple(lines)


def _see(inventory: Inventory, unit: Unit, look: Look, salt: str) -> SeenUnit:
    before = look_before(unit, inventory.spec(unit), look)
    services = contents(look, unit.stack).services if isinstance(look, Sight) else ()
    return SeenUnit(
        presence=before.presence,
        unwell=before.verdict is Verdict.UNHEALTHY,
        revision=before.revision,
        services={
            service.name.removeprefix(f"{unit.stack}_"): _see_service(service, salt)
            for service in services
        },
    )


def _see_service(service: Service, salt: str) -> SeenService:
    hidden = any(is_masked(value) for _, value in service.labels)
    labels = map(repr, sorted(service.labels))
    return SeenService(
        id=_hash(salt, service.id),
        spec="" if hidden else _hash(salt, service.id, str(service.version), *labels),
        image=service.image,
        replicas=service.replicas,
        version=_hash(salt, service.id, str(service.version)),
    )


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _unit_moved(name: str, was: SeenUnit, now: SeenUnit) -> Iterator[str]:
    if now.presence is not was.presence:
        yield f"{name} is {now.presence.value} now, was {was.presence.value}"
        return
    if now.revision != was.revision:
        yield f"{name} is {_at(now.revision)} now, was {_at(was.revision)}: it was redeployed"
    for service in sorted(was.services.keys() | now.services.keys()):
        words = _service_moved(was.services.get(service), now.services.get(service))
        if words:
            yield f"{name}: service {service} {words}"
    if now.unwell and not was.unwell:
        yield f"{name} is unhealthy now, and was not"


def _at(revision: str) -> str:
    return f"at {revision[:10]}" if revision else "of no known revision"


def _service_moved(was: SeenService | None, now: SeenService | None) -> str:
    if was is None:
        return "is new"
    if now is None:
        return "is gone"
    if now.id != was.id:
        return "was removed and made again"
    if now.replicas != was.replicas:
        return f"was scaled from {was.replicas} to {now.replicas}"
    if now.image != was.image:
        return f"runs {now.image} now, was {was.image}"
    whole = was.spec and now.spec
    same = now.spec == was.spec if whole else now.version == was.version
    return "" if same else "was updated or redeployed"
