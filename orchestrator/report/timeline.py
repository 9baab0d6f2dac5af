"""What one run did to every unit, when, and how it ended: values, made from a journal."""

from dataclasses import dataclass
from enum import Enum

from orchestrator.engine.record import RunRecord
from orchestrator.errors import Problem
from orchestrator.fleet.unit import Unit


class Phase(Enum):
    """What a unit is doing for a while."""

    UP = "up"
    """It runs as it did before."""
    WAITING = "waiting"
    """It runs; its removal waits, or was refused."""
    DRAINING = "draining"
    """Its services are being removed; its tasks stop."""
    DOWN = "down"
    """It is gone, or was never there."""
    DEPLOYING = "deploying"
    HEALTHY = "healthy"
    """Its probes answer; it is watched."""
    STABLE = "stable"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody was looking: a run stopped in the middle of it, or began elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One unit in one phase. Times are seconds since 1970."""

    phase: Phase
    begin: float
    end: float
    words: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """All phases of a unit, in their order and without gaps."""

    unit: Unit
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """How long a unit was down: from the begin of its removal until it was deployed and healthy.

    `over` is False where the journal does not tell of its coming back; `end` is then its end.
    """

    unit: Unit
    begin: float
    end: float
    over: bool

    @property
    def seconds(self) -> float:
        """How long it was down, so far."""
        return self.end - self.begin


class How(Enum):
    """How a process came to a run."""

    BEGUN = "begun"
    RESUMED = "resumed"
    BROKEN = "broken"
    """Its lock was broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One process's part in a run.

    `by` is who, `at` whose machine included. `exit` is None if no end was written: the process
    was killed, or is still at it. `kept`: it left the run unfinished, with its lock.
    """

    how: How
    by: str
    began: float
    ended: float
    exit: int | None = None
    kept: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done: an effect on a Swarm, or to the lock.

    `result` is "" where the journal does not tell; `words` are what Docker answered.
    """

    at: float
    step: str
    what: str
    on: str
    details: tuple[tuple[str, str], ...] = ()
    result: str = ""
    words: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A problem, when it came up, and in which step ("" for none)."""

    at: float
    step: str
    problem: Problem


class Outcome(Enum):
    """How a run ended, as far as its journal tells."""

    DONE = "done"
    FAILED = "failed"
    RESTORED = "restored"
    INTERRUPTED = "interrupted"
    GIVEN_UP = "given up"
    NOT_BEGUN = "not begun"
    """It never had the lock."""
    NO_END = "no end written"
    """Its process was killed, or is still at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run from its first entry to its last, over all its lives on this machine.

    `whole` is False where it began on another machine, whose journal knows more. `skipped` are
    steps and the failed one that each is owed to; `owed` units (as text) and why.
    """

    record: RunRecord
    plan_sha256: str
    began: float
    ended: float
    whole: bool
    outcome: Outcome
    lives: tuple[Life, ...]
    tracks: tuple[Track, ...]
    outages: tuple[Outage, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    deeds: tuple[Deed, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    owed: tuple[tuple[str, str], ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took, pauses between its lives included."""
        return self.ended - self.began

    @property
    def exit(self) -> int | None:
        """The exit code of its last life, None if no end was written."""
        return self.lives[-1].exit

    @property
    def unfinished(self) -> bool:
        """Whether its lock was left, for a resume."""
        return self.lives[-1].kept
