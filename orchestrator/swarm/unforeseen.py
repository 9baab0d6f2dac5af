"""What stands for an effect that raised: something at a site said what nobody foresaw."""

import traceback
from pathlib import Path

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.pulling import Pulling
from orchestrator.procedures.effects import (
    Answer,
    CheckImages,
    CheckVolumes,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Effect,
    Examine,
    Observe,
    ProbeResult,
    ReadAudit,
    ReadConfig,
    ReadRelease,
    Result,
    RunProbe,
    UpdateConfig,
    WatchPulls,
    site_of,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.swarm import problems


def place(error: Exception) -> str:
    """Return where an error was raised: FILE:LINE, for those who mend it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def observation(
    effect: Effect, error: Exception, at: float
) -> Unseen | Pulling | ProbeResult | ConfigAnswer | Answer:
    """Return what came of an effect at a site: nothing was seen, or nobody knows what was done.

    Args:
        effect: one for a site; see `site_of`.
        error: what was raised.
        at: now, on the observer's clock.

    """
    site, words = site_of(effect), f"{type(error).__name__}: {error}"[:500]
    match effect:
        case (
            Observe()
            | WatchPulls()
            | Examine()
            | CheckImages()
            | CheckVolumes()
            | Inspect()
            | ReadRelease()
            | ReadAudit()
        ):
            return Unseen(site=site, at=at, problem=_unreadable(site, words))
        case RunProbe():
            return ProbeResult(ok=False, at=at, words=words)
        case ReadConfig():
            problem = _unreadable(site, words)
            return ConfigAnswer(result=ConfigResult.FAILED, at=at, words=words, problem=problem)
        case CreateConfig() | UpdateConfig() | DeleteConfig():
            problem = _lost(site, words)
            return ConfigAnswer(result=ConfigResult.UNKNOWN, at=at, words=words, problem=problem)
        case _:
            return Answer(result=Result.UNKNOWN, at=at, words=words, problem=_lost(site, words))


def _unreadable(site: str, words: str) -> Problem:
    return problems.docker(site, "docker.unreadable", words)


def _lost(site: str, words: str) -> Problem:
    return problems.answer_lost(site, "the answer cannot be read", words)
