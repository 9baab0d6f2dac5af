"""What stands for the answer to an effect at a site where none came that can be used. Pure."""

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Unseen
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
    ReadLogs,
    ReadRelease,
    Result,
    RunProbe,
    UpdateConfig,
    WatchPulls,
    Written,
)
from orchestrator.procedures.inspection import Inspect

Nothing = Unseen | ProbeResult | Written | ConfigAnswer | Answer


def without_answer(
    effect: Effect, at: float, words: str, *, unread: Problem, unknown: Problem
) -> Nothing:
    """Return what came of an effect: nothing was seen, or nobody knows what was done.

    Args:
        effect: one for a site.
        at: now, on the observer's clock.
        words: what happened instead.
        unread: what is wrong where it only reads.
        unknown: what is wrong where it may have changed something.

    """
    match effect:
        case (
            Observe()
            | Examine()
            | CheckImages()
            | CheckVolumes()
            | WatchPulls()
            | Inspect()
            | ReadRelease()
            | ReadAudit()
        ):
            return Unseen(site=effect.site, at=at, problem=unread)
        case RunProbe():
            return ProbeResult(ok=False, at=at, words=words)
        case ReadLogs():
            return Written()
        case ReadConfig():
            return ConfigAnswer(result=ConfigResult.FAILED, at=at, words=words, problem=unread)
        case CreateConfig() | UpdateConfig() | DeleteConfig():
            return ConfigAnswer(result=ConfigResult.UNKNOWN, at=at, words=words, problem=unknown)
        case _:
            return Answer(result=Result.UNKNOWN, at=at, words=words, problem=unknown)
