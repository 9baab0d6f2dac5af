"""Asking side by side with one limit for all, on a world whose clock moves only when waited for."""

from collections.abc import Sequence

import pytest

from orchestrator.engine.questions import Questions
from orchestrator.procedures.effects import Effect, Observe

SITES = tuple(Observe(site=site) for site in ("a", "b"))


class Later:
    """Answers each effect with its site so many seconds after it was asked; see `ports.Backend`."""

    def __init__(self, delays: Sequence[float]) -> None:
        self.delays = dict(zip(("a", "b"), delays, strict=True))
        self.asked: list[str] = []
        self._now = 0.0
        self._due: list[tuple[float, int, str]] = []

    def now(self) -> float:
        return self._now

    def submit(self, token: int, effect: Effect) -> None:
        assert isinstance(effect, Observe)
        self.asked.append(effect.site)
        self._due.append((self._now + self.delays[effect.site], token, effect.site))

    def wait(self, until: float | None) -> tuple[int, object] | None:
        assert until is not None
        self._due.sort()
        if self._due and self._due[0][0] <= until:
            at, token, site = self._due.pop(0)
            self._now = max(self._now, at)
            return token, site
        self._now = max(self._now, until)
        return None

    def pass_by(self, seconds: float) -> None:
        self._now += seconds


def test_answers_come_in_the_order_in_which_they_are_given() -> None:
    backend = Later((2.0, 1.0))
    questions = Questions(backend, SITES)
    assert list(questions.answers(questions.ask() + 5)) == [(1, "b"), (0, "a")]
    assert backend.now() == 2.0


def test_what_does_not_answer_costs_the_limit_and_no_more() -> None:
    backend = Later((0.5, 60.0))
    questions = Questions(backend, SITES)
    assert list(questions.answers(questions.ask() + 1.5)) == [(0, "a")]
    assert backend.now() == 1.5


@pytest.mark.parametrize(("patience", "expected", "ended"), [(4.0, [0, 1], 3.0), (1.0, [0], 2.5)])
def test_what_gives_signs_of_life_is_waited_for_longer(
    patience: float, expected: list[int], ended: float
) -> None:
    backend = Later((0.5, 3.0))
    questions = Questions(backend, SITES)
    answers = questions.answers(
        questions.ask() + 1.5, patience=patience, speaks=lambda index: index == 1
    )
    assert [index for index, _ in answers] == expected
    assert backend.now() == ended


def test_once_the_slow_one_has_answered_the_silent_one_is_not_waited_for() -> None:
    backend = Later((60.0, 2.0))
    questions = Questions(backend, SITES)
    answers = questions.answers(questions.ask() + 1.5, patience=9, speaks=lambda index: index == 1)
    assert list(answers) == [(1, "b")]
    assert backend.now() == 2.0


def test_what_is_under_way_is_not_asked_again_and_a_late_answer_is_of_then() -> None:
    backend = Later((0.5, 10.0))
    questions = Questions(backend, SITES)
    list(questions.answers(questions.ask() + 1))
    list(questions.answers(questions.ask() + 1))
    assert backend.asked == ["a", "b", "a"]
    backend.pass_by(20)
    assert list(questions.answers(questions.ask() + 11)) == [(0, "a"), (1, "b")]
    assert backend.asked == ["a", "b", "a", "a", "b"]
    assert backend.now() == 32.0


def test_answers_to_questions_of_others_are_let_go() -> None:
    backend = Later((0.5, 0.5))
    backend.submit(-1, SITES[0])
    questions = Questions(backend, SITES[1:])
    assert list(questions.answers(questions.ask() + 1)) == [(0, "b")]


def test_without_a_word_about_signs_of_life_there_are_none() -> None:
    backend = Later((0.5, 3.0))
    questions = Questions(backend, SITES)
    assert list(questions.answers(questions.ask() + 1.5, patience=4.0)) == [(0, "a")]
    assert backend.now() == 1.5
