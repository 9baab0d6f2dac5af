"""An answer of the wrong type is a bug of the driver, and is met at once."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import TcpProbe
from orchestrator.procedures.asking import (
    Asking,
    DriverBugError,
    ask_config,
    ask_examine,
    ask_fresh,
    ask_journal,
    ask_lock,
    ask_mutate,
    ask_observe,
    ask_observe_all,
    ask_probe,
    ask_sleep,
    ask_tell,
)
from orchestrator.procedures.effects import (
    Answer,
    CheckLock,
    ConfigAnswer,
    ConfigResult,
    Examine,
    Holding,
    Intend,
    Observe,
    ObserveAll,
    ProbeResult,
    ReadConfig,
    RemoveServices,
    Result,
    RunProbe,
    Sleep,
    Tell,
)
from tests.build import CLIENT, sight, unseen

REMOVE = RemoveServices(unit=CLIENT, ids=())
PROBE = RunProbe(site="far", probe=TcpProbe(name="p", host="h", port=1))
PROBLEM = Problem(code="x.y", what="", exit_code=ExitCode.BUG)
ANSWER = Answer(result=Result.OK, at=0.0)
CONFIG = ConfigAnswer(result=ConfigResult.OK, at=0.0)
READ = ReadConfig(site="far", name="x")

QUESTIONS: list[tuple[Callable[[], Asking[Any]], object, object]] = [
    (lambda: ask_observe("far"), Observe(site="far"), sight()),
    (lambda: ask_observe("far"), Observe(site="far"), unseen()),
    (lambda: ask_observe_all(("a", "b")), ObserveAll(sites=("a", "b")), (sight(), unseen())),
    (lambda: ask_mutate(REMOVE), REMOVE, ANSWER),
    (lambda: ask_probe(PROBE), PROBE, ProbeResult(ok=True, at=0.0, words="")),
    (lambda: ask_examine(Examine(site="far")), Examine(site="far"), unseen()),
    (lambda: ask_sleep(3), Sleep(seconds=3), 3.5),
    (lambda: ask_sleep(3), Sleep(seconds=3), 4),
    (lambda: ask_config(READ), READ, CONFIG),
    (ask_lock, CheckLock(), Holding(held=True, asked=1.0)),
    (lambda: ask_journal(Intend(effect=REMOVE)), Intend(effect=REMOVE), None),
    (lambda: ask_journal(Intend(effect=REMOVE)), Intend(effect=REMOVE), PROBLEM),
]


@pytest.mark.parametrize(("ask", "effect", "answer"), QUESTIONS)
def test_what_is_asked_and_what_comes_back(
    ask: Callable[[], Asking[Any]], effect: object, answer: object
) -> None:
    asking = ask()
    assert next(asking) == effect
    with pytest.raises(StopIteration) as end:
        asking.send(answer)
    assert end.value.value is answer


@pytest.mark.parametrize("ask", [question[0] for question in QUESTIONS])
def test_nonsense_is_refused(ask: Callable[[], Asking[Any]]) -> None:
    asking = ask()
    next(asking)
    with pytest.raises(DriverBugError, match="got str, expected"):
        asking.send("nonsense")


def test_telling_expects_nothing_back() -> None:
    asking = ask_tell("two tasks", ("a", "b"), 9.0)
    assert next(asking) == Tell(waiting_for="two tasks", items=("a", "b"), deadline=9.0)
    with pytest.raises(StopIteration):
        asking.send(None)


def test_looks_that_are_old_by_the_time_they_come_are_looked_anew() -> None:
    """A process that stood still is handed looks from before it did."""
    asking = ask_fresh(("a", "b"))
    assert next(asking) == ObserveAll(sites=("a", "b"))
    assert asking.send((sight("a", 100.0), unseen("b", 115.0))) == Sleep(seconds=0)
    assert asking.send(120.1) == ObserveAll(sites=("a", "b"))
    fresh = (sight("a", 120.2), unseen("b", 135.2))
    asking.send(fresh)
    with pytest.raises(StopIteration) as end:
        asking.send(140.2)
    assert end.value.value == fresh


def test_looks_that_are_always_old_are_asked_for_three_times() -> None:
    asking, old = ask_fresh(("a",)), (sight("a", 0.0),)
    next(asking)
    asked = [asking.send(answer) for answer in (old, 1000.0, old, 1000.0)]
    assert sum(isinstance(effect, ObserveAll) for effect in asked) == 2
    with pytest.raises(StopIteration) as end:
        asking.send(old)
    assert end.value.value == old
