"""A fake port: what was submitted is answered in the order and at the times that a test says."""

import pytest

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.gather import LostAnswerError, gather, look_at, probe_all
from orchestrator.fleet.desired import TcpProbe
from orchestrator.procedures.asking import (
    Asking,
    ask_mutate,
    ask_observe,
    ask_observe_all,
    ask_sleep,
    ask_tell,
)
from orchestrator.procedures.effects import (
    Answer,
    Effect,
    Observe,
    ProbeResult,
    RemoveServices,
    Result,
    RunProbe,
)
from tests.build import CLIENT, sight

OK = Answer(result=Result.OK, at=0.0)


class Port:
    """Answers the newest first, a second each; now and then it wakes for nothing."""

    def __init__(self) -> None:
        self.time = 100.0
        self.pending: list[tuple[int, Effect]] = []
        self.submitted: list[Effect] = []
        self.strangers: list[tuple[int, object] | None] = []
        self.nonsense = False

    def now(self) -> float:
        return self.time

    def submit(self, token: int, effect: Effect) -> None:
        self.submitted.append(effect)
        self.pending.append((token, effect))

    def wait(self, until: float | None) -> tuple[int, object] | None:
        if self.strangers:
            self.time += 0.25
            return self.strangers.pop()
        if not self.pending:
            assert until is not None, "it would wait for ever"
            self.time = until
            return None
        self.time += 1.0
        token, effect = self.pending.pop()
        return token, self._answer(effect)

    def _answer(self, effect: Effect) -> object:
        if self.nonsense:
            return "nonsense"
        if isinstance(effect, Observe):
            return sight(effect.site, self.time)
        if isinstance(effect, RunProbe):
            return ProbeResult(ok=True, at=self.time, words=effect.site)
        return OK


@pytest.fixture
def port() -> Port:
    return Port()


def test_effects_are_performed_one_after_the_other(port: Port) -> None:
    def procedure() -> Asking[str]:
        yield from ask_tell("something")
        look = yield from ask_observe("far")
        answer = yield from ask_mutate(RemoveServices(unit=CLIENT, ids=("s",)))
        return f"{look.site} at {look.at}, {answer.result.value}"

    assert carry_alone(port, procedure()) == "far at 101.0, ok"
    assert port.submitted == [Observe(site="far"), RemoveServices(unit=CLIENT, ids=("s",))]


def test_several_sites_are_looked_at_side_by_side_and_come_in_the_order_asked(port: Port) -> None:
    def procedure() -> Asking[tuple[str, ...]]:
        looks = yield from ask_observe_all(("far", "home"))
        return tuple(look.site for look in looks)

    assert carry_alone(port, procedure()) == ("far", "home")
    assert port.time == 102.0


def test_a_pause_is_waited_out_whatever_answers_come_meanwhile(port: Port) -> None:
    port.strangers = [None, (10**9, OK)]

    def procedure() -> Asking[float]:
        return (yield from ask_sleep(5.0))

    assert carry_alone(port, procedure()) == 105.0
    assert port.strangers == []


def test_asking_for_the_time_waits_for_nothing(port: Port) -> None:
    port.strangers = [None]

    def procedure() -> Asking[float]:
        return (yield from ask_sleep(0))

    assert carry_alone(port, procedure()) == 100.0
    assert port.strangers == [None]


# Gathering


def test_answers_come_in_the_order_of_the_effects(port: Port) -> None:
    answers = gather(port, [Observe(site=name) for name in ("a", "b", "c")])
    assert [getattr(answer, "site", None) for answer in answers] == ["a", "b", "c"]
    assert gather(port, []) == ()


def test_answers_to_others_are_let_go(port: Port) -> None:
    port.strangers = [None, (10**9, "a late answer")]
    assert len(gather(port, [Observe(site="a")])) == 1
    assert port.strangers == []


def test_each_site_is_looked_at_once(port: Port) -> None:
    looks = look_at(port, ["a", "b", "a"])
    assert list(looks) == ["a", "b"]
    assert len(port.submitted) == 2


def test_a_look_that_is_none_is_a_bug_and_no_look(port: Port) -> None:
    port.nonsense = True
    with pytest.raises(LostAnswerError, match="looking at a gave str"):
        look_at(port, ["a"])


def test_probes_are_sent_side_by_side(port: Port) -> None:
    probe = TcpProbe(name="p", host="h", port=1)
    results = probe_all(port, [RunProbe(site=name, probe=probe) for name in ("a", "b")])
    assert [result.words for result in results] == ["a", "b"]
