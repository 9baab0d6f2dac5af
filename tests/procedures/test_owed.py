from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.owed import OWED, Owed, change_owed, listed, read_owed
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
    told,
)

SITE = "home"
KKO = Unit(stack="app-client", site="kko")
GBO = Unit(stack="app-client", site="gbo")
CUT = Owed(unit=KKO, run="r1", since=1000.0, reason="link down")
LATER = Owed(unit=KKO, run="r2", since=2000.0, reason="still down")
OTHER = Owed(unit=GBO, run="r2", since=2000.0, reason="no power")


UNTOLD = Problem(
    code="owed.unknown",
    what="nobody can tell whether what is owed was written down",
    exit_code=ExitCode.OUTCOME_UNKNOWN,
    where=Where(site=SITE),
    evidence=("no route to host",),
    fix="dtdeploy status   # it lists what is owed",
    state_left="the units themselves are not touched by this",
    runbook="site-unreachable",
)


def owing(*items: Owed) -> Configs:
    configs = Configs()
    assert told(change_owed(SITE, add=items), configs)[0] is None
    configs.asked.clear()
    return configs


def standing(configs: Configs) -> set[Owed]:
    owed, _ = told(read_owed(SITE), Configs(kept=dict(configs.kept)))
    assert isinstance(owed, tuple)
    return set(owed)


def changed(
    configs: Configs,
    *,
    add: tuple[Owed, ...] = (),
    settle: tuple[Unit, ...] = (),
    of_run: str = "",
) -> Problem | None:
    change = change_owed(SITE, add=add, settle=settle)
    if of_run:
        change = change_owed(SITE, add=add, settle=settle, of_run=of_run)
    return told(change, configs)[0]


def writes(configs: Configs) -> list[ConfigEffect]:
    return [e for e in configs.asked if isinstance(e, CreateConfig | UpdateConfig | DeleteConfig)]


def test_nothing_is_owed_where_nothing_was_written() -> None:
    assert told(read_owed(SITE), Configs())[0] == ()


def test_what_is_owed_is_read_with_run_time_and_reason() -> None:
    assert standing(owing(CUT, OTHER)) == {CUT, OTHER}


def test_not_being_able_to_read_is_a_problem_and_not_nothing() -> None:
    problem, _ = told(read_owed(SITE), Configs(faults=[refused]))
    assert problem == UNTOLD


