from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.announce import announce
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    Done,
    Effect,
    Failed,
    Result,
)
from orchestrator.procedures.told import News, Sent, Told
from tests.build import CLIENT, SERVER, inventory, plan, sight, spec, unit_plan
from tests.drive import Driven, drive

STEP = Step(id="announce downtime", kind=StepKind.ANNOUNCE, site="home")
WALL = 1_000_000.0
"""Added to the driver's clock."""


def book(*told: Told, minutes: float = 0.0) -> Book:
    made = plan(unit_plan(SERVER), unit_plan(CLIENT))
    return Book(
        run="r1",
        inventory=inventory(spec(SERVER, announce=True), spec(CLIENT, SERVER)),
        plan=replace(made, notice=Notice(minutes=minutes)),
        sourced={},
        words="restart --all",
        teller="ann@desk",
        told=told,
        wall_offset=WALL,
    )


def announced(made: Book, *results: Result, problem: Problem | None = None) -> Driven:
    """Carry it out; each message is answered with the next of `results`."""
    left = list(results)

    def perform(effect: Effect, now: float) -> object:
        assert isinstance(effect, Announce)
        return Answer(result=left.pop(0), at=now, words="chat: said so", problem=problem)

    driven = drive(announce(made, STEP), lambda site, _: sight(site), perform)
    assert left == []
    return driven


def messages(driven: Driven) -> list[Announce]:
    return [effect for effect in driven.effects if isinstance(effect, Announce)]


def problem_of(driven: Driven) -> Problem:
    assert isinstance(driven.outcome, Failed)
    (problem,) = driven.outcome.problems
    assert problem.exit_code is ExitCode.ANNOUNCEMENT_FAILED
    assert problem.state_left == "nothing was touched"
    return problem


def test_what_goes_down_is_announced_once() -> None:
    driven = announced(book(), Result.OK)
    assert driven.outcome == Done(words="chat: said so")
    (message,) = driven.effects
    assert isinstance(message, Announce)
    assert (message.site, message.news) == ("home", News.BEFORE)
    assert message.title == "Downtime of app@home, run r1"
    assert message.body.startswith("app@home goes down now.")


def test_what_was_refused_says_why_and_how_to_go_on() -> None:
    problem = problem_of(announced(book(), Result.FAILED))
    assert problem.code == "announce.refused"
    assert problem.evidence == ("chat: said so",)
    assert problem.fix.endswith("dtdeploy restart --all --announced 'WHERE AND BY WHOM'")


def test_a_lost_answer_is_never_sent_again_by_itself() -> None:
    driven = announced(book(), Result.UNKNOWN)
    problem = problem_of(driven)
    assert len(messages(driven)) == 1
    assert problem.code == "announce.unknown"
    assert "'Downtime of app@home, run r1'" in problem.what


def test_a_problem_that_comes_with_the_answer_is_told_as_it_is() -> None:
    mine = Problem(
        code="announce.bad-url",
        what="no URL",
        exit_code=ExitCode.ANNOUNCEMENT_FAILED,
        state_left="nothing was touched",
    )
    assert problem_of(announced(book(), Result.FAILED, problem=mine)) == mine


def test_what_came_too_late_was_not_sent_and_is_sent_again() -> None:
    driven = announced(book(), Result.LATE, Result.LATE, Result.OK)
    assert isinstance(driven.outcome, Done)
    assert len(messages(driven)) == 3


def test_what_is_late_for_ever_is_given_up() -> None:
    driven = announced(book(), Result.LATE, Result.LATE, Result.LATE)
    assert problem_of(driven).code == "announce.refused"


@pytest.mark.parametrize("sent", [Sent.RECEIVED, Sent.BY_HAND])
def test_with_a_receipt_nothing_is_sent_again(sent: Sent) -> None:
    before = Told(news=News.BEFORE, sent=sent, at=WALL - 60, words="#outages, by Ada")
    driven = announced(book(before))
    assert driven.effects == []
    assert driven.outcome == Done(words="#outages, by Ada")


def test_a_receipt_without_words_is_one_too() -> None:
    before = Told(news=News.BEFORE, sent=Sent.RECEIVED, at=WALL)
    assert announced(book(before)).outcome == Done(words="announced")


@pytest.mark.parametrize("sent", [Sent.SENDING, Sent.UNKNOWN])
def test_what_an_earlier_life_may_have_sent_is_not_sent_again(sent: Sent) -> None:
    driven = announced(book(Told(news=News.BEFORE, sent=sent, at=WALL - 60)))
    assert driven.effects == []
    assert problem_of(driven).code == "announce.unknown"


def test_notice_is_waited_out_and_its_end_is_told() -> None:
    driven = announced(book(minutes=10), Result.OK)
    assert driven.seconds == 600
    assert messages(driven)[0].body.startswith("app@home goes down at 13:56 UTC, not before.")
    assert driven.told[-1].waiting_for == "the notice to pass, until 13:56 UTC"
    assert driven.told[-1].deadline == 600
    assert driven.outcome == Done(words="chat: said so, notice given until 13:56 UTC")


def test_a_resume_waits_for_what_is_left_of_the_notice() -> None:
    before = Told(news=News.BEFORE, sent=Sent.RECEIVED, at=WALL - 400)
    assert announced(book(before, minutes=10)).seconds == 200
    long_ago = Told(news=News.BEFORE, sent=Sent.RECEIVED, at=WALL - 4000)
    assert announced(book(long_ago, minutes=10)).seconds == 0
