"""What the recorders wrote, as typed values."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import paths

_STACK_LABEL = "com.docker.stack.namespace"
_SERVICE_LABEL = "com.docker.swarm.service.name"
# Networks cannot be updated by anyone but the Swarm's own allocator.
_API_ACTIONS = {
    "service": frozenset({"create", "update", "remove"}),
    "config": frozenset({"create", "update", "remove"}),
    "secret": frozenset({"create", "update", "remove"}),
    "network": frozenset({"create", "remove"}),
}
_NANOSECONDS = 1e-9
_PULL = "dtdeploy-pull-"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one daemon; `at` is the daemon's clock, which all hosts share."""

    at: float
    received: float
    host: str
    kind: str
    action: str
    scope: str
    id: str
    attributes: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the service, container, network, config or secret."""
        return self.attributes.get("name", self.id)

    @property
    def service(self) -> str:
        """The full name of the service, `stack_name`, also for its containers."""
        return self.name if self.kind == "service" else self.attributes.get(_SERVICE_LABEL, "")

    @property
    def stack(self) -> str:
        """The stack; a service's event names it only by the service's prefix."""
        if label := self.attributes.get(_STACK_LABEL):
            return label
        prefix, underscore, _ = self.name.partition("_")
        return prefix if underscore else ""

    @property
    def is_mutation(self) -> bool:
        """Whether somebody changed something through the API; a Swarm's own deeds are not meant."""
        if self.kind == "container":
            return self.action == "create" and not self.service
        own_deed = any(key.startswith("updatestate.") for key in self.attributes)
        called = self.action in _API_ACTIONS.get(self.kind, ())
        return called and self.scope == "swarm" and not own_deed


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a container said."""

    at: float
    host: str
    container: str
    text: str

    @property
    def is_unreachable(self) -> bool:
        """Whether a client or daemon says that it could not reach the server."""
        return self.text.startswith("UNREACHABLE ")


def now() -> float:
    """Give the time to hand to the readers as `since`."""
    return time.time()


def events(host: str | None = None, *, since: float = 0, until: float | None = None) -> list[Event]:
    """Read the events of one host or of all, in the order in which they happened."""
    found = [
        event
        for name, entry in _entries(".jsonl", host)
        if since <= (event := _event(name, entry)).at and (until is None or event.at <= until)
    ]
    return sorted(found, key=lambda event: event.at)


def logs(host: str | None = None, *, since: float = 0, until: float | None = None) -> list[LogLine]:
    """Read what containers said on one host or on all."""
    found = [
        LogLine(entry["received"], name, entry["container"], entry["text"])
        for name, entry in _entries(".log", host)
        if since <= entry["received"] and (until is None or entry["received"] <= until)
    ]
    return sorted(found, key=lambda line: line.at)


def unreachable_lines(*, since: float = 0, until: float | None = None) -> list[LogLine]:
    """List the traces of a server that was away while somebody needed it."""
    return [line for line in logs(since=since, until=until) if line.is_unreachable]


def services(action: str, *, since: float = 0, host: str | None = None) -> list[Event]:
    """List the creations, updates or removals of services, but for those that nodes pull by."""
    return [event for event in _services(action, since, host) if not is_pull(event)]


def pulls(*, since: float = 0, host: str | None = None) -> list[Event]:
    """List the creations of services that only have nodes pull an image."""
    return [event for event in _services("create", since, host) if is_pull(event)]


def is_pull(event: Event) -> bool:
    """Whether it is about a service that only has nodes pull an image."""
    return event.name.startswith(_PULL)


def _services(action: str, since: float, host: str | None) -> list[Event]:
    found = events(host, since=since)
    return [event for event in found if event.kind == "service" and event.action == action]


def service_created(service: str, *, since: float = 0, host: str | None = None) -> list[float]:
    """Tell when a service of that full name was created."""
    return [e.at for e in services("create", since=since, host=host) if e.name == service]


def service_removed(service: str, *, since: float = 0, host: str | None = None) -> list[float]:
    """Tell when a service of that full name was removed."""
    return [e.at for e in services("remove", since=since, host=host) if e.name == service]


def containers(
    action: str, *, since: float = 0, host: str | None = None, stack: str | None = None
) -> list[Event]:
    """List the containers' starts, deaths and so on, with their stack and service."""
    found = events(host, since=since)
    return [
        event
        for event in found
        if event.kind == "container"
        and event.action == action
        and (stack is None or event.stack == stack)
    ]


def mutations(
    *, since: float, host: str | None = None, ignoring: Collection[str] = ()
) -> list[Event]:
    """List what was created, removed or updated through any daemon's API.

    `ignoring` leaves out objects of these names, such as a lock.
    """
    found = events(host, since=since)
    return [event for event in found if event.is_mutation and event.name not in ignoring]


def _entries(suffix: str, host: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = paths.witness_folder()
    files = [folder / f"{host}{suffix}"] if host else sorted(folder.glob(f"*{suffix}"))
    for file in files:
        for line in _lines(file):
            yield file.name.removesuffix(suffix), json.loads(line)


def _lines(file: Path) -> list[str]:
    if not file.exists():
        return []
    # The recorder may be in the middle of the last line.
    whole, _, _ = file.read_text().rpartition("\n")
    return whole.splitlines()


def _event(host: str, entry: dict[str, Any]) -> Event:
    raw = entry["event"]
    return Event(
        at=raw["timeNano"] * _NANOSECONDS,
        received=entry["received"],
        host=host,
        kind=raw["Type"],
        action=raw["Action"],
        scope=raw.get("scope", "local"),
        id=raw["Actor"]["ID"],
        attributes=raw["Actor"].get("Attributes") or {},
    )
