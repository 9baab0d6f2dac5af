"""Whether what happened was in the one safe order. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.witness.records import Event, LogLine

_STARTED = frozenset({"start", "restart", "unpause"})
_ENDED = frozenset({"die", "destroy"})
_NAMED = 5
_HEALTHY = "health_status: healthy"
_TIME_TO_TELL_SECONDS = 8.0
"""Who does not reach the server says so within 6 s (standins/rootfs/poll.sh)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What depends on what."""

    server_host: str = "frb-vsop.chime"
    server_stack: str = "datatrail"
    server_service: str = "datatrail_server"
    dependents: frozenset[str] = frozenset({"datatrail-daemons", "datatrail-client"})


DATATRAIL = Rules()


@dataclass(slots=True)
class _Fleet:
    """What runs where, as far as the events told."""

    running: dict[str, Event] = field(default_factory=dict)
    services: dict[tuple[str, str], Event] = field(default_factory=dict)
    healthy: set[str] = field(default_factory=set)
    lost_at: float = -math.inf
    """When the server last ceased to be healthy."""

    def serves(self, at: float) -> bool:
        """Whether the server has been healthy for so long that only the way to it can be cut."""
        return bool(self.healthy) and at - self.lost_at > _TIME_TO_TELL_SECONDS


def violations(
    events: Iterable[Event], logs: Iterable[LogLine], rules: Rules = DATATRAIL, *, since: float = 0
) -> list[str]:
    """Judge everything since a moment; the events before it tell what ran at that moment."""
    fleet = _Fleet()
    found: list[str] = []
    unreachable = [line for line in logs if line.is_unreachable and line.at >= since]
    together: list[Event | LogLine] = [*events, *unreachable]
    for happened in sorted(together, key=lambda one: one.at):
        if isinstance(happened, LogLine):
            if not fleet.serves(happened.at):
                where = f"{happened.at:.2f} {happened.host}: {happened.container}"
                found.append(f"{where} could not reach the server")
            continue
        if happened.at >= since:
            found += _judge(happened, fleet, rules)
        _apply(happened, fleet, rules)
    return found


def _judge(event: Event, fleet: _Fleet, rules: Rules) -> Sequence[str]:
    if event.kind != "service":
        return []
    where = f"{event.at:.2f} {event.host}: {event.name}"
    is_server = event.stack == rules.server_stack and event.host == rules.server_host
    if event.action == "remove" and is_server:
        still_there = _still_there(fleet)
        return [f"{where} was removed while {still_there}"] if still_there else []
    if event.action == "create" and event.stack in rules.dependents and not fleet.healthy:
        return [f"{where} was created before the server was healthy"]
    return []


def _still_there(fleet: _Fleet) -> str:
    containers = [f"{event.service} ran at {event.host}" for event in fleet.running.values()]
    services = [f"service {name} existed at {host}" for host, name in fleet.services]
    everything = containers + services
    named = "; ".join(everything[:_NAMED])
    more = len(everything) - _NAMED
    return f"{named}; and {more} more" if more > 0 else named


def _apply(event: Event, fleet: _Fleet, rules: Rules) -> None:
    if event.kind == "service":
        _apply_service(event, fleet, rules)
    elif event.kind == "container" and event.stack in rules.dependents:
        if event.action in _STARTED:
            fleet.running[event.id] = event
        elif event.action in _ENDED:
            fleet.running.pop(event.id, None)
    elif event.kind == "container" and event.service == rules.server_service:
        if event.action == _HEALTHY:
            fleet.healthy.add(event.id)
        elif event.action in _ENDED or event.action.startswith("health_status: un"):
            fleet.healthy.discard(event.id)
            fleet.lost_at = event.at


def _apply_service(event: Event, fleet: _Fleet, rules: Rules) -> None:
    if event.stack in rules.dependents:
        key = (event.host, event.name)
        if event.action == "create":
            fleet.services[key] = event
        elif event.action == "remove":
            fleet.services.pop(key, None)
    elif event.name == rules.server_service and event.action == "remove":
        fleet.healthy.clear()
        fleet.lost_at = event.at
