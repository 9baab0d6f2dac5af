"""The engine's port in memory: looks and configs as a test says, answers after a second."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from orchestrator.engine.journal import Entry
from orchestrator.errors import ExitCode, JournalError, Problem
from orchestrator.fleet.observed import Look
from orchestrator.procedures.effects import Answer, Effect, Observe, Result
from tests.build import sight
from tests.configs import CONFIG_EFFECTS, Configs

T = TypeVar("T")
FULL = Problem(code="journal.unwritable", what="disk full", exit_code=ExitCode.SAFETY_REFUSED)


@dataclass(slots=True)
class Desk:
    """A backend: each effect takes `seconds(effect)`, and its answer is made when it is due."""

    look: Callable[[str], Look] = sight
    configs: Configs = field(default_factory=Configs)
    seconds: Callable[[Effect], float] = lambda _: 1.0
    perform: Callable[[Effect], object] = lambda _: Answer(result=Result.OK, at=0.0)
    time: float = 0.0
    submitted: list[tuple[float, Effect]] = field(default_factory=list)
    _pending: list[tuple[float, int, Effect]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def submit(self, token: int, effect: Effect) -> None:
        self.submitted.append((self.time, effect))
        heapq.heappush(self._pending, (self.time + self.seconds(effect), token, effect))

    def wait(self, until: float | None) -> tuple[int, object] | None:
        if not self._pending or (until is not None and until < self._pending[0][0]):
            assert until is not None, "the loop would wait for ever"
            self.time = max(self.time, until)
            return None
        due, token, effect = heapq.heappop(self._pending)
        self.time = max(self.time, due)
        return token, self._answer(effect)

    def sent(self, kind: type[T]) -> list[T]:
        """Return what was submitted of a kind, in its order."""
        return [effect for _, effect in self.submitted if isinstance(effect, kind)]

    def _answer(self, effect: Effect) -> object:
        if isinstance(effect, Observe):
            return replace(self.look(effect.site), at=self.time)
        if isinstance(effect, CONFIG_EFFECTS):
            return self.configs.perform(effect, self.time)
        return self.perform(effect)


@dataclass(slots=True)
class Notes:
    """A journal in memory; `full` says of an entry whether there is no room for it."""

    entries: list[Entry] = field(default_factory=list)
    full: Callable[[Entry], bool] = lambda _: False

    def write(self, entry: Entry) -> None:
        if self.full(entry):
            raise JournalError(FULL)
        self.entries.append(entry)

    def told(self) -> list[tuple[str, str, dict[str, object]]]:
        """Return kind, step and body of each entry."""
        return [(e.kind.value, e.step, dict(e.body)) for e in self.entries]
