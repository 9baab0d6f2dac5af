"""How long an effect may be under way, and what stands for an answer that did not come. Pure.

Whoever performs an effect bounds each of its waits; this is the bound around all of them, for
what nobody thought of. An effect that reaches it is given up: its thread is left to itself, and
the loop is answered what is true, that nobody knows.
"""

from collections.abc import Mapping

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.procedures.effects import (
    Announce,
    CheckImages,
    CheckVolumes,
    CreateConfig,
    DeleteConfig,
    DeployStack,
    Effect,
    Examine,
    Observe,
    PullImages,
    PullOnNodes,
    ReadAudit,
    ReadConfig,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    RunProbe,
    ShipRelease,
    UpdateConfig,
    WatchPulls,
    WriteAudit,
    site_of,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.procedures.no_answer import Nothing, without_answer

LONGEST_SECONDS = 90.0
"""For what has no deadline of its own. A login through one jump host with an agent that asks a
person may take 60 s (10 s to connect, 30 s for the agent, each twice at most)."""
_OF_TWO_LOOKS = 2
"""Examining, and checking images, ask a manager and its registries one after the other."""


def longest_seconds(effect: Effect) -> float:
    """Return for how many seconds `effect` may be under way before it is given up."""
    match effect:
        case PullImages() | DeployStack():
            return effect.timeout_seconds + LONGEST_SECONDS
        case ReadLogs():
            return effect.seconds + LONGEST_SECONDS
        case Examine() | CheckImages() | Inspect() | ShipRelease():
            return _OF_TWO_LOOKS * LONGEST_SECONDS
        case _:
            return LONGEST_SECONDS


_WORDS: Mapping[type, str] = {
    Observe: "looking at {site}",
    Examine: "checking {site}",
    Inspect: "checking {site}",
    CheckVolumes: "asking about volumes at {site}",
    CheckImages: "asking the registries from {site}",
    PullImages: "pulling images at {site}",
    PullOnNodes: "having the nodes of {site} pull images",
    WatchPulls: "looking at the images of {site}'s nodes",
    ShipRelease: "shipping a release to {site}",
    RunProbe: "a probe at {site}",
    ReadLogs: "reading logs at {site}",
    ReadRelease: "reading a release at {site}",
    ReadAudit: "reading the audit log at {site}",
    ReadConfig: "reading the run's record at {site}",
    CreateConfig: "writing the run's record at {site}",
    UpdateConfig: "writing the run's record at {site}",
    DeleteConfig: "deleting the run's record at {site}",
    WriteAudit: "writing the audit log at {site}",
    Announce: "sending the announcement",
    DeployStack: "docker stack deploy of {unit}",
    RemoveServices: "removing the services of {unit}",
    RemoveLeftovers: "removing what is left of {unit}",
}


def words_of(effect: Effect) -> str:
    """Return what an effect that is under way does, for people: `looking at chime`."""
    words = _WORDS.get(type(effect), type(effect).__name__)
    return words.format(site=site_of(effect), unit=getattr(effect, "unit", ""))


def unanswered(effect: Effect, at: float, seconds: float) -> Nothing:
    """Return what is said of an effect that was given up at `at`, `seconds` after it began.

    Of what only reads, that the site could not be seen; of what changes something, that nobody
    knows what became of it.
    """
    words = f"{words_of(effect)} was given up after {seconds:.0f} s"
    unread, unknown = _unread(effect, words), _unknown(effect, words)
    return without_answer(effect, at, words, unread=unread, unknown=unknown)


def _unread(effect: Effect, words: str) -> Problem:
    return Problem(
        code="site.unreachable",
        what=words,
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site_of(effect)),
        evidence=("no answer came, and no time-out of its own ended it",),
        fix=typed("doctor", "--site", site_of(effect)),
        runbook="site-unreachable",
    )


def _unknown(effect: Effect, words: str) -> Problem:
    return Problem(
        code="answer.lost",
        what=words,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site_of(effect)),
        evidence=("no answer came, and no time-out of its own ended it",),
        state_left="it may or may not have been carried out",
        fix=f"look before doing anything again: {typed('status')}",
        runbook="run-stopped-half-way",
    )
