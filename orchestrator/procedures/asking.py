"""Typed ways to yield an effect: `look = yield from ask_observe(site)`.

The one place where the untyped answer of a generator's `yield` becomes a typed value. A driver
that answers with another type is a bug of that driver, and is met by an assertion at once.
"""

from collections.abc import Generator
from typing import Any, TypeVar

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.pulling import Pulling
from orchestrator.procedures.effects import (
    Answer,
    CheckLock,
    ConfigAnswer,
    CreateConfig,
    DeleteConfig,
    Effect,
    Examination,
    Examine,
    Holding,
    Intend,
    Mutation,
    Observe,
    ObserveAll,
    ProbeResult,
    ReadConfig,
    ReadLogs,
    Result,
    RunProbe,
    Saw,
    Sleep,
    Tell,
    UpdateConfig,
    WatchPulls,
    Written,
)

T = TypeVar("T")
_FRESH_TRIES = 3
_LATE_TRIES = 3
_STALE_SECONDS = 20.0
"""Longer than a look at one site waits for another's, that does not answer."""
Asking = Generator[Effect, Any, T]


class DriverBugError(TypeError):
    """A driver answered an effect with a value of the wrong type."""


def _expect(answer: object, *kinds: type) -> None:
    if not isinstance(answer, kinds):
        raise DriverBugError(f"got {type(answer).__name__}, expected {kinds}")


def ask_observe(site: str) -> Asking[Look]:
    """Look at one site."""
    look: Look = yield Observe(site=site)
    _expect(look, Sight, Unseen)
    return look


def ask_observe_all(sites: tuple[str, ...]) -> Asking[tuple[Look, ...]]:
    """Look at several sites side by side; the looks come in the order asked."""
    looks: tuple[Look, ...] = yield ObserveAll(sites=sites)
    _expect(looks, tuple)
    return looks


def ask_fresh(sites: tuple[str, ...]) -> Asking[tuple[Look, ...]]:
    """Look at several sites side by side, and again if what came back is old by now.

    A process that was stopped meanwhile, or a laptop that slept, is handed looks from before.
    """
    looks = yield from ask_observe_all(sites)
    for _ in range(_FRESH_TRIES - 1):
        now = yield from ask_sleep(0)
        if all(now - look.at <= _STALE_SECONDS for look in looks):
            break
        looks = yield from ask_observe_all(sites)
    return looks


def ask_mutate(effect: Mutation) -> Asking[Answer]:
    """Perform a mutating effect."""
    answer: Answer = yield effect
    _expect(answer, Answer)
    return answer


def ask_in_time(effect: Mutation) -> Asking[Answer]:
    """Perform `effect`; what could not begin in time, and so did nothing, is tried again."""
    answer = yield from ask_mutate(effect)
    for _ in range(_LATE_TRIES - 1):
        if answer.result is not Result.LATE:
            break
        answer = yield from ask_mutate(effect)
    return answer


def ask_probe(effect: RunProbe) -> Asking[ProbeResult]:
    """Send a probe."""
    result: ProbeResult = yield effect
    _expect(result, ProbeResult)
    return result


def ask_examine(effect: Examine) -> Asking[Examination | Unseen]:
    """Examine a site for preflight."""
    answer: Examination | Unseen = yield effect
    _expect(answer, Examination, Unseen)
    return answer


def ask_pulls(effect: WatchPulls) -> Asking[Pulling | Unseen]:
    """See how far a site's nodes are with their images."""
    answer: Pulling | Unseen = yield effect
    _expect(answer, Pulling, Unseen)
    return answer


def ask_logs(effect: ReadLogs) -> Asking[Written]:
    """Read what services wrote."""
    written: Written = yield effect
    _expect(written, Written)
    return written


def ask_sleep(seconds: float) -> Asking[float]:
    """Wait, and learn what time it is on the observer's clock (seconds)."""
    now: float = yield Sleep(seconds=seconds)
    _expect(now, float, int)
    return now


def ask_tell(
    waiting_for: str, items: tuple[str, ...] = (), deadline: float | None = None
) -> Asking[None]:
    """Say what the step waits for."""
    yield Tell(waiting_for=waiting_for, items=items, deadline=deadline)


def ask_config(
    effect: CreateConfig | ReadConfig | UpdateConfig | DeleteConfig,
) -> Asking[ConfigAnswer]:
    """Create, read, update or delete a config."""
    answer: ConfigAnswer = yield effect
    _expect(answer, ConfigAnswer)
    return answer


def ask_lock() -> Asking[Holding]:
    """Prove that the lock is still held."""
    holding: Holding = yield CheckLock()
    _expect(holding, Holding)
    return holding


def ask_journal(effect: Intend | Saw) -> Asking[Problem | None]:
    """Write to the journal; a problem means that it could not be written."""
    problem: Problem | None = yield effect
    _expect(problem, Problem, type(None))
    return problem
