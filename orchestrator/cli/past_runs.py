"""The runs that this machine remembers: listing them, and finding the one that is meant."""

from collections.abc import Iterator, Sequence

from rapidfuzz import process

from orchestrator.cli.journals import Journals, runs_in
from orchestrator.cli.reports import read_timeline
from orchestrator.command_line import typed
from orchestrator.errors import DtdeployError, ExitCode, Problem, UsageError
from orchestrator.report.outages import headline, longest_other
from orchestrator.report.timeline import Timeline
from orchestrator.ui.runs_view import DamagedRun, ListedRun, Runs

LAST = "last"


def list_runs(journals: Journals, limit: int) -> Runs:
    """Return the newest `limit` runs; one whose journal cannot be read is named all the same.

    Raises:
        JournalError: the folder of the journals cannot be read.

    """
    names = runs_in(journals)
    return Runs(entries=tuple(_entries(journals, names[:limit])), more=len(names[limit:]))


def _entries(journals: Journals, names: tuple[str, ...]) -> Iterator[ListedRun | DamagedRun]:
    for name in names:
        try:
            told = read_timeline(journals, name)
        except DtdeployError as error:
            yield DamagedRun(run=name, problem=error.problems[0])
        else:
            yield DamagedRun(run=name) if told is None else _listed(name, told)


def _listed(name: str, told: Timeline) -> ListedRun:
    needed = headline(told)
    longest = max(needed, key=lambda o: o.seconds) if needed else longest_other(told)
    return ListedRun(
        run=name,
        began=told.began,
        seconds=told.seconds,
        who=told.lives[0].by or told.record.owner,
        words=told.record.words,
        outcome=told.outcome,
        unfinished=told.unfinished,
        exit=told.exit,
        outage=longest,
    )


def find_told(journals: Journals, word: str) -> tuple[str, Timeline]:
    """Return the id and the course of the run that is meant.

    It may be `last`, an id, or the beginning of one alone.

    Raises:
        UsageError: there is none, or there are several.
        JournalError, RefusedError: its journal cannot be read.

    """
    names = runs_in(journals)
    found = meant(word, names)
    if len(found) != 1:
        raise UsageError(_unclear(word, found, names))
    told = read_timeline(journals, found[0])
    if told is None:
        raise UsageError(_empty(found[0]))
    return found[0], told


def meant(word: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return which of `names`, the newest first, may be meant: one, unless there is no telling."""
    if word == LAST:
        return tuple(names[:1])
    return (word,) if word in names else tuple(name for name in names if name.startswith(word))


def _unclear(word: str, found: tuple[str, ...], names: tuple[str, ...]) -> Problem:
    if found:
        what = f"{len(found)} runs begin with {word!r}"
    elif names:
        what = f"no run here is called {word!r}, and none begins like that"
    else:
        what = "this machine remembers no run"
    near = process.extractOne(word, (LAST, *names), score_cutoff=60) if names else None
    return Problem(
        code="usage.unknown-run",
        what=what,
        exit_code=ExitCode.USAGE,
        evidence=found[:10],
        fix=typed("report", near[0]) if near and not found else typed("runs"),
        state_left=""
        if found
        else "another machine may have carried it out: its journal is there,"
        f" and {typed('runs', '--at-managers')} lists what the managers know",
    )


def _empty(run: str) -> Problem:
    return Problem(
        code="usage.unknown-run",
        what=f"the journal of run {run} tells of nothing: it ended before anything was written",
        exit_code=ExitCode.USAGE,
        fix=typed("runs"),
    )
