"""What the failing tasks themselves wrote last: the cause of a failure is often only there.

Asked for once a unit is judged, within seconds; nothing of what was found before depends on it.
"""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.errors import Problem
from orchestrator.fleet.logs import LogLine, LogQuery, queries
from orchestrator.fleet.observed import Look, Sight, Task, TaskState, contents
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.asking import Asking, ask_logs
from orchestrator.procedures.effects import Effect, Failed, Outcome, Procedure, ReadLogs

_CODES = frozenset({"deploy.unhealthy", "run.broke-later", "run.left-unhealthy"})
_LINES = 10
_SERVICES = 2
_LONGEST = 300
_ENDED = frozenset({TaskState.FAILED, TaskState.COMPLETE, TaskState.SHUTDOWN})
_ALIVE = frozenset({TaskState.STARTING, TaskState.RUNNING})


def with_last_words(procedure: Procedure) -> Procedure:
    """Carry out `procedure`; what it failed of is told with the last words of the tasks.

    The looks are those that the procedure itself asked for: nothing more is waited for.
    """
    looks: dict[str, Sight] = {}
    answer: object = None
    while True:
        try:
            effect: Effect = procedure.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            break
        answer = yield effect
        if isinstance(answer, Sight):
            looks[answer.site] = answer
    if not isinstance(outcome, Failed):
        return outcome
    problems: list[Problem] = []
    for problem in outcome.problems:
        told = yield from add_last_words(problem, looks.get(problem.where.site))
        problems.append(told)
    return Failed(problems=tuple(problems))


def add_last_words(problem: Problem, sight: Look | None) -> Asking[Problem]:
    """Return the problem with the last words, if it is one of a unit that is not healthy."""
    where = problem.where
    if problem.code not in _CODES or not isinstance(sight, Sight):
        return problem
    unit = Unit(stack=where.stack, site=where.site)
    failing = failing_tasks(sight, unit, where.service)
    wanted = tuple(
        query
        for query in queries(sight, frozenset({unit}), tail=_LINES, since=0.0, follow=False)
        if any(task.service_id == query.id for task in failing)
    )[:_SERVICES]
    if not wanted:
        return problem
    written = yield from ask_logs(ReadLogs(site=where.site, queries=wanted))
    ids = frozenset(task.id for task in failing)
    return replace(problem, last_words=last_words(written.lines, wanted, ids))


def failing_tasks(sight: Sight, unit: Unit, service: str) -> tuple[Task, ...]:
    """Return the tasks whose words matter: of `service` (its full name), or of any if it is "".

    Those that ended; else those whose health check has not passed yet; else, since a probe may
    fail of what runs, all that run.
    """
    mine = contents(sight, unit.stack)
    named = {item.id for item in mine.services if service in ("", item.name)}
    tasks = [task for task in mine.tasks if task.service_id in named and task.up_to_date]
    groups = (
        [task for task in tasks if task.state in _ENDED],
        [task for task in tasks if task.state is TaskState.STARTING],
        [task for task in tasks if task.state in _ALIVE],
    )
    return tuple(next((group for group in groups if group), ()))


def last_words(
    lines: Iterable[LogLine], asked: Iterable[LogQuery], failing: frozenset[str]
) -> tuple[str, ...]:
    """Return, of each service, the last lines of the failing task that wrote last."""
    of_services: dict[str, list[LogLine]] = {query.service: [] for query in asked}
    for line in sorted(lines, key=lambda line: line.at):
        if line.task in failing:
            of_services[line.service].append(line)
    words: list[str] = []
    for said in of_services.values():
        mine = [line for line in said if line.task == said[-1].task][-_LINES:]
        words += [_words(line) for line in mine]
    return tuple(words)


def _words(line: LogLine) -> str:
    name = f"{line.service}.{line.slot}" if line.slot else line.service
    text = line.text if len(line.text) <= _LONGEST else f"{line.text[:_LONGEST]} ..."
    return f"{name}: {text}"
