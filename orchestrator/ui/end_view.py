"""The end of a run that held the lock: what stands, what is owed, whether the lock is kept."""

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner, options_in, typed, words_of
from orchestrator.engine.report import RunEnd
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Command, StepKind
from orchestrator.ui.consoles import labelled, plain, show, stack_up
from orchestrator.ui.next_line import next_line
from orchestrator.ui.standing import Standing, unit_ends
from orchestrator.ui.summary import how_it_went, next_command, what_stands
from orchestrator.words.again import names_a_command, ways_again
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import asked, named

_LONGEST = 300
_UNANSWERED = (ExitCode.SITE_UNREACHABLE, ExitCode.OUTCOME_UNKNOWN)
_LEFT = "run.left-unhealthy"
_UNWELL = ("run.broke-later", _LEFT)
_BAD = ("deploy.failed", "deploy.unhealthy", *_UNWELL)
_LOOKING = (typed("lock"), typed("status"))
_CHANGING = (StepKind.REMOVE, StepKind.DEPLOY)
_KEPT = "the lock is kept, nobody else can act until the run is finished or rolled back"


def render_end(end: RunEnd, width: int = 80) -> list[str]:
    """Return the end of a run as plain lines."""
    return plain(end_view(end), width)


def print_end(end: RunEnd, console: Console, manner: Manner = AS_IT_IS) -> None:
    """Print the end of a run; its problems are printed apart from it, see `problems`."""
    show(console, end_view(end, manner))


def end_view(end: RunEnd, manner: Manner = AS_IT_IS) -> RenderableType:
    """Return the end of a run to show."""
    parts = list(_told(end))
    rows = list(_left(end, manner))
    if rows:
        parts.append(labelled(rows, indent=0))
    commands = next_commands(end)
    if commands:
        acts = bool(every_problem(end)) and commands[0] not in _LOOKING
        parts.append(next_line(commands, mended=acts, manner=manner))
    return stack_up(parts)


def next_commands(end: RunEnd) -> tuple[str, ...]:
    """Return what to type next, the way on first; nothing where all is done."""
    ways = _ways(end)
    if not ways or ways[0] in _LOOKING:
        return ways
    problems = every_problem(end)
    if end.kept:
        # Nothing else is let pass before it: what has to be brought up first is named once the
        # run has let go of the lock.
        problems = tuple(replace(p, retry=replace(p.retry, first="")) for p in problems)
    return (*ways_again(ways[0], problems), *ways[1:])


def _ways(end: RunEnd) -> tuple[str, ...]:
    former = typed("rollback", end.run)
    # What the run was not told to take, its units must not be brought up at either.
    owed = typed("up", "--owed", *options_in(end.words, "--ref"))
    if end.kept:
        return (typed("resume", end.run), *(() if end.way_back else (former,)))
    report = end.restored or end.report
    if _lock_unknown(end):
        return (typed("lock"),)
    if report is None:
        return (owed,) if end.owed else _again(end)
    bad = _came_up_badly(end) and end.plan.command is not Command.ROLLBACK
    back = (former,) if bad else ()
    if owed_units(end):
        return (owed, *back)
    if end.restored is not None:
        return () if report.finished else (typed("status"),)
    command = next_command(end.plan, report, end.words) or _for_the_unwell(end)
    return (command, *back) if command else ()


def _lock_unknown(end: RunEnd) -> bool:
    """Whether somebody else may hold the lock by now, or nobody can tell if it was let go of."""
    report = end.restored or end.report
    if report is None:
        return False
    home = [p for p in end.problems if p.where.site == end.plan.coordinator]
    return bool(report.beyond) or any(problem.exit_code in _UNANSWERED for problem in home)


def _for_the_unwell(end: RunEnd) -> str:
    """Return what brings back what fell after it had settled, or was left alone as it was."""
    unwell = [problem for problem in end.problems if problem.code in _UNWELL]
    if not unwell:
        return ""
    left = any(problem.code == _LEFT for problem in unwell)
    wheres = (problem.where for problem in unwell)
    units = dict.fromkeys(Unit(where.stack, where.site) for where in wheres)
    return typed("restart" if left else "up", *units, *options_in(end.words, "--ref"))


def _again(end: RunEnd) -> tuple[str, ...]:
    """Return the command of a run that did not begin, where no problem names another one."""
    alone = end.problems and not names_a_command(end.problems)
    line = end.words or asked(end.plan.command.value, end.plan.selection)
    return (typed(*words_of(line)),) if alone else ()


def _came_up_badly(end: RunEnd) -> bool:
    """Whether what was deployed is to blame: then what ran before may be the quicker help."""
    return any(problem.code in _BAD for problem in every_problem(end))


def owed_units(end: RunEnd) -> dict[Unit, str]:
    """Return every unit that this run still has to bring back or left out, and why."""
    owed = {item.unit: item.reason for item in end.owed}
    if end.kept or _touched(end):
        owed |= {item.unit: item.reason for item in end.plan.left_out}
    return owed


def every_problem(end: RunEnd) -> tuple[Problem, ...]:
    """Return the problems of all of it."""
    reports = [report for report in (end.report, end.restored) if report is not None]
    return (*end.problems, *(p for report in reports for p in report.problems))


def _touched(end: RunEnd) -> bool:
    if end.report is None:
        return end.restored is not None
    stood = (Standing.UNTOUCHED, Standing.GONE)
    done = any(s.state is State.DONE and s.step.kind in _CHANGING for s in end.report.steps)
    return done or any(u.standing not in stood for u in unit_ends(end.plan, end.report))


def _told(end: RunEnd) -> Iterator[RenderableType]:
    if end.report is not None:
        yield how_it_went(end.plan, end.report, None if end.way_back else _but(end))
    if end.way_back is not None and end.restored is not None:
        if end.restored.finished:
            yield Text("RESTORED  what was touched is back at what ran before", "bold green")
        yield how_it_went(end.way_back, end.restored, _but(end))
        yield what_stands(end.way_back, end.restored)
    elif end.report is not None:
        yield what_stands(end.plan, end.report)


def _but(end: RunEnd) -> str | None:
    """Return what speaks against DONE although every step may be done."""
    if not end.problems:
        return None
    unwell = any(problem.code in _UNWELL for problem in end.problems)
    return ", but not all is healthy" if unwell else ""


def _left(end: RunEnd, manner: Manner) -> Iterator[tuple[Text | str, str]]:
    alike: dict[str, list[Unit]] = {}
    for unit, reason in owed_units(end).items():
        alike.setdefault(shorten(clean(reason), _LONGEST), []).append(unit)
    for reason, units in alike.items():
        yield Text("OWED", style="bold yellow"), f"{named(units)}: {reason}"
    for problem in end.unsaid:
        quoted = f" ({'; '.join(problem.evidence)})" if problem.evidence else ""
        words = shorten(clean(f"{problem.what}{quoted}"), _LONGEST)
        yield Text("UNSAID", style="bold yellow"), f"{words}: {manner.fit(problem.fix)}"
    if end.kept:
        yield Text("KEPT", style="bold yellow"), _KEPT
