"""Problems as a journal keeps them, whole, so that a report can quote them; and read back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from orchestrator.engine.journal import Json
from orchestrator.errors import Problem
from orchestrator.fleet.secrecy import hide_secrets

_PROBLEM = TypeAdapter(Problem)
_KEY = "told"
_MOST = 50
_LONGEST = 4000
"""Of one piece of evidence, in characters: its end is kept, where Go and Docker name the cause."""


def problems_told(problems: Iterable[Problem]) -> dict[str, Json]:
    """Return what a journal's entry says of problems: their codes, and all of them beside."""
    every = tuple(problems)
    codes: list[Json] = [problem.code for problem in every]
    whole: list[Json] = [_PROBLEM.dump_python(_brief(p), mode="json") for p in every]
    return {"problems": codes, **({_KEY: whole} if whole else {})}


def problems_in(body: Mapping[str, Json]) -> tuple[Problem, ...]:
    """Return the problems of an entry; what another version of dtdeploy wrote is left out."""
    whole = body.get(_KEY, ())
    if not isinstance(whole, Sequence) or isinstance(whole, str):
        return ()
    return tuple(problem for item in whole for problem in _read(item))


def _read(item: Json) -> tuple[Problem, ...]:
    try:
        return (_PROBLEM.validate_python(item, strict=False),)
    except ValidationError:
        return ()


def _brief(problem: Problem) -> Problem:
    evidence = tuple(hide_secrets(words)[-_LONGEST:] for words in problem.evidence[:_MOST])
    written = tuple(hide_secrets(words)[-_LONGEST:] for words in problem.last_words[:_MOST])
    return replace(problem, evidence=evidence, last_words=written)