def test_the_sites_own_problem_is_passed_on_as_it_is() -> None:
    cause = Problem(code="site.unreachable", what="cut", exit_code=ExitCode.SITE_UNREACHABLE)

    def unreachable(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return ConfigAnswer(result=ConfigResult.FAILED, at=0.0, problem=cause)

    assert told(read_owed(SITE), Configs(faults=[unreachable]))[0] is cause
    assert changed(Configs(faults=[unreachable] * 8), add=(CUT,)) is cause
    only_reads = [happens, unreachable] * 8
    assert changed(Configs(faults=list(only_reads)), add=(CUT,)) is cause


def test_one_more_is_added_to_what_is_owed_already() -> None:
    configs = owing(CUT)
    assert changed(configs, add=(OTHER,)) is None
    assert standing(configs) == {CUT, OTHER}


def test_what_is_owed_already_stays_as_it_was_first_written() -> None:
    configs = owing(CUT)
    assert changed(configs, add=(LATER,)) is None
    assert standing(configs) == {CUT}
    assert writes(configs) == []


def test_what_is_settled_is_taken_off_and_the_rest_stays() -> None:
    configs = owing(CUT, OTHER)
    assert changed(configs, settle=(KKO,)) is None
    assert standing(configs) == {OTHER}


def test_the_last_one_leaves_the_config_behind_without_labels() -> None:
    configs = owing(CUT)
    assert changed(configs, settle=(KKO,)) is None
    assert [config.labels for config in configs.kept.values()] == [()]
    assert standing(configs) == set()


def test_settling_what_is_not_owed_writes_nothing() -> None:
    configs = owing(OTHER)
    assert changed(configs, settle=(KKO,)) is None
    assert changed(Configs(), settle=(KKO,)) is None
    assert writes(configs) == []


def test_what_is_added_and_settled_at_once_is_owed() -> None:
    configs = Configs()
    assert changed(configs, add=(CUT,), settle=(KKO,)) is None
    assert standing(configs) == {CUT}


def test_a_run_that_came_to_nothing_takes_back_only_what_it_wrote() -> None:
    configs = owing(CUT, OTHER)
    assert changed(configs, settle=(KKO, GBO), of_run="r2") is None
    assert standing(configs) == {CUT}


def other_owes(configs: Configs) -> None:
    changed(Configs(kept=configs.kept), add=(OTHER,))


def other_settles(configs: Configs) -> None:
    configs.kept.pop(OWED, None)


@pytest.mark.parametrize("settled_meanwhile", [False, True])
def test_what_another_run_writes_meanwhile_is_not_lost(*, settled_meanwhile: bool) -> None:
    configs = owing(LATER)
    other = other_settles if settled_meanwhile else other_owes
    configs.faults = [happens, meanwhile(other)]
    gone = replace(CUT, unit=Unit(stack="app", site="kko"))
    assert changed(configs, add=(gone,)) is None
    assert standing(configs) == ({gone} if settled_meanwhile else {gone, LATER, OTHER})


@pytest.mark.parametrize("fault", [lost_before, lost_after, refused])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("first", [(), (OTHER,)])
def test_an_answer_that_does_not_come_is_looked_after(
    fault: Fault, place: int, first: tuple[Owed, ...]
) -> None:
    configs = owing(*first)
    configs.faults = [*[happens] * place, fault]
    assert changed(configs, add=(CUT,)) is None
    assert standing(configs) == {CUT, *first}


def test_a_site_that_cannot_be_asked_for_long_is_a_problem() -> None:
    configs = Configs(faults=[refused] * 8)
    problem, seconds = told(change_owed(SITE, add=(CUT,)), configs)
    assert problem == UNTOLD
    assert (len(configs.asked), seconds) == (8, 7.0)


def test_a_write_that_nobody_confirms_is_a_problem() -> None:
    assert changed(Configs(faults=[happens, refused] * 8), add=(CUT,)) == UNTOLD


def test_an_answer_without_a_word_is_a_problem_too() -> None:
    def silent(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return answer(ConfigResult.FAILED)

    assert changed(Configs(faults=[silent] * 8), add=(CUT,)) == replace(UNTOLD, evidence=())


def config(*labels: tuple[str, str]) -> StoredConfig:
    return StoredConfig(id="c1", name=OWED, version=1, labels=labels, data=b"")


def test_a_long_label_written_by_hand_is_cut() -> None:
    (found,) = listed(config((f"dtdeploy.owed.{KKO}", "x" * 1000)))
    assert found.reason == "x" * 300


@pytest.mark.parametrize(
    "value",
    ["down since monday", "[1, 2]", '{"run": "r1"}', '{"run":"r","since":"x","reason":""}', "7"],
)
def test_a_label_written_by_hand_still_names_its_unit(value: str) -> None:
    assert listed(config((f"dtdeploy.owed.{KKO}", value))) == (
        Owed(unit=KKO, run="", since=0.0, reason=value),
    )


def test_labels_of_others_are_passed_over() -> None:
    assert listed(config(("team", "ops"), ("dtdeploy.owed", "x"))) == ()
    mine = (f"dtdeploy.owed.{KKO}", "x")
    assert len(listed(config(("a", "before"), mine, ("z", "after")))) == 1
    (odd,) = listed(config(("dtdeploy.owed.a@b@far", "x")))
    assert odd.unit == Unit(stack="a@b", site="far")


def test_a_reason_is_kept_within_bounds() -> None:
    configs = Configs()
    changed(configs, add=(replace(CUT, since=1000.12349, reason="x" * 1000),))
    label = f'{{"run":"r1","since":1000.123,"reason":"{"x" * 300}"}}'
    assert configs.kept[OWED].labels == ((f"dtdeploy.owed.{KKO}", label),)
    assert configs.kept[OWED].data.startswith(b"The labels of this config are the units")
    changed(configs, add=(OTHER,))
    assert len(standing(configs)) == 2


units = st.sampled_from([KKO, GBO, Unit(stack="app", site="home")])
owed_items = st.builds(
    Owed,
    unit=units,
    run=st.sampled_from(["r1", "r2"]),
    since=st.integers(0, 10**9).map(float),
    reason=st.text(max_size=9),
)
faults = st.sampled_from([happens, happens, lost_before, lost_after, refused])


@given(st.lists(st.tuples(st.lists(owed_items, max_size=2), st.sets(units))), st.lists(faults))
def test_whatever_answers_are_lost_exactly_what_was_meant_is_owed(
    changes: list[tuple[list[Owed], set[Unit]]], trouble: list[Fault]
) -> None:
    configs = Configs()
    meant: dict[Unit, Owed] = {}
    for add, settle in changes:
        configs.faults, trouble = trouble[:6], trouble[6:]
        assert changed(configs, add=tuple(add), settle=tuple(settle)) is None
        added = {item.unit: item for item in add}
        meant = {u: item for u, item in meant.items() if u not in settle or u in added}
        meant = added | meant
        assert standing(configs) == set(meant.values())
