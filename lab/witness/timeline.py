"""Everything that the witness saw, as lines in order. Pure."""

from collections.abc import Iterable

from lab.witness.records import Event, LogLine

# Health checks make three of these a second.
_NOISE = ("exec_", "top", "archive-path")


def timeline(events: Iterable[Event], logs: Iterable[LogLine]) -> list[str]:
    """Merge events and log lines."""
    lines = [
        (event.at, f"{event.host:24} {event.kind:9} {event.action:22} {_subject(event)}")
        for event in events
        if not event.action.startswith(_NOISE)
    ]
    lines += [
        (line.at, f"{line.host:24} {'log':9} {line.container.split('.')[0]}: {line.text}")
        for line in logs
    ]
    return [f"{at:.3f} {text}" for at, text in sorted(lines)]


def _subject(event: Event) -> str:
    details = {
        key: value
        for key, value in event.attributes.items()
        if "." in key and key.startswith(("state.", "updatestate."))
    }
    if "exitCode" in event.attributes:
        details["exit"] = event.attributes["exitCode"]
    extra = " ".join(f"{key}={value}" for key, value in details.items())
    return f"{event.name} {extra}".strip()
