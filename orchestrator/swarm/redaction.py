"""What a site says, without secrets: applied to everything that leaves this folder.

What Docker, SSH and registries quote may repeat what they were given. Labels are left as they
are, for they are read by programs and shown to nobody.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Look, Service, Sight, Task, Unseen
from orchestrator.fleet.pulling import Pulled, Pulling
from orchestrator.fleet.secrecy import forms_of, hide_secrets, hide_values
from orchestrator.procedures.effects import (
    Answer,
    AuditLog,
    CheckedImages,
    CheckedVolumes,
    ConfigAnswer,
    Examination,
    HeldRelease,
    ImageCheck,
    ProbeResult,
    Written,
)
from orchestrator.procedures.inspection import Inspection

Found = Examination | CheckedImages | CheckedVolumes | Inspection | HeldRelease | AuditLog
Observation = Look | Pulling | Answer | ProbeResult | Found | ConfigAnswer | Written
T = TypeVar("T")


class Redaction:
    """Takes out what looks like a secret, and the values of known ones however written."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take the values of all secrets that are known."""
        self._forms = forms_of(values)

    def words(self, text: str) -> str:
        """Return text without secrets."""
        return hide_values(hide_secrets(text), self._forms) if text else text

    def problem(self, problem: Problem) -> Problem:
        """Return a problem whose quotes hold no secrets."""
        evidence = tuple(self.words(line) for line in problem.evidence)
        what = self.words(problem.what)
        if (what, evidence) == (problem.what, problem.evidence):
            return problem
        return replace(problem, what=what, evidence=evidence)

    def of(self, seen: Observation) -> Observation:
        """Return what came back from an effect, without secrets; itself if there were none."""
        match seen:
            case Sight():
                return self._sight(seen)
            case Pulling():
                return replace(seen, pulls=tuple(map(self._pulled, seen.pulls)))
            case Unseen():
                return replace(seen, problem=self.problem(seen.problem))
            case Answer() | ConfigAnswer():
                problem = self.problem(seen.problem) if seen.problem else None
                return replace(seen, words=self.words(seen.words), problem=problem)
            case ProbeResult() | Written():
                return self._said(seen)
            case _:
                return self._found(seen)

    def _found(self, seen: Found) -> Found:
        match seen:
            case CheckedImages():
                return replace(seen, images=self._checks(seen.images))
            case AuditLog():
                return replace(seen, lines=tuple(map(self.words, seen.lines)))
            case CheckedVolumes() | HeldRelease():
                return seen  # what is in it is compared, and never shown
            case Inspection():
                unknown = tuple((name, self.words(said)) for name, said in seen.unknown)
                refused = tuple((image, self.words(said)) for image, said in seen.unpullable)
                return replace(
                    seen,
                    images_words=self.words(seen.images_words),
                    unpullable=refused,
                    unknown=unknown,
                )
            case Examination():
                requires = tuple(
                    (probe, replace(said, words=self.words(said.words)))
                    for probe, said in seen.requires
                )
                sight, images = self._sight(seen.sight), self._checks(seen.images)
                return replace(seen, sight=sight, images=images, requires=requires)

    def _said(self, seen: ProbeResult | Written) -> ProbeResult | Written:
        if isinstance(seen, ProbeResult):
            return replace(seen, words=self.words(seen.words))
        lines = tuple(replace(line, text=self.words(line.text)) for line in seen.lines)
        return replace(seen, lines=lines)

    def _sight(self, sight: Sight) -> Sight:
        """Look at what has words only: a sight of a large Swarm is seldom built anew."""
        tasks = _each(sight.tasks, self._task)
        services = _each(sight.services, self._service)
        error = self.words(sight.info.error)
        if tasks is sight.tasks and services is sight.services and error == sight.info.error:
            return sight
        info = replace(sight.info, error=error)
        return replace(sight, tasks=tasks, services=services, info=info)

    def _pulled(self, pulled: Pulled) -> Pulled:
        return replace(pulled, tasks=tuple((self._task(task), node) for task, node in pulled.tasks))

    def _task(self, task: Task) -> Task:
        if not (task.error or task.message):
            return task
        error, message = self.words(task.error), self.words(task.message)
        if (error, message) == (task.error, task.message):
            return task
        return replace(task, error=error, message=message)

    def _service(self, service: Service) -> Service:
        message = self.words(service.update_message)
        return (
            service
            if message == service.update_message
            else replace(service, update_message=message)
        )

    def _checks(self, images: tuple[ImageCheck, ...]) -> tuple[ImageCheck, ...]:
        return tuple(replace(check, words=self.words(check.words)) for check in images)


def _each(items: tuple[T, ...], change: Callable[[T], T]) -> tuple[T, ...]:
    """Change each; the same tuple comes back where nothing changed."""
    changed = tuple(change(item) for item in items)
    same = all(new is old for new, old in zip(changed, items, strict=True))
    return items if same else changed
