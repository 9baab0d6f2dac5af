"""No mutation without a durable intent before it and a fresh proof of the lock."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.procedures.asking import ask_mutate, ask_observe, ask_sleep
from orchestrator.procedures.custody import FRESH_SECONDS, in_custody
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    CheckLock,
    Done,
    Effect,
    Failed,
    Holding,
    Intend,
    Mutation,
    Observe,
    Outcome,
    Procedure,
    RemoveServices,
    Result,
    Saw,
    Sleep,
)
from orchestrator.procedures.told import News
from tests.build import CLIENT, sight

FULL = Problem(code="journal.unwritable", what="disk full", exit_code=ExitCode.SAFETY_REFUSED)
LOST = Problem(code="lock.lost", what="broken", exit_code=ExitCode.LOCK_HELD)
EFFECT = RemoveServices(unit=CLIENT, ids=("s1",))
OK = Answer(result=Result.OK, at=0.0)


@dataclass(slots=True, kw_only=True)
class Desk:
    """Answers as an engine would; `lags` are seconds between each proof and its use."""

    journal: Problem | None = None
    unseen: Problem | None = None
    lock: Problem | None = None
    lags: Iterator[float] = field(default_factory=lambda: iter(()))
    answers: list[Answer] = field(default_factory=list)
    now: float = 100.0
    log: list[Effect] = field(default_factory=list)

    def answer(self, effect: Effect) -> object:
        self.log.append(effect)
        if isinstance(effect, Intend):
            return self.journal
        if isinstance(effect, Saw):
            return self.unseen
        if isinstance(effect, CheckLock):
            asked = self.now
            self.now += next(self.lags, 0.0)
            return Holding(held=self.lock is None, asked=asked, problem=self.lock)
        if isinstance(effect, Sleep):
            self.now += effect.seconds
            return self.now
        if isinstance(effect, Observe):
            return sight(effect.site, self.now)
        return self.answers.pop(0) if self.answers else OK

    def carry(self, procedure: Procedure) -> Outcome:
        custody = in_custody(procedure)
        effect = next(custody)
        while True:
            try:
                effect = custody.send(self.answer(effect))
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome

    def sent(self) -> list[Mutation]:
        return [effect for effect in self.log if isinstance(effect, Mutation)]


def removing(effect: Mutation = EFFECT) -> Procedure:
    answer = yield from ask_mutate(effect)
    return Done(words=f"{answer.result.value} {answer.words}".strip())


def test_intent_then_proof_then_effect_then_what_was_seen() -> None:
    desk = Desk()
    assert desk.carry(removing()) == Done(words="ok")
    kinds = [type(effect) for effect in desk.log]
    assert kinds == [Intend, Sleep, CheckLock, Sleep, RemoveServices, Saw]
    assert desk.log[0] == Intend(effect=EFFECT)
    assert desk.log[-1] == Saw(effect=EFFECT, answer=OK)


def test_what_was_announced_is_written_into_the_lock_at_once() -> None:
    message = Announce(site="home", news=News.BEFORE, title="t", body="b")
    desk = Desk()
    assert desk.carry(removing(message)) == Done(words="ok")
    kinds = [type(effect) for effect in desk.log]
    assert kinds == [Intend, Sleep, CheckLock, Sleep, Announce, Saw, CheckLock]


def test_an_effect_may_not_begin_once_its_proof_is_old() -> None:
    desk = Desk(lags=iter([3.0]))
    desk.carry(removing())
    assert desk.sent() == [
        RemoveServices(unit=CLIENT, ids=("s1",), not_after=100.0 + FRESH_SECONDS)
    ]


def test_everything_else_passes_as_it_is() -> None:
    def looking() -> Procedure:
        look = yield from ask_observe("far")
        now = yield from ask_sleep(2.0)
        return Done(words=f"{look.at} {now}")

    desk = Desk()
    assert desk.carry(looking()) == Done(words="100.0 102.0")
    assert [type(effect) for effect in desk.log] == [Observe, Sleep]


@dataclass(slots=True)
class Closing:
    """A procedure that notices that it is left."""

    closed: bool = False

    def procedure(self) -> Procedure:
        try:
            return (yield from removing())
        finally:
            self.closed = True


def test_what_cannot_be_written_down_is_not_done() -> None:
    desk, closing = Desk(journal=FULL), Closing()
    assert desk.carry(closing.procedure()) == Failed(problems=(FULL,))
    assert desk.sent() == []
    assert closing.closed


def test_without_the_lock_nothing_is_done() -> None:
    desk, closing = Desk(lock=LOST), Closing()
    assert desk.carry(closing.procedure()) == Failed(problems=(LOST,))
    assert desk.sent() == []
    assert not any(isinstance(effect, Saw) for effect in desk.log)
    assert closing.closed


def test_a_proof_that_took_too_long_comes_too_late() -> None:
    """What was seen before is as old by then, whatever the proof says."""
    desk = Desk(lags=iter([FRESH_SECONDS + 0.1]))
    words = "late 15 s passed until the lock was proved to be held"
    assert desk.carry(removing()) == Done(words=words)
    assert desk.sent() == []
    assert isinstance(desk.log[-1], Saw)
    assert desk.log[-1].answer == Answer(result=Result.LATE, at=115.1, words=words[5:])


def test_a_proof_counts_up_to_its_age() -> None:
    desk = Desk(lags=iter([FRESH_SECONDS]))
    assert desk.carry(removing()) == Done(words="ok")
    assert desk.sent()[0].not_after == 100.0 + FRESH_SECONDS


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN, Result.LATE])
def test_a_failure_is_told_as_it_is_and_not_repeated(result: Result) -> None:
    desk = Desk(answers=[Answer(result=result, at=1.0, words="no")])
    assert desk.carry(removing()) == Done(words=f"{result.value} no")
    assert len(desk.sent()) == 1


def test_what_was_seen_may_be_lost() -> None:
    """The Swarm can be asked again; only the intent has to be durable."""
    desk = Desk(unseen=FULL)
    assert desk.carry(removing()) == Done(words="ok")
