"""Announce a downtime before anything goes down, and give as much notice as was asked for.

A message is an effect like any other: the intent stands in the run's record before it is sent,
and one whose answer was lost is never sent again by itself.
"""

from orchestrator.command_line import typed, words_of
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.plan import Step
from orchestrator.procedures.announcement import before, clock, downtime, title
from orchestrator.procedures.asking import Asking, ask_mutate, ask_sleep, ask_tell
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import Announce, Answer, Done, Failed, Procedure, Result
from orchestrator.procedures.told import News, about

_LATE_TRIES = 3
_RUNBOOK = "announce-downtime"


def announce(book: Book, step: Step) -> Procedure:
    """Announce what the plan takes down, unless this run did already, and let the notice pass.

    Ends in Failed with 24 when nobody took the announcement, and when nobody can tell whether
    somebody did; nothing was touched.
    """
    known = about(book.told, News.BEFORE)
    now = yield from ask_sleep(0)
    if known is None:
        answer = yield from _send(book, step)
        if answer.result is not Result.OK:
            return Failed(problems=(_problem(book, answer),))
        at, words = answer.at, answer.words
    elif not known.receipt:
        return Failed(problems=(unknown(book, ()),))
    else:
        at, words = known.at - book.wall_offset, known.words
    waited = yield from _let_pass(book, at + book.plan.notice.minutes * 60, now)
    return Done(words=f"{words or 'announced'}{waited}")


def _send(book: Book, step: Step) -> Asking[Answer]:
    """Send it, and again only while it could not be begun in time."""
    minutes = book.plan.notice.minutes
    for _ in range(_LATE_TRIES):
        now = yield from ask_sleep(0)
        begins = now + book.wall_offset + minutes * 60 if minutes else None
        units = downtime(book.inventory, book.plan)
        text = before(book.plan, units, words=book.words, teller=book.teller, begins=begins)
        yield from ask_tell("a receipt for the announcement")
        message = Announce(
            site=step.site, news=News.BEFORE, title=title(book.run, units), body=text
        )
        answer = yield from ask_mutate(message)
        if answer.result is not Result.LATE:
            break
    return answer


def _let_pass(book: Book, until: float, now: float) -> Asking[str]:
    if not book.plan.notice.minutes or until <= now:
        return ""
    ends = clock(until + book.wall_offset)
    yield from ask_tell(f"the notice to pass, until {ends}", deadline=until)
    now = yield from ask_sleep(0)
    while now < until:
        now = yield from ask_sleep(until - now)
    return f", notice given until {ends}"


def _problem(book: Book, answer: Answer) -> Problem:
    if answer.problem is not None:
        return answer.problem
    if answer.result is Result.UNKNOWN:
        return unknown(book, (answer.words,))
    return refused(book, (answer.words,))


def refused(book: Book, evidence: tuple[str, ...]) -> Problem:
    """Return what is said when nobody took the announcement: it was not made."""
    return Problem(
        code="announce.refused",
        what="the downtime could not be announced: nobody took the message",
        exit_code=ExitCode.ANNOUNCEMENT_FAILED,
        evidence=tuple(words for words in evidence if words),
        fix="mend that and type the same again; or announce it yourself, then: "
        f"{announced_by_hand(book.words)}",
        state_left="nothing was touched",
        runbook=_RUNBOOK,
    )


def unknown(book: Book, evidence: tuple[str, ...]) -> Problem:
    """Return what is said when nobody can tell whether the announcement was made."""
    name = title(book.run, downtime(book.inventory, book.plan))
    return Problem(
        code="announce.unknown",
        what=f"nobody can tell whether the downtime was announced: look for '{name}'",
        exit_code=ExitCode.ANNOUNCEMENT_FAILED,
        evidence=tuple(words for words in evidence if words),
        fix=f"if it is in the channel: {announced_by_hand(book.words)}"
        "   # if not, the same without --announced",
        state_left="nothing was touched",
        runbook=_RUNBOOK,
    )


def announced_by_hand(words: str) -> str:
    """Return the command `words`, as it goes on with a downtime that a person announced."""
    return typed(*words_of(words), "--announced", "WHERE AND BY WHOM")
