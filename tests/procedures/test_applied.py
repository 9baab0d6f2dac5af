import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, Problem
from orchestrator.procedures.applied import (
    APPLIED,
    Applied,
    find_applied,
    forget_applied,
    note_applied,
)
from orchestrator.procedures.effects import ConfigAnswer, ConfigResult
from tests.configs import (
    HOME,
    ConfigEffect,
    Configs,
    Fault,
    answer,
    happens,
    lost_after,
    lost_before,
    refused,
    told,
)

DAY = 86400.0
MINE = Applied(plan="p1", run="r1", at=1000.0, expires=2000.0)
HIS = Applied(plan="p1", run="r2", at=1001.0, expires=2000.0)
OTHER = Applied(plan="p2", run="r2", at=1500.0, expires=1e6)


def kept(*items: Applied) -> Configs:
    configs = Configs()
    for item in items:
        assert told(note_applied(HOME, item), configs)[0] is None
    configs.asked.clear()
    return configs


def standing(configs: Configs, plan: str = "p1") -> Applied | Problem | None:
    return told(find_applied(HOME, plan), Configs(kept=dict(configs.kept)))[0]


def test_no_plan_was_applied_where_nothing_was_written() -> None:
    assert standing(Configs()) is None
    assert standing(kept(OTHER)) is None


def test_a_plan_that_is_applied_is_remembered_with_its_run() -> None:
    configs = kept(MINE, OTHER)
    assert standing(configs) == MINE
    assert standing(configs, "p2") == OTHER
    assert configs.kept[APPLIED].data.startswith(b"The labels of this config are the saved plans")


def test_what_another_run_applied_is_told_and_left_as_it_is() -> None:
    configs = kept(MINE)
    assert told(note_applied(HOME, HIS), configs)[0] == MINE
    assert standing(configs) == MINE


def test_the_same_run_may_write_it_down_twice() -> None:
    assert told(note_applied(HOME, MINE), kept(MINE))[0] is None


def test_plans_that_expired_long_ago_are_forgotten() -> None:
    configs = kept(MINE)
    soon = Applied(plan="p3", run="r3", at=2000.0 + 7 * DAY - 1, expires=9e9)
    later = Applied(plan="p4", run="r4", at=2000.0 + 7 * DAY, expires=9e9)
    assert told(note_applied(HOME, soon), configs)[0] is None
    assert standing(configs) == MINE
    assert told(note_applied(HOME, later), configs)[0] is None
    assert standing(configs) is None
    assert standing(configs, "p3") == soon


def test_a_run_that_touched_nothing_takes_back_only_what_it_wrote() -> None:
    configs = kept(MINE, OTHER)
    assert told(forget_applied(HOME, "p1", "r2"), configs)[0] is None
    assert standing(configs) == MINE
    assert told(forget_applied(HOME, "p1", "r1"), configs)[0] is None
    assert standing(configs) is None
    assert standing(configs, "p2") == OTHER
    assert told(forget_applied(HOME, "p1", "r1"), Configs())[0] is None


@pytest.mark.parametrize("value", ["by hand", "[1]", "{}", '{"run":"r","at":"x","expires":1}'])
def test_a_label_written_by_hand_still_names_its_plan(value: str) -> None:
    configs = Configs()
    configs.put(APPLIED, ("team", "ops"), ("dtdeploy.applied.p1", value))
    found = standing(configs)
    assert isinstance(found, Applied)
    assert (found.plan, found.run) == ("p1", "")
    assert told(note_applied(HOME, OTHER), configs)[0] is None
    assert isinstance(standing(configs), Applied)


def silent(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
    return answer(ConfigResult.FAILED)


CAUSE = Problem(code="site.unreachable", what="cut", exit_code=ExitCode.SITE_UNREACHABLE)


def unreachable(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
    return ConfigAnswer(result=ConfigResult.FAILED, at=0.0, problem=CAUSE)


@pytest.mark.parametrize(
    ("fault", "code", "evidence"),
    [
        (refused, "plan.use-unknown", ("no route to host",)),
        (silent, "plan.use-unknown", ()),
        (unreachable, "site.unreachable", ()),
    ],
)
def test_not_being_able_to_tell_is_a_problem(
    fault: Fault, code: str, evidence: tuple[str, ...]
) -> None:
    for asking in (
        find_applied(HOME, "p1"),
        note_applied(HOME, MINE),
        forget_applied(HOME, "p1", "r1"),
    ):
        problem, _ = told(asking, Configs(faults=[fault] * 8))
        assert isinstance(problem, Problem)
        assert (problem.code, problem.evidence) == (code, evidence)


@given(st.lists(st.sampled_from([happens, happens, lost_before, lost_after, refused]), max_size=6))
def test_whatever_answers_are_lost_one_run_alone_may_apply_a_plan(trouble: list[Fault]) -> None:
    configs = Configs(faults=trouble[:3])
    assert told(note_applied(HOME, MINE), configs)[0] is None
    configs.faults = trouble[3:]
    assert told(note_applied(HOME, HIS), configs)[0] == MINE
