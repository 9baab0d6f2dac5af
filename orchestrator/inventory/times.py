"""Times in the inventory: cron expressions, time zones, local times, longer durations."""

import re
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from croniter import CroniterError, croniter
from pydantic import AfterValidator, BeforeValidator

from orchestrator.inventory.quoting import nearest, quoted
from orchestrator.inventory.words import DURATION, refuse, schema_of, seconds

_LONGEST_FREEZE_SECONDS = 31 * 86400.0
_LONGEST_GUARD_SECONDS = 120.0
_FIELD = (
    r"(?:[0-9*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)+"
)
_CRON = rf"(?i:{_FIELD}(?: +{_FIELD}){{4}})"
_ZONE = r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,2}"
_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}"
_SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - local time, in whatever zone


def _cron(value: str) -> str:
    fix = 'write minute, hour, day, month and weekday: "0 18 * * fri"'
    if not re.fullmatch(_CRON, value):
        refuse("bad-cron", f"{quoted(value)} is no cron expression of five fields", fix)
    try:
        croniter(value, _SOME_DAY).get_next(datetime)
    except CroniterError as error:
        refuse("bad-cron", f"{quoted(value)} is no cron expression: {error}", fix)
    return value


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone (ZoneInfoNotFoundError when this machine knows none of that name)."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError) as error:
        raise ZoneInfoNotFoundError(name) from error


def local_time(text: str) -> datetime:
    """Return a local time, without its zone (ValueError where there is no such day or hour)."""
    return datetime.fromisoformat(text)


def _zone(value: str) -> str:
    if re.fullmatch(_ZONE, value):
        with suppress(ZoneInfoNotFoundError):
            return zone_of(value).key
    close = nearest(value, available_timezones())
    fix = f"did you mean {quoted(close)}?" if close else "write one such as America/Vancouver"
    return refuse("bad-timezone", f"{quoted(value)} is no time zone that is known here", fix)


def _local(value: str) -> str:
    if re.fullmatch(_LOCAL, value):
        with suppress(ValueError):
            return local_time(value).isoformat(sep=" ", timespec="minutes")
    return refuse("bad-time", f"{quoted(value)} is no local time", 'write "2026-12-18 00:00"')


Cron = Annotated[str, AfterValidator(_cron), schema_of(r"\S+( +\S+){4}", examples=["0 18 * * fri"])]
ZoneName = Annotated[
    str, AfterValidator(_zone), schema_of(_ZONE, examples=["America/Vancouver", "UTC"])
]
LocalTime = Annotated[str, AfterValidator(_local), schema_of(_LOCAL, examples=["2026-12-18 00:00"])]
LongDuration = Annotated[
    float,
    BeforeValidator(partial(seconds, longest=_LONGEST_FREEZE_SECONDS)),
    schema_of(DURATION, examples=["14h", "2h30m"]),
]
GuardDuration = Annotated[
    float,
    BeforeValidator(partial(seconds, longest=_LONGEST_GUARD_SECONDS)),
    schema_of(DURATION, examples=["10s", "1m"]),
]
