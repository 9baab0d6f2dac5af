from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import LostNode, LostTask, Step, StepKind
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import (
    Goal,
    Hold,
    Holder,
    Phase,
    answering,
    from_labels,
    session_of,
    to_labels,
)

STEPS = tuple(Step(id=f"step {n}", kind=StepKind.GATE, site="home") for n in range(6))
HOLDER = Holder(owner="ann", host="desk", pid=7, session="s1")
HOLD = Hold(run="r1", words="restart --all", holder=HOLDER, started=1000.0, beat=1005.5)


def config(*labels: tuple[str, str]) -> StoredConfig:
    return StoredConfig(id="c1", name="dtdeploy.run", version=1, labels=labels, data=b"")


def changed(name: str, value: str | None) -> StoredConfig:
    labels = dict(to_labels(HOLD, STEPS))
    if value is None:
        del labels[name]
    else:
        labels[name] = value
    return config(*labels.items())


words = st.text(min_size=1, max_size=12)
moments = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
units = st.builds(Unit, stack=st.sampled_from(["app", "app-x"]), site=st.sampled_from(["a", "b"]))
lost_tasks = st.lists(st.builds(LostTask, id=words, unit=units, name=words), max_size=3)
holds = st.builds(
    Hold,
    run=st.from_regex(r"[0-9A-Za-z][0-9A-Za-z-]{0,11}", fullmatch=True),
    words=words,
    holder=st.builds(Holder, owner=words, host=words, pid=st.integers(1, 99999), session=words),
    started=moments,
    beat=moments,
    beats=st.integers(0, 10**6),
    phase=st.sampled_from(Phase),
    goal=st.sampled_from(Goal),
    touched=st.booleans(),
    done=st.frozensets(st.sampled_from([step.id for step in STEPS])),
    lost=st.dictionaries(words, lost_tasks).map(
        lambda found: tuple(
            LostNode(name=name, state="down", tasks=tuple(tasks), accepted=True)
            for name, tasks in sorted(found.items())
        )
    ),
    because=st.text(max_size=12),
    down=st.dictionaries(units, moments).map(
        lambda found: tuple(sorted(found.items(), key=lambda item: str(item[0])))
    ),
)


@given(holds)
def test_what_is_written_is_what_is_read(hold: Hold) -> None:
    read = from_labels(config(*to_labels(hold, STEPS)), STEPS)
    assert isinstance(read, Hold)
    down = [(unit, round(since, 3)) for unit, since in read.down]
    assert [(unit, round(since, 3)) for unit, since in hold.down] == down
    rounded = {"started": round(read.started, 3), "beat": round(read.beat, 3), "down": hold.down}
    assert replace(read, **rounded) == hold  # type: ignore[arg-type]  # by name


def test_without_the_plan_no_step_counts_as_finished() -> None:
    hold = replace(HOLD, done=frozenset({"step 0", "step 5"}))
    read = from_labels(config(*to_labels(hold, STEPS)))
    assert isinstance(read, Hold)
    assert read.done == frozenset()


def test_moments_are_written_so_that_people_can_read_them() -> None:
    assert dict(to_labels(HOLD, STEPS))["dtdeploy.beat"] == "1970-01-01T00:16:45.500+00:00"


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        ("dtdeploy.format", "2", "its format is 2, not 1"),
        ("dtdeploy.run", None, "KeyError: 'dtdeploy.run'"),
        ("dtdeploy.phase", "dancing", "ValueError: 'dancing' is not a valid Phase"),
        ("dtdeploy.pid", "many", "ValueError: invalid literal for int()"),
        ("dtdeploy.beat", "noon", "ValueError: Invalid isoformat string"),
        ("dtdeploy.down.app@home", "noon", "ValueError: Invalid isoformat string"),
    ],
)
def test_labels_of_another_version_are_never_guessed(
    label: str, value: str | None, words: str
) -> None:
    problem = from_labels(changed(label, value), STEPS)
    assert isinstance(problem, Problem)
    assert problem.exit_code is ExitCode.LOCK_HELD
    assert problem.code == "lock.unreadable"
    assert problem.evidence[0].startswith(words)


def test_whose_session_it_is_can_be_read_alone() -> None:
    assert session_of(config(*to_labels(HOLD, STEPS))) == "s1"
    assert session_of(config()) == ""


def test_a_holder_is_shown_as_who_and_where() -> None:
    assert str(HOLDER) == "ann@desk"


def lost(*ids: str) -> LostNode:
    unit = Unit("app", "a")
    tasks = tuple(LostTask(id=name, unit=unit, name="web.1") for name in ids)
    return LostNode(name="w1@a", state="down", tasks=tasks, accepted=True)


def test_a_node_that_somebody_answers_for_twice_is_there_with_all_its_tasks() -> None:
    once = answering(HOLD, [lost("t1")], "its power is off")
    twice = answering(once, [lost("t1", "t2")], "it is in the lake")
    assert twice.lost == (lost("t1", "t2"),)
    assert twice.because == "its power is off; it is in the lake"


@pytest.mark.parametrize("text", ["no", "[]", "{}", '{"state": "down", "tasks": [1]}'])
def test_a_node_answered_for_in_words_of_another_version_is_not_read(text: str) -> None:
    found = from_labels(changed("dtdeploy.lost.w1@a", text), STEPS)
    assert isinstance(found, Problem)
    assert found.code == "lock.unreadable"


@pytest.mark.parametrize("run", ["", "../r1", "-r1", "r 1", "r1\n", "r" * 65])
def test_a_run_of_an_id_that_dtdeploy_never_gives_is_not_read(run: str) -> None:
    """It names a journal on this machine."""
    problem = from_labels(changed("dtdeploy.run", run), STEPS)
    assert isinstance(problem, Problem)
    assert problem.code == "lock.unreadable"
