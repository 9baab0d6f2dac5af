"""What differs and which commits come, in words: the same in every form of a plan, and alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.fleet.drift import Change
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Plan
from orchestrator.sources.span import Commit, Span
from orchestrator.ui.risk_words import few
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import count, short

_LONGEST = 200
_DAY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """Units of which the same differs, and what; `more` is how many lines are left out."""

    who: str
    lines: tuple[str, ...]
    more: int = 0


def change_rows(plan: Plan, most: int) -> Iterator[ChangeRow]:
    """Yield what differs of each stack, at most `most` lines of each kind of unit."""
    alike: dict[tuple[str, tuple[Change, ...]], list[Unit]] = {}
    for item in plan.units:
        if item.drift:
            alike.setdefault((item.unit.stack, item.drift), []).append(item.unit)
    for (_, changes), units in alike.items():
        lines = tuple(change_words(change) for change in changes)
        yield ChangeRow(who=few(units), lines=lines[:most], more=max(0, len(lines) - most))


def change_words(change: Change) -> str:
    """Say a difference in one line."""
    return shorten(clean(str(change)), _LONGEST)


def span_rows(spans: Iterable[Span], most: int) -> Iterator[ChangeRow]:
    """Yield the commits between what runs and what is to run, repo by repo."""
    for span in spans:
        ends = f"{span.new.repo} {short(span.old.sha)} -> {short(span.new.sha)}"
        if not span.told:
            yield ChangeRow(who=ends, lines=("the repository does not know what ran",))
            continue
        size = count(len(span.commits) + span.more, "commit")
        way = f"{size} taken back" if span.back else size
        lines = tuple(commit_words(commit) for commit in span.commits)
        more = max(0, len(lines) - most) + span.more
        yield ChangeRow(who=f"{ends}: {way}", lines=lines[:most], more=more)


def commit_words(commit: Commit) -> str:
    """Say a commit in one line: what, by whom, on which day."""
    words = f"{short(commit.sha)} {clean(commit.subject)}"
    return f"{shorten(words, _LONGEST)} ({clean(commit.author)}, {commit.date[:_DAY]})"
