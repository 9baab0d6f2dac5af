"""A witness that is not the tool: what Docker's daemons and the containers themselves said."""

from lab.witness.judge import DATATRAIL, Rules, violations
from lab.witness.records import (
    Event,
    LogLine,
    containers,
    events,
    logs,
    mutations,
    now,
    service_created,
    service_removed,
    services,
    unreachable_lines,
)
from lab.witness.timeline import timeline

__all__ = [
    "DATATRAIL",
    "Event",
    "LogLine",
    "Rules",
    "containers",
    "events",
    "logs",
    "mutations",
    "now",
    "service_created",
    "service_removed",
    "services",
    "timeline",
    "unreachable_lines",
    "violations",
]
