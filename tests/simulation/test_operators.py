"""Operators that share a world: in turn, killed, stopped, continued; and each time the same."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from orchestrator.procedures.effects import (
    Answer,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    Effect,
    Observe,
    ReadConfig,
    Result,
    WriteAudit,
)
from orchestrator.simulation.backend import Killed, SimulatedBackend, SimulationStalledError
from orchestrator.simulation.clock import EPOCH_SECONDS
from orchestrator.simulation.happening import Happening, What
from tests.operators import Operators, WallClock
from tests.simulation.rig import SITE, UNIT, Rig, service, stack

LOCK = CreateConfig(site=SITE, name="dtdeploy.run", labels=(), data=b"plan")


def _ask(backend: SimulatedBackend, effect: Effect) -> object:
    backend.submit(1, effect)
    answered = backend.wait(None)
    assert answered is not None
    return answered[1]


def _sleep(backend: SimulatedBackend, seconds: float) -> None:
    assert backend.wait(backend.now() + seconds) is None


def _write(backend: SimulatedBackend, *lines: str) -> None:
    for line in lines:
        _ask(backend, WriteAudit(site=SITE, line=line))


def _writes(*lines: str) -> Callable[[SimulatedBackend], None]:
    return lambda backend: _write(backend, *lines)


def _many() -> Rig:
    return Rig(stack(*(service(f"s{n}") for n in range(40)))).running()


def test_each_gets_its_own_answers_and_what_happens_says_who_did_it() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    create = partial(_ask, effect=LOCK)
    both = [operators.start(name, create) for name in ("first", "second")]
    operators.run()
    answers = [operator.outcome() for operator in both]
    assert all(isinstance(answer, ConfigAnswer) for answer in answers)
    results = [a.result for a in answers if isinstance(a, ConfigAnswer)]
    assert set(results) == {ConfigResult.OK, ConfigResult.TAKEN}
    (created,) = rig.told(What.CONFIG_CREATED)
    assert created.by == both[results.index(ConfigResult.OK)].name


def test_they_take_turns_as_their_times_come() -> None:
    rig = Rig(stack())
    said: list[tuple[str, float]] = []

    def ticks(backend: SimulatedBackend, period: float) -> None:
        for _ in range(3):
            _sleep(backend, period)
            said.append((backend.operator, backend.now()))

    operators = Operators(rig.fleet)
    operators.start("slow", lambda backend: ticks(backend, 3.0))
    operators.start("quick", lambda backend: ticks(backend, 1.0), at=0.5)
    operators.run()
    assert said == [
        ("quick", 1.5),
        ("quick", 2.5),
        ("slow", 3.0),
        ("quick", 3.5),
        ("slow", 6.0),
        ("slow", 9.0),
    ]


def test_a_run_can_be_left_and_taken_up_again() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    sleeper = operators.start("first", lambda backend: _sleep(backend, 10))
    operators.run(until=4)
    assert (rig.now, sleeper.over) == (4.0, False)
    operators.run()
    assert (rig.now, sleeper.over, sleeper.ended) == (10.0, True, 10.0)


def test_one_may_start_another() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def first(backend: SimulatedBackend) -> None:
        operators.start("second", _writes("b"), at=backend.now() + 1)
        _write(backend, "a")
        _sleep(backend, 5)
        _write(backend, "c")

    operators.start("first", first)
    rig.fleet.clock.at(2.0, lambda: operators.start("third", _writes("b2")))
    operators.run()
    assert rig.site.audit == ["a", "b", "b2", "c"]


def test_the_killed_one_sends_nothing_more() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def on_and_on(backend: SimulatedBackend) -> None:
        try:
            while True:
                _write(backend, backend.operator)
                _sleep(backend, 1)
        finally:
            backend.submit(9, WriteAudit(site=SITE, line="from the grave"))

    victim = operators.start("victim", on_and_on)
    victim.kill(at=4.5)
    operators.start("other", _writes("other"), at=10)
    operators.run()
    assert rig.site.audit == [*["victim"] * 5, "other"]
    assert (victim.killed, victim.over, victim.ended) == (True, True, 4.5)
    assert len(victim.sent) == 5
    assert (victim.result, victim.error) == (None, None)
    with pytest.raises(AssertionError, match="killed"):
        victim.outcome()


def test_even_who_catches_everything_does_nothing_once_killed() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def stubborn(backend: SimulatedBackend) -> str:
        for _ in range(3):
            try:
                _sleep(backend, 5)
            except BaseException:  # noqa: BLE001 - the worst that code can do
                backend.submit(9, WriteAudit(site=SITE, line="from the grave"))
        return "survived"

    victim = operators.start("victim", stubborn)
    victim.kill(at=1)
    operators.run()
    rig.pass_time(60)
    assert (rig.site.audit, victim.killed, victim.result) == ([], True, None)


def test_a_kill_is_no_error_that_code_could_handle() -> None:
    rig = Rig(stack())
    used: list[str] = []

    def careless(backend: SimulatedBackend) -> None:
        try:
            _write(backend, "a")
        except Exception:  # noqa: BLE001 - code that handles whatever can be handled
            used.append("handled")
        finally:
            used.append("unwound")
            raise KeyError("while unwinding")

    for kind in ("before", "after", "answer", "time"):
        operators = Operators(rig.fleet)
        victim = operators.start(kind, careless)
        if kind == "answer":
            victim.kill_at_answer(1)
        elif kind == "time":
            victim.kill(at=rig.now + 0.001)
        else:
            victim.kill_at_submit(1, sent=kind == "after")
        operators.run()
        assert (victim.killed, victim.error) == (True, None), kind
    assert used == ["unwound"] * 4


def test_who_is_killed_before_it_started_never_starts() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    victim = operators.start("victim", _writes("never"), at=5)
    victim.kill(at=1)
    operators.run()
    assert (rig.site.audit, victim.killed, victim.sent) == ([], True, [])


def test_a_remote_command_outlives_who_sent_it() -> None:
    """4.5."""
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    victim = operators.start("victim", partial(_ask, effect=rig.deploy_effect()))
    victim.kill(at=0.1)
    operators.run()
    assert rig.now == 0.1
    assert not rig.swarm.services
    rig.pass_time(5)
    assert len(rig.swarm.services) == 1
    assert rig.told(What.SERVICE_CREATED)[0].by == "victim"


def test_a_series_of_requests_ends_with_who_sent_it() -> None:
    rig = _many()
    effect = rig.remove_services()
    operators = Operators(rig.fleet)
    operators.start("victim", partial(_ask, effect=effect)).kill(at=rig.now + 0.5)
    operators.run()
    rig.pass_time(30)
    assert 0 < len(rig.swarm.services) < 40


@pytest.mark.parametrize(("sent", "written"), [(False, ["a"]), (True, ["a", "b"])])
def test_a_kill_at_a_submit_comes_before_it_or_right_after(
    written: list[str], *, sent: bool
) -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    victim = operators.start("victim", _writes("a", "b", "c"))
    victim.kill_at_submit(2, sent=sent)
    operators.run()
    rig.pass_time(5)
    assert (victim.killed, victim.answers, rig.site.audit) == (True, 1, written)


def test_a_kill_at_an_answer_comes_before_it_can_be_used() -> None:
    rig = Rig(stack())
    used: list[int] = []

    def count(backend: SimulatedBackend) -> None:
        for number in range(1, 4):
            _write(backend, str(number))
            used.append(number)

    operators = Operators(rig.fleet)
    victim = operators.start("victim", count)
    victim.kill_at_answer(2)
    operators.run()
    assert (victim.killed, rig.site.audit, used) == (True, ["1", "2"], [1])


def test_every_crash_point_of_an_undisturbed_run_can_be_reached() -> None:
    work = _writes("a", "b", "c")
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    whole = operators.start("whole", work)
    operators.run()
    assert [e.line for e in whole.sent if isinstance(e, WriteAudit)] == ["a", "b", "c"]
    reached = set()
    for number in range(1, len(whole.sent) + 1):
        for kind in ("before", "after", "answer"):
            rig = Rig(stack())
            operators = Operators(rig.fleet)
            victim = operators.start("victim", work)
            if kind == "answer":
                victim.kill_at_answer(number)
            else:
                victim.kill_at_submit(number, sent=kind == "after")
            operators.run()
            reached.add((victim.killed, len(victim.sent), victim.answers))
    assert len(reached) == 6, "right after a submit and right before it only the world differs"
    assert all(killed for killed, _, _ in reached)


def test_answers_wait_for_who_is_stopped_and_its_clock_goes_on() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def work(backend: SimulatedBackend) -> tuple[float, object]:
        answer = _ask(backend, Observe(site=SITE))
        return backend.now(), answer

    stopped = operators.start("stopped", work)
    stopped.pause(at=0.001, for_seconds=100)
    other = operators.start("other", work)
    operators.run()
    now, answer = stopped.outcome()
    assert now == pytest.approx(100.001)
    assert getattr(answer, "at", now) < 1, "it was seen before the pause"
    assert other.outcome()[0] < 1


@pytest.mark.parametrize("pauses", [[(1, 10), (3, 2)], [(1, 3), (2, 9)]])
def test_pauses_that_overlap_end_with_the_last(pauses: list[tuple[float, float]]) -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    stopped = operators.start("stopped", lambda backend: _sleep(backend, 2))
    for at, seconds in pauses:
        stopped.pause(at=at, for_seconds=seconds)
    operators.run()
    assert stopped.ended == 11.0


def test_a_pause_at_the_very_end_of_a_wait_comes_first() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    stopped = operators.start("stopped", lambda backend: _sleep(backend, 5))
    stopped.pause(at=5, for_seconds=10)
    operators.run()
    assert stopped.ended == 15.0


def test_who_is_stopped_can_be_killed() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    victim = operators.start("victim", lambda backend: _sleep(backend, 2))
    victim.pause(at=1, for_seconds=100)
    victim.kill(at=5)
    operators.run()
    assert (victim.killed, victim.ended, rig.now) == (True, 5.0, 5.0)


def test_a_series_of_requests_stands_still_with_who_sends_it() -> None:
    rig = _many()
    effect = rig.remove_services()
    operators = Operators(rig.fleet)
    began = rig.now
    stopped = operators.start("stopped", partial(_ask, effect=effect))
    stopped.pause(at=began + 0.5, for_seconds=10)
    operators.run(until=began + 5)
    left = len(rig.swarm.services)
    assert 0 < left < 40
    operators.run(until=began + 10)
    assert len(rig.swarm.services) == left
    operators.run()
    assert rig.swarm.services == {}


def test_who_is_stopped_right_before_it_sends_comes_too_late() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    timed = replace(effect, not_after=rig.now + 15)
    for seconds, result in ((60.0, Result.LATE), (5.0, Result.OK)):
        operators = Operators(rig.fleet)
        stopped = operators.start(
            "stopped", partial(_ask, effect=replace(timed, not_after=rig.now + 15))
        )
        stopped.pause_at_submit(1, for_seconds=seconds)
        began = rig.now
        operators.run()
        answer = stopped.outcome()
        assert isinstance(answer, Answer)
        assert answer.result is result
        assert seconds < rig.now - began < seconds + 1
    assert rig.swarm.services == {}


def _history(seed: int) -> list[Happening]:
    rig = Rig(stack(service("a"), service("b"))).running()
    rig.fleet.rng.seed(seed)
    operators = Operators(rig.fleet)
    effect = rig.remove_services()

    def remove_again_and_again(backend: SimulatedBackend) -> None:
        for _ in range(5):
            _ask(backend, replace(LOCK, name=backend.operator))
            _ask(backend, effect)
            _ask(backend, rig.deploy_effect())
            _sleep(backend, rig.fleet.rng.uniform(0, 3))

    names = ("first", "second", "third")
    first, second, _ = (operators.start(name, remove_again_and_again) for name in names)
    first.kill(at=rig.now + 4)
    second.pause(at=rig.now + 2, for_seconds=3)
    operators.run()
    rig.pass_time(20)
    return rig.happenings


def test_the_same_seed_gives_the_same_history() -> None:
    assert _history(1) == _history(1)
    assert {happening.by for happening in _history(1)} == {"", "first", "second", "third"}


def test_another_seed_gives_another() -> None:
    assert _history(1) != _history(2)


def test_a_single_one_lives_through_what_it_would_alone() -> None:
    def work(backend: SimulatedBackend, rig: Rig) -> float:
        look = Observe(site=SITE)
        effects: tuple[Effect, ...] = (rig.deploy_effect(), look, LOCK, look)
        for token, effect in enumerate(effects):
            backend.submit(token, effect)
        for _ in effects:
            assert backend.wait(None) is not None
        while backend.now() < 20:
            backend.wait(backend.now() + 0.7)
        return backend.now()

    alone, shared = Rig(stack()), Rig(stack())
    alone.backend = SimulatedBackend(alone.fleet, operator="one")
    operators = Operators(shared.fleet)
    one = operators.start("one", lambda backend: work(backend, shared))
    operators.run()
    assert one.outcome() == work(alone.backend, alone)
    assert shared.happenings == alone.happenings
    assert shared.fleet.clock.performed == alone.fleet.clock.performed


def test_an_error_is_kept_and_stops_nobody_else() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def fail(backend: SimulatedBackend) -> None:
        _sleep(backend, 1)
        raise KeyError("oops")

    bad = operators.start("bad", fail)
    operators.start("good", _writes("a"), at=2)
    operators.run()
    assert (rig.site.audit, bad.killed) == (["a"], False)
    with pytest.raises(KeyError, match="oops"):
        bad.outcome()


def test_a_name_stands_for_one() -> None:
    operators = Operators(Rig(stack()).fleet)
    operators.start("first", _writes())
    with pytest.raises(ValueError, match="first"):
        operators.start("first", _writes())


def test_who_waits_for_ever_for_nothing_is_told_so() -> None:
    operators = Operators(Rig(stack()).fleet)
    bad = operators.start("bad", lambda backend: backend.wait(None))
    operators.run()
    assert isinstance(bad.error, SimulationStalledError)


def test_a_woken_one_goes_on() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    sleeper = operators.start("sleeper", lambda backend: backend.wait(100.0))
    rig.fleet.clock.after(2.0, sleeper.backend.wake)
    operators.run()
    assert (sleeper.outcome(), sleeper.ended) == (None, 2.0)


def test_who_is_left_waiting_is_ended_by_closing() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)

    def work(backend: SimulatedBackend) -> None:
        try:
            _sleep(backend, 10)
        finally:
            backend.wait(100)

    left = operators.start("left", work)
    left_alone = weakref.ref(left.backend)
    operators.run(until=1)
    operators.close()
    assert (rig.now, left.killed, left.over) == (1.0, True, True)
    del left, operators
    gc.collect()
    assert left_alone() is None


def test_nobody_else_can_wait_in_its_place() -> None:
    operators = Operators(Rig(stack()).fleet)
    first = operators.start("first", _writes("a"))
    with pytest.raises(RuntimeError, match="first"):
        first.backend.wait(5)


def test_a_backend_that_died_alone_sends_nothing_and_waits_no_more() -> None:
    rig = Rig(stack())
    rig.fleet.clock.after(2.0, rig.backend.die)
    with pytest.raises(Killed):
        rig.backend.wait(10)
    assert (rig.now, rig.backend.dead) == (2.0, True)
    rig.backend.submit(1, WriteAudit(site=SITE, line="from the grave"))
    with pytest.raises(Killed):
        rig.backend.wait(None)
    rig.pass_time(5)
    assert rig.site.audit == []
    assert not issubclass(Killed, Exception)


def test_a_lock_taken_by_one_is_seen_by_the_next() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    operators.start("first", partial(_ask, effect=LOCK)).kill_at_answer(1)
    read = partial(_ask, effect=ReadConfig(site=SITE, name="dtdeploy.run"))
    second = operators.start("second", read, at=5)
    operators.run()
    answer = second.outcome()
    assert isinstance(answer, ConfigAnswer)
    assert answer.result is ConfigResult.OK


def test_a_clock_on_the_wall_follows_virtual_time_and_jumps() -> None:
    rig = Rig(stack())
    clock, other = WallClock(rig.fleet.clock), WallClock(rig.fleet.clock, ahead=2.5)
    clock.jump(at=10, seconds=3600)
    clock.jump(at=20, seconds=-7200)
    seen = []
    for _ in range(3):
        seen.append((clock.wall() - EPOCH_SECONDS, other.wall() - EPOCH_SECONDS))
        rig.pass_time(10)
    assert seen == [(0.0, 2.5), (3610.0, 12.5), (-3580.0, 22.5)]


def test_of_a_unit_it_is_known_who_commanded_what() -> None:
    rig = Rig(stack())
    operators = Operators(rig.fleet)
    operators.start("first", partial(_ask, effect=rig.deploy_effect()))
    operators.run()
    (command,) = rig.told(What.COMMAND)
    assert (command.by, command.stack, command.detail) == ("first", UNIT.stack, "DeployStack")
