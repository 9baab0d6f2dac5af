"""Docker configs that are nobody's stack: created, read, compared-and-swapped, deleted by id.

Every write is sent once. What became of it is told as far as anyone can tell: an answer that was
lost, and any server error that does not say no for a known reason, is UNKNOWN.
"""

import json
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

import requests
from pydantic import ValidationError

from orchestrator.errors import FleetError, Problem
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.swarm import parse, problems, stored_config
from orchestrator.swarm.http_pipe import Request, Response
from orchestrator.swarm.link import SiteLink

T = TypeVar("T")
ConfigEffect = CreateConfig | ReadConfig | UpdateConfig | DeleteConfig

_NOT_FOUND = 404
_CONFLICT = 409
_SERVER_ERROR = 500
_OUT_OF_SEQUENCE = "update out of sequence"
"""HTTP 500, since gRPC calls it Unknown; the version named is not the present one (20.10)."""
_REFUSED_BY_STATE = frozenset(
    {"swarm.inactive", "swarm.locked", "swarm.not-manager", "swarm.certificates-expired"}
)
"""Answers of status 503 given before anything is tried (moby 20.10 daemon/cluster/errors.go)."""


class _EndedError(Exception):
    """An effect ended otherwise than OK."""

    def __init__(self, result: ConfigResult, words: str, problem: Problem | None = None) -> None:
        super().__init__(words)
        self.result = result
        self.words = words
        self.problem = problem


class Configs:
    """The configs of one site's Swarm. Thread-safe."""

    def __init__(self, link: SiteLink, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock
        self._names: dict[str, str] = {}

    def perform(self, effect: ConfigEffect) -> ConfigAnswer:
        """Perform an effect.

        Returns:
            How it ended. FAILED: refused, or nothing was sent since the site cannot be reached;
            of a read, also that its answer did not come. UNKNOWN: of a write only.

        """
        try:
            config = self._performed(effect)
        except _EndedError as end:
            return ConfigAnswer(
                result=end.result, at=self._clock(), words=end.words, problem=end.problem
            )
        return ConfigAnswer(result=ConfigResult.OK, at=self._clock(), config=config)

    def _performed(self, effect: ConfigEffect) -> StoredConfig | None:
        match effect:
            case ReadConfig():
                return self._named(effect.name)
            case CreateConfig():
                return self._create(effect)
            case UpdateConfig():
                return self._update(effect)
            case DeleteConfig():
                self._write("the deletion of a config", Request(_path(effect.id), "DELETE"))
                return None

    def _named(self, name: str) -> StoredConfig:
        filters = quote(json.dumps({"name": [name]}))
        answer = self._read(Request(f"/configs?filters={filters}"))
        found = self._understood(lambda: stored_config.named(answer.body, name))
        if found is None:
            raise _EndedError(ConfigResult.ABSENT, f"there is no config {name}")
        self._names[found.id] = found.name
        return found

    def _by_id(self, id_: str) -> StoredConfig:
        answer = self._read(Request(_path(id_)))
        found = self._understood(lambda: stored_config.one(answer.body))
        if found.id != id_:  # Docker looks for a name and for the start of an id as well
            raise _EndedError(ConfigResult.ABSENT, f"config {id_} not found")
        self._names[found.id] = found.name
        return found

    def _create(self, effect: CreateConfig) -> StoredConfig:
        body = {
            "Name": effect.name,
            "Labels": dict(effect.labels),
            "Data": stored_config.encoded(effect.data),
        }
        what = f"the creation of the config {effect.name}"
        answer = self._write(what, Request("/configs/create", "POST"), body)
        return self._as_it_stands(
            what, lambda: self._by_id(self._understood(lambda: stored_config.made_id(answer.body)))
        )

    def _update(self, effect: UpdateConfig) -> StoredConfig:
        """Set the labels. Docker wants the name again; without data it keeps what there is."""
        name = self._names.get(effect.id) or self._by_id(effect.id).name
        what = f"the update of the config {name}"
        path = f"{_path(effect.id)}/update?version={effect.version}"
        labels = dict(effect.labels)
        self._write(what, Request(path, "POST"), {"Name": name, "Labels": labels})
        found = self._as_it_stands(what, lambda: self._by_id(effect.id))
        if dict(found.labels) != labels:
            words = f"the config {name} was updated, and by somebody else right after"
            raise _EndedError(ConfigResult.MOVED, words)
        return found

    def _read(self, request: Request) -> Response:
        try:
            answer = self._link.reading(lambda: self._link.api.ask([request]))[0]
        except FleetError as error:
            raise _EndedError(ConfigResult.FAILED, str(error), error.problems[0]) from error
        if answer.ok:
            return answer
        words = _words(answer)
        if answer.status == _NOT_FOUND:
            raise _EndedError(ConfigResult.ABSENT, words)
        raise _EndedError(ConfigResult.FAILED, words, self._problem(words))

    def _understood(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ValidationError as error:
            words = str(error).splitlines()[0]
            problem = problems.docker(self._link.site, "docker.unreadable", words)
            raise _EndedError(ConfigResult.FAILED, words, problem) from error

    def _write(self, what: str, request: Request, body: object = None) -> Response:
        """Send a write; `what` names it in words about a lost answer."""
        try:
            self._link.reading(self._link.connection)
            answer = self._link.api.write(request, body)
        except FleetError as error:
            raise _EndedError(ConfigResult.FAILED, str(error), error.problems[0]) from error
        except requests.RequestException as error:
            raise self._lost(f"the answer to {what} was lost", str(error)) from error
        if not answer.ok:
            raise self._refusal(what, answer)
        return answer

    def _refusal(self, what: str, answer: Response) -> _EndedError:
        words = _words(answer)
        if answer.status == _NOT_FOUND:
            return _EndedError(ConfigResult.ABSENT, words)
        if answer.status == _CONFLICT:
            return _EndedError(ConfigResult.TAKEN, words)
        if _OUT_OF_SEQUENCE in words:
            return _EndedError(ConfigResult.MOVED, words)
        problem = self._problem(words)
        if answer.status < _SERVER_ERROR or problem.code in _REFUSED_BY_STATE:
            return _EndedError(ConfigResult.FAILED, words, problem)
        if problems.leader_lost(words):
            problem = problems.docker(self._link.site, "swarm.no-quorum", words)
            return _EndedError(ConfigResult.UNKNOWN, words, problem)
        return self._lost(f"{what} ended in an error of the Swarm", words)

    def _as_it_stands(self, what: str, read: Callable[[], StoredConfig]) -> StoredConfig:
        """Read what was just written: a write is not answered with the version it made."""
        try:
            return read()
        except _EndedError as end:
            if end.result is ConfigResult.ABSENT:
                raise
            raise self._lost(f"{what} was answered, and nothing after it", end.words) from end

    def _lost(self, what: str, words: str) -> _EndedError:
        problem = problems.answer_lost(self._link.site, what, words)
        return _EndedError(ConfigResult.UNKNOWN, f"{what}: {words}", problem)

    def _problem(self, words: str) -> Problem:
        return problems.docker(self._link.site, problems.docker_code(words), words)


def _path(id_: str) -> str:
    return f"/configs/{quote(id_, safe='')}"


def _words(answer: Response) -> str:
    """Return what the daemon says, also where it is not its usual JSON."""
    try:
        return parse.message(answer.body)
    except ValidationError:
        text = answer.body[:200].decode(errors="replace").strip()
        return text or f"HTTP status {answer.status}"
