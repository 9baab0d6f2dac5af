"""Deleting by id: what is already gone counts as deleted, what got lost is never repeated."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests
from docker.errors import APIError, NotFound

from orchestrator.errors import FleetError, Problem
from orchestrator.procedures.effects import RemoveLeftovers, RemoveServices, Result
from orchestrator.swarm import problems
from orchestrator.swarm.engine_api import SDK_CHANNELS, EngineApi
from orchestrator.swarm.lateness import LateError


@dataclass(frozen=True, slots=True)
class Told:
    """How a mutation ended, before anyone has put a time on it."""

    result: Result
    words: str = ""
    problem: Problem | None = None
    nodes: int = 0


@dataclass(frozen=True, slots=True)
class _Deletion:
    """One DELETE that stands for itself."""

    kind: str
    id: str
    delete: Callable[[str], object]


def remove_services(site: str, api: EngineApi, effect: RemoveServices) -> Told:
    """Delete services side by side.

    Returns:
        OK when all are gone; FAILED with Docker's words; UNKNOWN when an answer was lost, and
        also when the site could not be asked at all: deleting by id may be tried again after
        another look, and waiting is better than giving up. LATE when none could be begun by
        the effect's `not_after`; some but not all makes it UNKNOWN.

    """
    return _answered(site, api, [("service", id_) for id_ in effect.ids], effect.not_after)


def remove_leftovers(site: str, api: EngineApi, effect: RemoveLeftovers) -> Told:
    """Delete a stack's secrets, configs and networks side by side; returns as above."""
    return _answered(
        site,
        api,
        [
            *(("secret", id_) for id_ in effect.secrets),
            *(("config", id_) for id_ in effect.configs),
            *(("network", id_) for id_ in effect.networks),
        ],
        effect.not_after,
    )


def _answered(
    site: str, api: EngineApi, wanted: list[tuple[str, str]], not_after: float | None
) -> Told:
    try:
        sdk = api.sdk()
    except FleetError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    deletes: dict[str, Callable[[str], object]] = {
        "service": sdk.remove_service,
        "secret": sdk.remove_secret,
        "config": sdk.remove_config,
        "network": sdk.remove_network,
    }
    deletions = [_Deletion(kind, id_, deletes[kind]) for kind, id_ in wanted]

    def delete(deletion: _Deletion) -> Told:
        try:
            with api.begun_by(not_after):
                return _delete(site, deletion)
        except LateError as error:
            return Told(Result.LATE, f"{deletion.kind} {deletion.id}: {error}")

    with ThreadPoolExecutor(SDK_CHANNELS, thread_name_prefix=f"delete-{site}") as pool:
        ended = list(pool.map(delete, deletions))
    return _together(ended)


def _delete(site: str, deletion: _Deletion) -> Told:
    named = f"{deletion.kind} {deletion.id}"
    try:
        deletion.delete(deletion.id)
    except NotFound:
        return Told(Result.OK, f"{named} was gone")
    except APIError as error:
        words = f"{named}: {error.explanation or error}"
        if not problems.leader_lost(words):
            return Told(Result.FAILED, words)
        return Told(Result.UNKNOWN, words, problems.docker(site, "swarm.no-quorum", words))
    except FleetError as error:
        return Told(Result.UNKNOWN, f"{named}: {error}", error.problems[0])
    except requests.RequestException as error:
        what = f"the answer to deleting {named} was lost"
        return Told(Result.UNKNOWN, what, problems.answer_lost(site, what, str(error)))
    return Told(Result.OK, f"{named} deleted")


def _together(ended: list[Told]) -> Told:
    """Join what became of each: one unknown makes the whole unknown, and so do some late ones."""
    late = [told.result is Result.LATE for told in ended]
    if any(late):
        result = Result.LATE if all(late) else Result.UNKNOWN
        problem = next((told.problem for told in ended if told.problem), None)
        return Told(result, "\n".join(told.words for told in ended), problem)
    for result in (Result.UNKNOWN, Result.FAILED):
        bad = [told for told in ended if told.result is result]
        if bad:
            problem = next((told.problem for told in bad if told.problem), None)
            return Told(result, "\n".join(told.words for told in bad), problem)
    return Told(Result.OK, "\n".join(told.words for told in ended))
