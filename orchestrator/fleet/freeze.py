"""Times at which nothing may be taken down, and whether now is one of them. Pure.

Windows are wall time of a named zone, so an observing night begins at 18:00 before and after the
clocks change. How long one lasts is real time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

_CLOCK_CHANGE = timedelta(hours=3)
"""No zone has moved its clocks by more at once since 1970, but for whole days skipped."""
_MOST_STARTS = 1000
"""So many starts in one unbroken freeze are taken for one without an end."""

if TYPE_CHECKING:
    from croniter import croniter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """Begins whenever `cron` (five fields, local time) says so, and lasts `lasts_seconds`."""

    cron: str
    lasts_seconds: float
    zone: ZoneInfo
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """From `begins` until `ends`, both with a zone."""

    begins: datetime
    ends: datetime
    reason: str


Freeze = Recurring | Once


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A freeze that holds now. `ends` is seconds since 1970, None when no end is in sight.

    `until` says the same in the freeze's own zone.
    """

    reason: str
    ends: float | None
    until: str


def frozen(freezes: Iterable[Freeze], wall: float) -> tuple[Frozen, ...]:
    """Return the freezes that hold at `wall` (seconds since 1970), the longest first."""
    now = datetime.fromtimestamp(wall, UTC)
    holding = [held for freeze in freezes if (held := _held(freeze, now))]
    return tuple(sorted(holding, key=lambda held: -(held.ends or float("inf"))))


def _held(freeze: Freeze, now: datetime) -> Frozen | None:
    if isinstance(freeze, Once):
        return _until(freeze.reason, freeze.ends) if freeze.begins <= now < freeze.ends else None
    lasts = timedelta(seconds=freeze.lasts_seconds)
    began = next((start for start in _back(freeze, now) if start <= now), None)
    if began is None or began + lasts <= now:
        return None
    ends = began + lasts
    for start in islice(_on(freeze, began), _MOST_STARTS):
        if start > ends:
            return _until(freeze.reason, ends.astimezone(freeze.zone))
        ends = max(ends, start + lasts)
    return Frozen(reason=freeze.reason, ends=None, until="no end in sight")


def _until(reason: str, ends: datetime) -> Frozen:
    return Frozen(reason=reason, ends=ends.timestamp(), until=f"{ends:%Y-%m-%d %H:%M %Z}")


def _back(freeze: Recurring, now: datetime) -> Iterator[datetime]:
    """Yield starts, the latest first, beginning with ones that may still be to come.

    Where the clocks go back, a later hour of the wall may be an earlier moment.
    """
    local = now.astimezone(freeze.zone).replace(tzinfo=None) + _CLOCK_CHANGE
    times = _times(freeze, local)
    while True:
        yield times.get_prev(datetime).replace(tzinfo=freeze.zone).astimezone(UTC)


def _on(freeze: Recurring, began: datetime) -> Iterator[datetime]:
    local = began.astimezone(freeze.zone).replace(tzinfo=None)
    times = _times(freeze, local)
    while True:
        yield times.get_next(datetime).replace(tzinfo=freeze.zone).astimezone(UTC)


def _times(freeze: Recurring, local: datetime) -> "croniter":
    from croniter import croniter  # noqa: PLC0415 - completion must start fast

    return croniter(freeze.cron, local)
