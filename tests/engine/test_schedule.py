from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.schedule import State, schedule
from orchestrator.planning.plan import Step, StepKind


def step(name: str, *needs: str) -> Step:
    return Step(id=name, kind=StepKind.GATE, site="here", needs=needs)


CHAIN = (step("a"), step("b", "a"), step("c", "b"), step("other"))


def test_only_steps_whose_needs_are_done_start() -> None:
    assert schedule(CHAIN, {}, {}, stopping=False).start == ("a", "other")
    assert schedule(CHAIN, {"a": State.DONE}, {}, stopping=False).start == ("b", "other")


def test_a_running_step_is_not_started_again() -> None:
    states = {"a": State.RUNNING, "other": State.DONE}
    assert schedule(CHAIN, states, {}, stopping=False).start == ()


def test_everything_behind_a_failure_is_skipped_and_blames_its_first_cause() -> None:
    decision = schedule(CHAIN, {"a": State.FAILED}, {}, stopping=False)
    assert [(skip.step, skip.because) for skip in decision.skip] == [("b", "a"), ("c", "a")]
    assert decision.start == ("other",)


def test_blame_passes_on_over_several_calls() -> None:
    states = {"a": State.FAILED, "b": State.SKIPPED, "other": State.DONE}
    decision = schedule(CHAIN, states, {"b": "a"}, stopping=False)
    assert [(skip.step, skip.because) for skip in decision.skip] == [("c", "a")]


def test_a_skipped_step_whose_cause_nobody_told_is_blamed_itself() -> None:
    states = {"a": State.SKIPPED, "other": State.DONE}
    decision = schedule(CHAIN, states, {}, stopping=False)
    assert [(skip.step, skip.because) for skip in decision.skip] == [("b", "a"), ("c", "a")]


def test_what_was_left_in_the_middle_is_a_cause_as_well() -> None:
    decision = schedule(CHAIN, {"a": State.STOPPED}, {}, stopping=True)
    assert [(skip.step, skip.because) for skip in decision.skip] == [("b", "a"), ("c", "a")]


def test_nothing_starts_once_stopping() -> None:
    assert schedule(CHAIN, {}, {}, stopping=True).start == ()


@given(st.data())
def test_a_step_never_starts_before_all_it_needs_is_done(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 8))
    steps = tuple(
        step(
            f"s{i}",
            *(f"s{j}" for j in data.draw(st.sets(st.integers(0, max(i - 1, 0)))) if j < i),
        )
        for i in range(size)
    )
    states = {s.id: data.draw(st.sampled_from(list(State))) for s in steps}
    decision = schedule(steps, states, {}, stopping=False)
    by_id = {s.id: s for s in steps}
    for name in decision.start:
        assert all(states[need] is State.DONE for need in by_id[name].needs)
    assert not set(decision.start) & {skip.step for skip in decision.skip}
