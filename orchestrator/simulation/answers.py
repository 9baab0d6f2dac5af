"""What an operator is told when an effect was refused, turned away or never answered."""

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    CheckImages,
    CheckVolumes,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    DeployStack,
    Examine,
    Observe,
    ProbeResult,
    PullImages,
    PullOnNodes,
    ReadAudit,
    ReadConfig,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
    UpdateConfig,
    WatchPulls,
    WriteAudit,
    Written,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.simulation import api, performing, problems
from orchestrator.simulation.configs import ConfigEffect
from orchestrator.simulation.link import READ_DEADLINE_SECONDS, Link

Reading = (
    Observe
    | Examine
    | Inspect
    | CheckImages
    | CheckVolumes
    | WatchPulls
    | RunProbe
    | ReadLogs
    | ReadAudit
    | ReadRelease
)
Remote = performing.Mutation | ConfigEffect | WriteAudit | Announce | Reading
CONFIG_EFFECTS = (CreateConfig, ReadConfig, UpdateConfig, DeleteConfig)
CONFIG_WRITES = (CreateConfig, UpdateConfig, DeleteConfig)
MUTATIONS = (
    RemoveServices,
    RemoveLeftovers,
    ShipRelease,
    PullImages,
    PullOnNodes,
    DeployStack,
)
_ANSWERED = (*MUTATIONS, WriteAudit)
_DELETIONS = (RemoveServices, RemoveLeftovers)
_CALL_DEADLINE_SECONDS = 30.0


def deadline(effect: Remote) -> float:
    """Return how long its answer is waited for, in seconds."""
    match effect:
        case DeployStack() | PullImages():
            return effect.timeout_seconds + READ_DEADLINE_SECONDS
        case RemoveServices() | RemoveLeftovers() | ShipRelease() | PullOnNodes():
            return _CALL_DEADLINE_SECONDS
        case CreateConfig() | UpdateConfig() | DeleteConfig():
            return _CALL_DEADLINE_SECONDS
        case RunProbe():
            return effect.probe.timeout_seconds
        case ReadLogs():
            return effect.seconds
        case _:
            return READ_DEADLINE_SECONDS


def refused(site: str, effect: Remote, error: api.ApiError, now: float) -> object:
    """Return the answer when the site said no, or could not say anything."""
    problem = problems.of_docker(site, error)
    if isinstance(effect, ReadLogs):
        return Written()
    if not isinstance(effect, MUTATIONS):
        return Unseen(site=site, at=now, problem=problem)
    result, told = _refusal(site, effect, error, problem)
    return Answer(result=result, at=now, words=str(error), problem=told)


def _refusal(
    site: str, effect: performing.Mutation, error: api.ApiError, problem: Problem
) -> tuple[Result, Problem | None]:
    """Return what a refusal means: what may have happened, or may be tried again, is UNKNOWN."""
    if isinstance(error, api.UnsentError):
        return Result.UNKNOWN, None
    if isinstance(error, api.TimeUpError) and isinstance(effect, DeployStack):
        return Result.UNKNOWN, problems.answer_lost(site, str(error))
    if isinstance(error, api.FileRefusedError) and isinstance(effect, ShipRelease):
        stack = effect.release.unit.stack
        return Result.FAILED, problems.file_refused(site, stack, error)
    plain = problem.code == problems.REFUSED
    leader_lost = problem.code == problems.NO_QUORUM
    deletes = isinstance(effect, _DELETIONS) and not plain
    if isinstance(error, api.OutcomeUnknownError) or leader_lost or deletes:
        return Result.UNKNOWN, problem
    return Result.FAILED, None if plain else problem


def turned_away(effect: Remote, problem: Problem, link: Link, now: float) -> object:
    """Return the answer when nothing could be sent, and that was known at once."""
    again = isinstance(effect, _DELETIONS) and problem.code == problems.UNREACHABLE
    return _none(link.site, effect, problem, now, unknown=again)


def never_answered(effect: Remote, link: Link, now: float) -> object:
    """Return what is made of an effect that was sent and not answered in time."""
    if isinstance(effect, (*_ANSWERED, *CONFIG_WRITES)):
        what = f"the answer to {type(effect).__name__} was lost"
        problem = problems.answer_lost(link.site, what)
        return _none(link.site, effect, problem, now, unknown=True)
    return _none(link.site, effect, problems.of_link(link), now, unknown=False)


def _none(site: str, effect: Remote, problem: Problem, now: float, *, unknown: bool) -> object:
    words = f"{site}: {problem.what}"
    if isinstance(effect, _ANSWERED):
        result = Result.UNKNOWN if unknown else Result.FAILED
        return Answer(result=result, at=now, words=words, problem=problem)
    if isinstance(effect, CONFIG_EFFECTS):
        end = ConfigResult.UNKNOWN if unknown else ConfigResult.FAILED
        return ConfigAnswer(result=end, at=now, words=words, problem=problem)
    if isinstance(effect, RunProbe):
        return ProbeResult(ok=False, at=now, words=words)
    if isinstance(effect, ReadLogs):
        return Written()
    return Unseen(site=site, at=now, problem=problem)
