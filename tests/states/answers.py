"""Sites, repositories and machines that answer otherwise: each comes in where a world is made."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.cli.wiring import World
from orchestrator.engine.journal import Journal
from orchestrator.engine.journal_trouble import unlisted
from orchestrator.engine.ports import Backend
from orchestrator.errors import ExitCode, JournalError, Problem, SourceError
from orchestrator.fleet.guard import Guard, GuardAnswer
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import Effect, Examination, Examine, Observe
from orchestrator.sources.model import Sourced

Change = Callable[[World], World]


class _Otherwise:
    """A backend at which some effects are answered otherwise than they would be."""

    def __init__(
        self,
        backend: Backend,
        which: Callable[[Effect], bool],
        otherwise: Callable[[object], object],
    ) -> None:
        self._backend, self._which, self._otherwise = backend, which, otherwise
        self._tokens: set[int] = set()

    def submit(self, token: int, effect: Effect) -> None:
        if self._which(effect):
            self._tokens.add(token)
        self._backend.submit(token, effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        answer = self._backend.wait(until)
        if answer is None or answer[0] not in self._tokens:
            return answer
        return answer[0], self._otherwise(answer[1])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def unseen_for(backend: Backend, problem: Problem) -> Any:
    """Return a backend at which every look at a site ends in `problem`, which names the site."""
    site = problem.where.site
    return _Otherwise(
        backend,
        lambda effect: isinstance(effect, Observe | Examine) and effect.site == site,
        lambda _: Unseen(site=site, at=backend.now(), problem=problem),
    )


def says(problem: Problem) -> Change:
    """Return a world whose site, where the problem is, cannot be looked at because of it."""
    return lambda world: replace(world, backend=unseen_for(world.backend, problem))


def examined(site: str, **found: object) -> Change:
    """Return a world in which preflight finds something else at a site than there is."""

    def otherwise(seen: object) -> object:
        return replace(seen, **found) if isinstance(seen, Examination) else seen  # type: ignore[arg-type]  # fields of it

    def which(effect: Effect) -> bool:
        return isinstance(effect, Examine) and effect.site == site

    return lambda world: replace(world, backend=_Otherwise(world.backend, which, otherwise))


class _Repository:
    """A checkout that fails with a problem wherever commits are pinned or read."""

    def __init__(self, checkout: Any, problem: Problem) -> None:
        self._checkout, self._problem = checkout, problem

    def pins(self) -> dict[str, Revision]:
        raise SourceError(self._problem)

    def read(self, _units: Iterable[Unit]) -> dict[Unit, Sourced]:
        raise SourceError(self._problem)

    read_at = search = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._checkout, name)


def repository(problem: Problem) -> Change:
    return lambda world: replace(world, checkout=_Repository(world.checkout, problem))


class _Disk:
    """Journals of a disk that is full, or cannot be read."""

    def __init__(self, journals: Any, problem: Problem) -> None:
        self._journals, self._problem = journals, problem

    def open(self, run: str) -> AbstractContextManager[Journal]:
        del run
        raise JournalError(self._problem)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journals, name)


def disk(problem: Problem) -> Change:
    return lambda world: replace(world, journals=_Disk(world.journals, problem))


UNLISTED = unlisted(Path("/home/ops/runs"), OSError(13, "Permission denied"))


def guard_says(*, agrees: bool) -> Change:
    def ask(guard: Guard) -> GuardAnswer:
        return GuardAnswer(name=guard.name, agrees=agrees, words="observing")

    return lambda world: replace(world, ask_guard=ask)


class _NoPlaces:
    known = False

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def problems(self) -> tuple[Problem, ...]:
        return (self._problem,)


def nowhere(problem: Problem) -> Change:
    return lambda world: replace(world, places=_NoPlaces(problem))


def _of_repository(code: str, what: str, fix: str) -> Problem:
    return Problem(code=code, what=what, exit_code=ExitCode.SOURCE_FAILED, fix=fix)


NOT_COMPOSE = _of_repository(
    "source.not-compose", "services.app: what is comand?", "correct it: command"
)
NOT_FETCHED = _of_repository(
    "source.fetch-failed", "git cannot fetch app", "ssh -T git@git.example must let you in"
)
