"""The keeper asked by hand, and as a state machine against a model of the config that it keeps."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.engine.findings import lock_unreachable
from orchestrator.engine.keeper import BEAT_SECONDS, PATIENCE_SECONDS, Keeper
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    Holding,
    ReadConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK, Hold, Holder, from_labels, to_labels
from tests.configs import (
    ConfigEffect,
    Configs,
    Fault,
    answer,
    happens,
    lost_after,
    lost_before,
    meanwhile,
    refused,
)

STEPS = (Step(id="a", kind=StepKind.GATE, site="home"), Step(id="b", kind=StepKind.GATE, site="x"))
ME = Holder(owner="ann", host="desk", pid=7, session="mine")
OTHER = Holder(owner="bob", host="lap", pid=8, session="other")
HOLD = Hold(run="r1", words="restart --all", holder=ME, started=1000.0, beat=1000.0)
WALL = 5000.0


@dataclass(slots=True)
class World:
    """A keeper and the config that it keeps; nothing happens by itself."""

    configs: Configs = field(default_factory=Configs)
    now: float = 100.0
    keeper: Keeper = field(init=False)
    sent: ReadConfig | UpdateConfig | None = None

    def __post_init__(self) -> None:
        lock = self.configs.put(LOCK, *to_labels(HOLD, STEPS))
        self.keeper = Keeper("home", lock, HOLD, STEPS)

    def send(self) -> ReadConfig | UpdateConfig | None:
        self.sent = self.keeper.send(self.now, WALL + self.now)
        assert self.sent is None or self.sent.site == "home"
        return self.sent

    def receive(self, fault: Fault = happens) -> dict[str, Holding]:
        assert self.sent is not None
        told = self.keeper.answered(fault(self.configs, self.sent), self.now)
        self.sent = None
        return told

    def turn(self, fault: Fault = happens, *, after: float = 0.0) -> dict[str, Holding]:
        """Let time pass, send what is due and receive its answer."""
        self.now += after
        assert self.send() is not None
        return self.receive(fault)

    def other(self) -> None:
        """Somebody takes the lock over."""
        there = self.configs.kept[LOCK]
        labels = to_labels(replace(HOLD, holder=OTHER), STEPS)
        self.configs.apply(
            UpdateConfig(site="home", id=there.id, version=there.version, labels=labels)
        )

    def broken(self) -> None:
        """Somebody breaks the lock."""
        self.configs.kept.pop(LOCK)

    def retaken(self) -> None:
        """Somebody breaks the lock and takes it for a run of his own."""
        self.configs.put(LOCK, *to_labels(replace(HOLD, holder=OTHER, run="r2"), STEPS))


@pytest.fixture
def world() -> World:
    return World()


def during(happening: Callable[[], object], then: Fault = happens) -> Fault:
    return meanwhile(lambda _: happening(), then)


def held(told: dict[str, Holding]) -> dict[str, float]:
    assert all(holding.held and holding.problem is None for holding in told.values())
    return {name: holding.asked for name, holding in told.items()}


def problem(told: dict[str, Holding], name: str = "a") -> Problem:
    holding = told[name]
    assert not holding.held
    assert holding.problem is not None
    return holding.problem


# Heartbeats


def test_the_first_heartbeat_is_sent_at_once_the_next_ones_in_their_time(world: World) -> None:
    assert world.keeper.due == 0.0
    assert world.turn() == {}
    assert world.keeper.due == 100.0 + BEAT_SECONDS
    assert world.send() is None
    world.now = 105.0
    assert isinstance(world.send(), UpdateConfig)


def test_a_heartbeat_says_when_by_the_operators_clock_and_how_often(world: World) -> None:
    world.turn()
    world.turn(after=5.0)
    hold = from_labels(world.configs.kept[LOCK], STEPS)
    assert isinstance(hold, Hold)
    assert (hold.beat, hold.beats) == (WALL + 105.0, 2)
    assert world.keeper.hold == hold
    assert world.keeper.lock == world.configs.kept[LOCK]


def test_a_lock_that_was_not_proved_for_a_minute_is_out_of_reach(world: World) -> None:
    assert world.keeper.unreachable(1e6) is None
    world.turn(refused)
    never = world.keeper.unreachable(world.now)
    assert never is not None
    assert never.code == "lock.unreachable"
    world.turn()
    world.turn(after=1.0)
    proved = world.now
    assert world.keeper.unreachable(proved + PATIENCE_SECONDS) is None
    world.turn(refused, after=BEAT_SECONDS)
    assert world.keeper.unreachable(proved + PATIENCE_SECONDS - 0.1) is None
    assert world.keeper.unreachable(proved + PATIENCE_SECONDS) is not None


def test_what_the_run_is_at_travels_with_the_next_heartbeat(world: World) -> None:
    world.keeper.hold = replace(world.keeper.hold, done=frozenset({"b"}), touched=True)
    world.turn()
    hold = from_labels(world.configs.kept[LOCK], STEPS)
    assert isinstance(hold, Hold)
    assert (hold.done, hold.touched) == (frozenset({"b"}), True)


def test_while_an_answer_is_awaited_nothing_more_is_sent(world: World) -> None:
    world.send()
    assert world.keeper.due is None
    world.now += 1000
    world.keeper.ask("a", world.now)
    assert world.keeper.send(world.now, WALL) is None


# Proofs


def test_a_proof_is_a_write_that_was_sent_after_the_question(world: World) -> None:
    world.turn()
    world.now = 101.0
    assert world.keeper.ask("a", 101.0) is None
    assert world.keeper.due == 101.0
    assert held(world.turn(after=0.5)) == {"a": 101.5}
    assert world.keeper.due == 101.5 + BEAT_SECONDS


def test_a_write_under_way_proves_nothing_to_who_asks_meanwhile(world: World) -> None:
    world.send()
    world.now = 101.0
    world.keeper.ask("a", 101.0)
    assert world.receive() == {}
    assert world.keeper.due is not None
    assert world.keeper.due <= 101.0
    assert held(world.turn()) == {"a": 101.0}


def test_a_proof_is_as_old_as_its_write_however_late_the_answer(world: World) -> None:
    world.keeper.ask("a", 100.0)
    world.send()
    world.now = 103.0
    assert held(world.receive()) == {"a": 100.0}
    assert world.keeper.due == 100.0 + BEAT_SECONDS


def test_only_a_write_that_was_done_proves_anything(world: World) -> None:
    world.keeper.ask("a", 100.0)
    lock = world.configs.kept[LOCK]
    assert world.turn(lambda *_: answer(ConfigResult.MOVED, lock)) == {}
    assert isinstance(world.send(), ReadConfig)


def test_one_write_proves_it_to_all_who_asked_before(world: World) -> None:
    world.keeper.ask("a", 100.0)
    world.keeper.ask("b", 100.0)
    assert held(world.turn()) == {"a": 100.0, "b": 100.0}
    assert world.turn(after=5.0) == {}


# Lost answers


@pytest.mark.parametrize("lost", [lost_before, lost_after, refused])
def test_after_a_write_that_was_not_confirmed_it_looks_and_writes_again(
    world: World, lost: Fault
) -> None:
    world.keeper.ask("a", 100.0)
    assert world.turn(lost) == {}
    assert isinstance(world.send(), ReadConfig)
    assert world.receive() == {}
    assert world.keeper.due == 101.0
    assert held(world.turn(after=1.0)) == {"a": 101.0}
    assert world.keeper.lost is None


def test_a_read_that_fails_is_repeated_after_a_pause(world: World) -> None:
    world.turn(lost_before)
    world.turn(refused)
    assert world.keeper.due == 101.0
    world.now = 101.0
    assert isinstance(world.send(), ReadConfig)
    world.receive()
    world.now = 102.0
    assert isinstance(world.send(), UpdateConfig)


def test_who_asks_during_trouble_does_not_make_it_hurry(world: World) -> None:
    """A site in trouble is asked once a second, however many steps wait for it."""
    world.turn(lost_before)
    world.turn()
    due = world.keeper.due
    world.keeper.ask("a", world.now)
    assert world.keeper.due == due
    assert held(world.turn(after=1.0)) == {"a": 101.0}
    # All is well again.
    world.keeper.ask("b", 102.0)
    assert world.keeper.due == 102.0


def test_whose_patience_ends_is_told_what_the_matter_is(world: World) -> None:
    cause = Problem(code="ssh.x", what="cut", exit_code=ExitCode.SITE_UNREACHABLE)

    def cut(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return ConfigAnswer(result=ConfigResult.FAILED, at=0.0, problem=cause)

    world.keeper.ask("a", 100.0)
    assert world.turn(cut) == {}
    world.keeper.ask("b", 100.5)
    assert world.turn(refused, after=PATIENCE_SECONDS - 0.1) == {}
    told = world.turn(refused, after=1.0)
    assert set(told) == {"a", "b"}
    assert told["a"] == Holding(held=False, asked=world.now, problem=cause)
    # It is not told twice, and whoever asks again waits anew.
    world.keeper.ask("a", world.now)
    assert world.turn(refused, after=1.0) == {}


def test_patience_is_counted_for_each_who_asks(world: World) -> None:
    world.keeper.ask("a", 100.0)
    world.turn(lost_before)
    world.keeper.ask("b", 130.0)
    assert set(world.turn(refused, after=PATIENCE_SECONDS)) == {"a"}
    assert set(world.turn(refused, after=PATIENCE_SECONDS)) == {"b"}


def test_patience_may_end_although_the_lock_was_just_seen(world: World) -> None:
    world.keeper.ask("a", 100.0)
    world.turn(lost_before)
    told = world.turn(after=PATIENCE_SECONDS)
    assert problem(told).code == "lock.unreachable"
    assert problem(told).evidence == ("connection lost",)
    assert world.keeper.lost is None


def test_without_words_it_says_at_least_what_is_missing(world: World) -> None:
    def silent(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return answer(ConfigResult.UNKNOWN)

    world.keeper.ask("a", 100.0)
    world.turn(silent)
    found = problem(world.turn(silent, after=PATIENCE_SECONDS))
    assert found == lock_unreachable("home", "r1", "")


# Losing it


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("other", "this run lost its lock: bob@lap took it over"),
        ("broken", "this run lost its lock: somebody broke it"),
        ("retaken", "this run lost its lock: bob@lap took it over"),
    ],
)
@pytest.mark.parametrize("fault", [happens, lost_before, refused])
def test_a_lost_lock_is_found_out_and_told_to_all(
    world: World, how: str, words: str, fault: Fault
) -> None:
    world.keeper.ask("a", 100.0)
    assert world.turn(during(getattr(world, how), fault)) == {}
    world.keeper.ask("b", 100.0)
    told = world.turn()
    assert told == {
        name: Holding(held=False, asked=world.now, problem=world.keeper.lost) for name in "ab"
    }
    assert problem(told).what == words
    assert problem(told).where.site == "home"
    assert problem(told).evidence == ("session mine does not hold dtdeploy.run any more",)
    assert problem(told).exit_code is ExitCode.LOCK_HELD
    assert world.keeper.lost == problem(told, "b")


def test_once_lost_nothing_is_sent_and_everybody_is_told_at_once(world: World) -> None:
    world.turn(during(world.broken))
    world.turn()
    assert world.keeper.due is None
    assert world.keeper.send(1e9, WALL) is None
    asked = world.keeper.ask("a", 200.0)
    assert asked == Holding(held=False, asked=200.0, problem=world.keeper.lost)


def test_a_lock_of_a_format_that_nobody_knows_is_not_ours(world: World) -> None:
    world.turn(during(lambda: world.configs.put(LOCK)))
    world.turn()
    assert world.keeper.lost is not None
    assert world.keeper.lost.what == "this run lost its lock: somebody broke it"


def test_an_answer_that_nobody_asked_for_proves_nothing_old(world: World) -> None:
    """The loop never does that; if it did, the proof would be as young as its answer."""
    lock = world.configs.kept[LOCK]
    world.keeper.ask("a", 100.0)
    assert world.keeper.answered(answer(ConfigResult.OK, lock), 107.0) == {}
    assert world.keeper.due == 107.0


# As a state machine

NAMES = ("a", "b", "c")
_ENOUGH_TURNS = 8


class Keeping(RuleBasedStateMachine):
    """Any order of questions, sends, lost, late and true answers, and other people's doings.

    A write whose answer was lost may still be done later: it waits in `floating`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.asked: dict[str, float] = {}
        self.floating: list[UpdateConfig] = []
        self.foreign_at: float | None = None

    @initialize(beats=st.integers(0, 2))
    def beat(self, beats: int) -> None:
        for _ in range(beats):
            self.world.turn(after=BEAT_SECONDS)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, BEAT_SECONDS, 20.0, PATIENCE_SECONDS]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(name=st.sampled_from(NAMES))
    def somebody_asks(self, name: str) -> None:
        if name in self.asked:
            return
        holding = self.world.keeper.ask(name, self.world.now)
        if holding is None:
            self.asked[name] = self.world.now
        else:
            assert not holding.held
            assert self.world.keeper.lost is not None

    @precondition(lambda self: self.world.sent is None)
    @rule()
    def send(self) -> None:
        due = self.world.keeper.due
        sent = self.world.send()
        assert (sent is not None) == (due is not None and due <= self.world.now)

    @precondition(lambda self: self.world.sent is not None)
    @rule(later=st.sampled_from([0.0, 1.0, 20.0]))
    def answered(self, later: float) -> None:
        self._receive(happens, later)

    @precondition(lambda self: self.world.sent is not None)
    @rule(fault=st.sampled_from([lost_before, lost_after, refused]))
    def answer_is_lost(self, fault: Fault) -> None:
        sent = self.world.sent
        if isinstance(sent, UpdateConfig) and fault is lost_before:
            self.floating.append(sent)
        self._receive(fault, 1.0)

    @precondition(lambda self: self.floating)
    @rule()
    def a_lost_write_is_done_after_all(self) -> None:
        self.world.configs.apply(self.floating.pop())

    @precondition(lambda self: self.foreign_at is None)
    @rule(how=st.sampled_from(["other", "broken", "retaken"]))
    def somebody_else_acts(self, how: str) -> None:
        # A moment of its own, so that what came before and after can be told apart.
        self.world.now += 0.001
        getattr(self.world, how)()
        self.foreign_at = self.world.now
        self.world.now += 0.001

    def _receive(self, fault: Fault, later: float) -> None:
        sent = self.world.sent
        assert sent is not None
        came = fault(self.world.configs, sent)
        self.world.now += later
        told = self.world.keeper.answered(came, self.world.now)
        self.world.sent = None
        for name, holding in told.items():
            asked = self.asked.pop(name)
            if holding.held:
                assert holding.asked >= asked, "a proof older than the question"
                assert self.foreign_at is None or holding.asked < self.foreign_at
            else:
                waited = self.world.now - asked
                assert holding.problem is not None
                assert self.world.keeper.lost is not None or waited >= PATIENCE_SECONDS

    @invariant()
    def two_writes_are_never_sent_at_once(self) -> None:
        if self.world.sent is not None:
            assert self.world.keeper.due is None
            assert self.world.keeper.send(1e12, WALL) is None

    @invariant()
    def it_is_lost_only_when_somebody_took_it(self) -> None:
        assert self.world.keeper.lost is None or self.foreign_at is not None

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Whoever waits for a proof is in the keeper's hands, which has something to do."""
        if self.asked and self.world.sent is None:
            assert self.world.keeper.due is not None

    def teardown(self) -> None:
        """From anywhere, a few answers that do come settle everything."""
        if self.world.sent is not None:
            self._receive(happens, 0.0)
        for _ in range(_ENOUGH_TURNS):
            due = self.world.keeper.due
            if due is not None:
                self.world.now = max(self.world.now, due)
                self.world.send()
                self._receive(happens, 0.0)
        assert not self.asked
        assert (self.world.keeper.lost is not None) == (self.foreign_at is not None)
        if self.foreign_at is None:
            self.somebody_asks("a")
            self.world.send()
            self._receive(happens, 0.0)
            assert not self.asked
            assert self.world.keeper.lock == self.world.configs.kept[LOCK]


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(stateful_step_count=40)
