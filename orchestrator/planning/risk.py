"""What a plan risks, as values: who is without what, for how long, and what cannot be undone."""

from dataclasses import dataclass

from orchestrator.fleet.unit import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """How long something took before: median and 90th percentile (nearest rank), in seconds."""

    median_seconds: float
    worst_seconds: float
    runs: int
    """How many runs that rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The price of a plan.

    `down` goes down and nothing that it needs does; `without` are the units elsewhere that need
    it. `outage` is how long `down` was down in past runs like this, None without a history;
    `others` likewise, of the longest among all else that goes down. `unreadable` journals
    were left out.
    """

    down: tuple[Unit, ...] = ()
    without: tuple[Unit, ...] = ()
    comes_back: bool = True
    outage: Typical | None = None
    others: Typical | None = None
    unreadable: int = 0
