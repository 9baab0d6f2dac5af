"""Problems, for someone tired: what and where, the tool's own words, and what to type next."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from types import MappingProxyType

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner, typed
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.ui.causes import Cause, causes
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.words.foreign import clean, clean_lines, shorten
from orchestrator.words.phrases import count

_LONGEST = 1000
"""Characters of one line of evidence; what is cut is cut from its first half."""
_MOST_SITES = 3
_MOST_HEARD = 2
_PLACE = re.compile(r"^([\w.@/-]+(?: on [\w.-]+)?): (.+)$")


def render_problems(problems: Iterable[Problem], width: int = 80) -> list[str]:
    """Return problems as plain lines, the one that decides the exit code first."""
    return plain(problems_view(problems), width)


def print_problems(
    problems: Iterable[Problem],
    console: Console,
    *,
    code: ExitCode | None = None,
    reasons: Mapping[str, str] = MappingProxyType({}),
    manner: Manner = AS_IT_IS,
) -> None:
    """Print problems; give it stderr's console. `code` is the exit code, if not the worst's.

    `reasons` is what codes mean, in plain words, for who wants to be told.
    """
    show(console, problems_view(problems, code=code, reasons=reasons, manner=manner))


def problems_view(
    problems: Iterable[Problem],
    *,
    code: ExitCode | None = None,
    reasons: Mapping[str, str] = MappingProxyType({}),
    manner: Manner = AS_IT_IS,
) -> RenderableType:
    """Return problems grouped by cause, with a closing count; nothing when there are none."""
    found = causes(problems)
    if not found:
        return stack_up(())
    parts = [
        part
        for cause, follower in zip_longest(found, found[1:])
        for part in _cause(
            cause,
            show_runbook=not _same_page(cause, follower),
            reason=reasons.get(cause.first.code, ""),
            manner=manner,
        )
    ]
    return stack_up((*parts, _closing(found, code)))


def _same_page(cause: Cause, follower: Cause | None) -> bool:
    """Whether the next finding about a file names the same runbook, which is enough."""
    if follower is None or not (cause.first.where.file and follower.first.where.file):
        return False
    return cause.first.runbook == follower.first.runbook


def _cause(
    cause: Cause, *, show_runbook: bool, reason: str, manner: Manner
) -> Iterator[RenderableType]:
    yield _headline(cause)
    if reason:
        yield labelled([("means:  ", reason)], indent=4)
    if rows := [(">", Text(line, style="bold")) for line in _evidence(cause)]:
        yield labelled(rows, indent=4)
    if written := list(_written(cause)):
        yield Text("    the task wrote last:")
        yield labelled([("|", line) for line in written], indent=4)
    if cause.state_left:
        yield labelled([("state:  ", clean(cause.state_left))], indent=4)
    for label, line in _fixes(cause):
        yield whole(f"    {label:<10}", (manner.fit(line), "cyan"))
    if cause.first.runbook and show_runbook:
        page, code = clean(cause.first.runbook), clean(cause.first.code)
        yield whole(f"    runbook:  {page}", (f"   # {typed('explain', code)}", "dim"))
    if not cause.first.where.file:
        yield Text("")


def _headline(cause: Cause) -> RenderableType:
    problem, what, places = cause.first, clean(cause.what), clean(cause.places)
    code = f" [{clean(problem.code)}]"
    if problem.where.file:
        position = clean(str(problem.where))
        return whole((f"{position}: ", "bold"), ("error: ", "bold red"), what, code, _who(cause))
    times = f" ({len(cause.problems)} times)" if len(cause.problems) > 1 else ""
    place = (f"{places}: " if places else "", "bold")
    said = Text.assemble(place, what, (code + times, "dim"))
    if problem.exit_code is ExitCode.DONE:
        return labelled([(Text("WARNING", style="bold yellow"), said)], indent=0)
    return labelled([(Text("ERROR", style="bold red"), said)], indent=0)


def _who(cause: Cause) -> str:
    """Say for which units a finding about a file was made, where that is known."""
    names = [f"{p.where.stack}@{p.where.site}" for p in cause.problems if p.where.stack]
    return f" (for {', '.join(dict.fromkeys(names))})" if names else ""


def _evidence(cause: Cause) -> Iterator[str]:
    """Yield the tool's own words; what several services say alike is said once."""
    alike: dict[str, list[str]] = {}
    for place, words in cause.evidence:
        for line in clean_lines(words):
            match = _PLACE.match(line)
            who, said = (match[1], match[2]) if match else ("", line)
            alike.setdefault(said, []).extend(name for name in (place, who) if name)
    for said, who in alike.items():
        names = list(dict.fromkeys(who))
        some = ", ".join(names[:_MOST_SITES])
        more = f" and {len(names) - _MOST_SITES} more" if len(names) > _MOST_SITES else ""
        yield f"{some}{more}: {shorten(said, _LONGEST)}" if names else shorten(said, _LONGEST)


def _written(cause: Cause) -> Iterator[str]:
    """Yield the last words of the failing tasks, of the first few of several places."""
    speaking = [problem for problem in cause.problems if problem.last_words]
    for problem in speaking[:_MOST_HEARD]:
        place = f"{problem.where.stack}@{problem.where.site}/" if len(speaking) > 1 else ""
        yield from (f"{place}{shorten(clean(line), _LONGEST)}" for line in problem.last_words)
    if (more := len(speaking) - _MOST_HEARD) > 0:
        yield f"... and {more} more: {typed('logs')}"


def _fixes(cause: Cause) -> Iterator[tuple[str, str]]:
    """Yield what to type, labelled; a fix of several lines keeps them all."""
    for fix in cause.fixes[:_MOST_SITES]:
        for index, line in enumerate(clean_lines(fix)):
            yield "" if index else "next:", line
    if (more := len(cause.fixes) - _MOST_SITES) > 0:
        yield "", f"... and likewise at the others ({more} more)"


def _closing(found: tuple[Cause, ...], given: ExitCode | None) -> Text:
    problems = [problem for cause in found for problem in cause.problems]
    code = worst(problems) if given is None else given
    if code is ExitCode.DONE:
        return Text(f"{count(len(problems), 'warning')}; nothing stops for them", style="bold")
    number = count(len(problems), "problem")
    shared = f" of {count(len(found), 'cause')}" if len(found) != len(problems) else ""
    return Text(f"{number}{shared}; exit code {code.value}: {_said(code)}", style="bold")


def _said(code: ExitCode) -> str:
    return code.name.replace("_", " ").lower()
