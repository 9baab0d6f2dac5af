"""Many problems, few causes: what five sites say alike is said once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import Problem, worst
from orchestrator.fleet.unit import Unit
from orchestrator.words.phrases import named


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Problems that differ in nothing but the place."""

    problems: tuple[Problem, ...]

    @property
    def first(self) -> Problem:
        """The one that stands for all."""
        return self.problems[0]

    @property
    def places(self) -> str:
        """Where: one place in full, several as units or sites."""
        if len(self.problems) == 1:
            return str(self.first.where)
        wheres = [problem.where for problem in self.problems]
        units = [Unit(stack=where.stack, site=where.site) for where in wheres]
        if all(unit.stack and unit.site for unit in units):
            return named(dict.fromkeys(units))
        return ", ".join(dict.fromkeys(where.site or str(where) for where in wheres))

    @property
    def what(self) -> str:
        """What is wrong, without the name of one site where it is true of several."""
        return self._common(self.first, self.first.what)

    @property
    def state_left(self) -> str:
        """The state left behind, likewise."""
        return self._common(self.first, self.first.state_left)

    @property
    def fixes(self) -> tuple[str, ...]:
        """What to do, each once, as it has to be typed."""
        return tuple(dict.fromkeys(problem.fix for problem in self.problems if problem.fix))

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        """(where, words): where is "" for what is said alike everywhere."""
        told = {tuple(_faceless(p, words) for words in p.evidence) for p in self.problems}
        if len(told) == 1:
            return tuple(("", self._common(self.first, words)) for words in self.first.evidence)
        return tuple((str(p.where), words) for p in self.problems for words in p.evidence)

    def _common(self, problem: Problem, words: str) -> str:
        sites = {p.where.site for p in self.problems}
        stacks = {p.where.stack for p in self.problems}
        if len(sites) > 1:
            words = _replace(words, problem.where.site, "SITE")
        return _replace(words, problem.where.stack, "STACK") if len(stacks) > 1 else words


def causes(problems: Iterable[Problem]) -> tuple[Cause, ...]:
    """Group problems by cause, the one that decides the exit code first."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for problem in _by_precedence(list(dict.fromkeys(problems))):
        groups.setdefault(_key(problem), []).append(problem)
    return tuple(Cause(problems=tuple(group)) for group in groups.values())


def _by_precedence(problems: list[Problem]) -> list[Problem]:
    ordered: list[Problem] = []
    while problems:
        code = worst(problems)
        same = [problem for problem in problems if problem.exit_code is code]
        ordered += sorted(same, key=lambda p: (p.where.file, p.where.line, p.where.column))
        problems = [problem for problem in problems if problem.exit_code is not code]
    return ordered


def _key(problem: Problem) -> tuple[object, ...]:
    where = problem.where
    words = (problem.what, problem.fix, problem.state_left)
    return (
        problem.code,
        problem.exit_code,
        (where.file, where.line, where.column),
        *(_faceless(problem, text) for text in words),
        problem.runbook,
        bool(where.site),
        bool(where.stack),
    )


def _faceless(problem: Problem, words: str) -> str:
    return _replace(_replace(words, problem.where.stack, "STACK"), problem.where.site, "SITE")


def _replace(words: str, name: str, placeholder: str) -> str:
    if not name:
        return words
    # A site's name is often part of host names, which say something else: registry.chime.
    return re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", placeholder, words)
