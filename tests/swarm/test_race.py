import threading
import time
from collections.abc import Callable

import pytest

from orchestrator.errors import ExitCode, FleetError, Problem
from orchestrator.swarm.race import race

NOBODY = Problem(code="x.nobody", what="nobody", exit_code=ExitCode.SITE_UNREACHABLE)
LONG_SECONDS = 20.0


def fails(code: str) -> Callable[[], str]:
    def attempt() -> str:
        raise FleetError.of(code, code, ExitCode.SITE_UNREACHABLE)

    return attempt


def run(
    *attempts: Callable[[], str],
    head_start: float = 0.05,
    longest: float = LONG_SECONDS,
    over: str = "",
    dropped: list[str] | None = None,
) -> str:
    return race(
        attempts,
        head_start_seconds=head_start,
        longest=(longest, NOBODY),
        discard=(lambda _: None) if dropped is None else dropped.append,
        over=lambda error: error.problems[0].code == over,
    )


def refusal(*attempts: Callable[[], str], **other: float | str) -> list[str]:
    with pytest.raises(FleetError) as found:
        run(*attempts, **other)  # type: ignore[arg-type]  # by name
    return [problem.code for problem in found.value.problems]


def test_the_first_that_answers_is_taken_and_no_other_is_asked() -> None:
    assert run(lambda: "a", fails("b"), head_start=LONG_SECONDS) == "a"


def test_the_next_is_asked_at_once_when_one_refuses() -> None:
    began = time.monotonic()
    assert run(fails("a"), fails("b"), lambda: "c", head_start=LONG_SECONDS) == "c"
    assert time.monotonic() - began < LONG_SECONDS


def test_the_next_is_asked_while_one_is_silent_and_the_late_one_is_dropped() -> None:
    go, dropped = threading.Event(), list[str]()
    done = threading.Event()

    def late() -> str:
        go.wait(LONG_SECONDS)
        return "late"

    class Dropped(list[str]):
        def append(self, word: str, /) -> None:
            dropped.append(word)
            done.set()

    assert run(late, lambda: "b", dropped=Dropped()) == "b"
    go.set()
    assert done.wait(LONG_SECONDS)
    assert dropped == ["late"]


def test_all_that_failed_are_told_in_their_order() -> None:
    assert refusal(fails("a"), fails("b")) == ["a", "b"]
    assert refusal(fails("a")) == ["a"]


def test_one_that_knows_better_than_all_others_ends_it() -> None:
    go = threading.Event()
    waits = lambda: str(go.wait(LONG_SECONDS))  # noqa: E731
    assert refusal(waits, fails("leaderless"), over="leaderless") == ["leaderless"]
    go.set()


def test_silence_of_all_has_an_end() -> None:
    go = threading.Event()
    waits = lambda: str(go.wait(LONG_SECONDS))  # noqa: E731
    assert refusal(waits, waits, longest=0.1) == ["x.nobody"]
    go.set()


def test_a_bug_in_an_attempt_is_not_swallowed() -> None:
    def bug() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(bug, lambda: "b")
