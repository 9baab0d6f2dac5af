"""Each way in which the lock's config can answer, with a model of it that can lose answers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Sleep,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.lock import (
    PATIENCE_SECONDS,
    read_lock,
    release_lock,
    take_lock,
    write_lock,
)
from tests.configs import (
    CONFIG_EFFECTS,
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
SESSION = "dtdeploy.session"
MINE = ((SESSION, "mine"), ("beat", "1"))
NEXT = ((SESSION, "mine"), ("beat", "2"))
OTHER = ((SESSION, "other"),)


def taken_by_me(*faults: Fault) -> tuple[Configs, StoredConfig]:
    configs = Configs(faults=list(faults))
    return configs, configs.put(LOCK, *MINE)


def count(configs: Configs, kind: type[ConfigEffect]) -> int:
    return sum(isinstance(effect, kind) for effect in configs.asked)


def other_takes(configs: Configs) -> None:
    configs.put(LOCK, *OTHER)


def other_writes(configs: Configs) -> None:
    there = configs.kept[LOCK]
    configs.apply(UpdateConfig(site=SITE, id=there.id, version=there.version, labels=OTHER))


def other_breaks(configs: Configs) -> None:
    configs.kept.pop(LOCK, None)


def broken(problem: object) -> ExitCode:
    assert isinstance(problem, Problem), problem
    assert problem.where.site == SITE
    return problem.exit_code


# Reading


def test_nobody_holds_it_when_there_is_no_such_config() -> None:
    assert told(read_lock(SITE), Configs()) == (None, 0.0)


def test_who_holds_it_is_read() -> None:
    configs, lock = taken_by_me()
    assert told(read_lock(SITE), configs)[0] == lock


def test_a_read_that_fails_is_a_problem_with_the_words_that_came() -> None:
    problem, _ = told(read_lock(SITE), Configs(faults=[refused]))
    assert problem == Problem(
        code="lock.unknown",
        what="nobody can tell how the lock on home's Swarm stands",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=SITE),
        evidence=("no route to host",),
        fix="dtdeploy lock",
        state_left="no unit was touched by this step",
        runbook="lock-held",
    )


def test_a_read_that_fails_without_a_word_is_a_problem_too() -> None:
    def silent(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return answer(ConfigResult.FAILED)

    problem, _ = told(read_lock(SITE), Configs(faults=[silent]))
    assert isinstance(problem, Problem)
    assert problem.evidence == ()


def test_the_sites_own_problem_is_passed_on_as_it_is() -> None:
    cause = Problem(code="site.unreachable", what="cut", exit_code=ExitCode.SITE_UNREACHABLE)

    def unreachable(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return ConfigAnswer(result=ConfigResult.FAILED, at=0.0, problem=cause)

    assert told(read_lock(SITE), Configs(faults=[unreachable]))[0] is cause
    assert told(take_lock(SITE, MINE, b""), Configs(faults=[unreachable]))[0] is cause


# Taking


def test_a_free_lock_is_taken_with_labels_and_data() -> None:
    configs = Configs()
    lock, _ = told(take_lock(SITE, MINE, b"plan"), configs)
    assert configs.kept[LOCK] == lock
    assert isinstance(lock, StoredConfig)
    assert (lock.labels, lock.data) == (MINE, b"plan")
    assert len(configs.asked) == 1


def test_only_a_creation_that_was_done_makes_a_lock() -> None:
    configs = Configs()
    other = configs.put(LOCK, *OTHER)
    strange = replace(other, labels=MINE)
    configs.faults = [lambda *_: answer(ConfigResult.TAKEN, strange)]
    assert told(take_lock(SITE, MINE, b""), configs)[0] == other


def test_only_an_update_that_was_done_has_written() -> None:
    configs, lock = taken_by_me(lambda *_: answer(ConfigResult.MOVED, lock))
    written, _ = told(write_lock(SITE, lock, NEXT), configs)
    assert configs.kept[LOCK] == written
    assert configs.kept[LOCK].labels == NEXT


def test_a_refusal_to_take_it_is_a_problem() -> None:
    assert broken(told(take_lock(SITE, MINE, b""), Configs(faults=[refused]))[0]) is (
        ExitCode.OUTCOME_UNKNOWN
    )


def test_a_taken_one_is_shown_as_it_is_and_left_alone() -> None:
    configs = Configs()
    other = configs.put(LOCK, *OTHER)
    assert told(take_lock(SITE, MINE, b""), configs)[0] == other
    assert configs.kept[LOCK] == other


def test_one_that_is_released_at_that_moment_is_taken_after_all() -> None:
    configs = Configs()
    configs.put(LOCK, *OTHER)
    configs.faults = [happens, meanwhile(other_breaks)]
    lock, _ = told(take_lock(SITE, MINE, b""), configs)
    assert isinstance(lock, StoredConfig)
    assert lock.labels == MINE


def test_one_that_comes_and_goes_for_ever_is_given_up() -> None:
    configs = Configs()
    configs.faults = [meanwhile(other_takes), meanwhile(other_breaks)] * 20
    problem, _ = told(take_lock(SITE, MINE, b""), configs)
    assert broken(problem) is ExitCode.OUTCOME_UNKNOWN
    assert isinstance(problem, Problem)
    assert problem.evidence == ("it was taken and released again and again",)
    assert count(configs, CreateConfig) == 8


@pytest.mark.parametrize("lost", [lost_before, lost_after])
def test_a_lost_answer_is_never_answered_by_taking_it_again(lost: Fault) -> None:
    configs = Configs(faults=[lost])
    told(take_lock(SITE, MINE, b""), configs)
    assert count(configs, CreateConfig) == 1


def test_a_lock_whose_answer_was_lost_is_found_to_be_ours() -> None:
    configs = Configs(faults=[lost_after, refused, refused])
    lock, seconds = told(take_lock(SITE, MINE, b""), configs)
    assert lock == configs.kept[LOCK]
    assert seconds == 2.0


def test_a_lost_answer_is_looked_after_longer_than_swarm_may_take() -> None:
    """A write without a leader blocks for up to 20 s, and may then still be done."""
    configs = Configs(faults=[lost_before, *[happens] * 22, meanwhile(other_takes)])
    lock, seconds = told(take_lock(SITE, MINE, b""), configs)
    assert isinstance(lock, StoredConfig)
    assert 20.0 < seconds < 25.0


def test_one_that_is_never_seen_is_unknown_and_says_what_was_lost() -> None:
    problem, seconds = told(take_lock(SITE, MINE, b""), Configs(faults=[lost_before]))
    assert broken(problem) is ExitCode.OUTCOME_UNKNOWN
    assert isinstance(problem, Problem)
    assert problem.evidence == ("connection lost",)
    assert seconds == 25.0


def test_without_words_it_says_at_least_what_happened() -> None:
    def silent(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
        return answer(ConfigResult.UNKNOWN)

    problem, _ = told(take_lock(SITE, MINE, b""), Configs(faults=[silent]))
    assert isinstance(problem, Problem)
    assert problem.evidence == ("the answer was lost",)


# Writing


def test_a_write_replaces_all_labels() -> None:
    configs, lock = taken_by_me()
    written, _ = told(write_lock(SITE, lock, NEXT), configs)
    assert isinstance(written, StoredConfig)
    assert configs.kept[LOCK] == written
    assert written.labels == NEXT


def test_a_lock_as_it_was_read_is_taken_over() -> None:
    configs = Configs()
    other = configs.put(LOCK, *OTHER)
    written, _ = told(write_lock(SITE, other, MINE), configs)
    assert isinstance(written, StoredConfig)
    assert written.labels == MINE


def test_taking_over_is_repeated_while_nobody_wrote_since() -> None:
    configs = Configs()
    other = configs.put(LOCK, *OTHER)
    configs.faults = [lost_before]
    written, seconds = told(write_lock(SITE, other, MINE), configs)
    assert isinstance(written, StoredConfig)
    assert (written.labels, seconds) == (MINE, 1.0)


def test_one_whose_holder_wrote_since_is_not_taken_over() -> None:
    configs = Configs()
    other = configs.put(LOCK, *OTHER)
    other_writes(configs)
    assert told(write_lock(SITE, other, MINE), configs) == (None, 0.0)
    assert configs.kept[LOCK].labels == OTHER


@pytest.mark.parametrize("happening", [other_takes, other_writes, other_breaks])
@pytest.mark.parametrize("then", [happens, lost_before, refused])
def test_what_somebody_else_did_meanwhile_is_respected(
    happening: Callable[[Configs], None], then: Fault
) -> None:
    configs, lock = taken_by_me(meanwhile(happening, then))
    assert told(write_lock(SITE, lock, NEXT), configs) == (None, 0.0)
    assert count(configs, UpdateConfig) == 1


def test_a_write_whose_answer_was_lost_is_found_done_and_not_repeated() -> None:
    configs, lock = taken_by_me(lost_after)
    written, _ = told(write_lock(SITE, lock, NEXT), configs)
    assert written == configs.kept[LOCK]
    assert count(configs, UpdateConfig) == 1


@pytest.mark.parametrize(("late", "tries"), [(0.0, 1), (-0.1, 2)])
def test_no_try_to_write_begins_after_its_patience(late: float, tries: int) -> None:
    configs, lock = taken_by_me(*[refused] * 40)
    procedure = write_lock(SITE, lock, NEXT)
    times = iter((100.0, 100.0 + PATIENCE_SECONDS + late, 100.0 + PATIENCE_SECONDS))
    answer: object = None
    ended: object = None
    while ended is None:
        try:
            effect = procedure.send(answer)
        except StopIteration as end:
            ended = end.value or "nothing"
            continue
        if isinstance(effect, Sleep):
            answer = next(times)
        else:
            assert isinstance(effect, CONFIG_EFFECTS)
            answer = configs.perform(effect)
    assert isinstance(ended, Problem)
    assert count(configs, UpdateConfig) == tries


def test_a_write_that_never_got_there_is_repeated() -> None:
    configs, lock = taken_by_me(lost_before, refused, lost_before)
    written, seconds = told(write_lock(SITE, lock, NEXT), configs)
    assert isinstance(written, StoredConfig)
    assert written.labels == NEXT
    assert seconds == 2.0


def test_an_earlier_write_of_ours_that_comes_in_late_is_written_over() -> None:
    def earlier(configs: Configs) -> None:
        there = configs.kept[LOCK]
        configs.apply(UpdateConfig(site=SITE, id=there.id, version=there.version, labels=MINE))

    configs, lock = taken_by_me(meanwhile(earlier))
    written, _ = told(write_lock(SITE, lock, NEXT), configs)
    assert written == configs.kept[LOCK]
    assert configs.kept[LOCK].labels == NEXT


def test_a_site_that_cannot_be_asked_for_long_is_a_problem() -> None:
    configs, lock = taken_by_me(*[refused] * 16)
    problem, seconds = told(write_lock(SITE, lock, NEXT), configs)
    assert broken(problem) is ExitCode.OUTCOME_UNKNOWN
    assert isinstance(problem, Problem)
    assert problem.evidence == ("no route to host",)
    assert (seconds, count(configs, UpdateConfig)) == (8.0, 8)


# Releasing


def marked(lock: StoredConfig) -> bool:
    return dict(lock.labels).get("dtdeploy.released") == "yes"


def test_a_released_lock_is_gone() -> None:
    configs, lock = taken_by_me()
    assert told(release_lock(SITE, lock), configs) == (None, 0.0)
    assert configs.kept == {}
    assert [count(configs, UpdateConfig), count(configs, DeleteConfig)] == [1, 1]


@pytest.mark.parametrize("happening", [other_takes, other_writes, other_breaks])
@pytest.mark.parametrize("then", [happens, lost_before, refused])
def test_a_lock_that_is_anothers_by_now_is_never_released(
    happening: Callable[[Configs], None], then: Fault
) -> None:
    """Whoever takes a lock over holds the same config: its id does not tell the two apart."""
    configs, lock = taken_by_me(meanwhile(happening, then))
    assert told(release_lock(SITE, lock), configs) == (None, 0.0)
    assert count(configs, DeleteConfig) == 0
    assert {config.labels for config in configs.kept.values()} <= {OTHER}


@pytest.mark.parametrize("lost", [lost_before, lost_after])
def test_a_release_whose_answer_was_lost_is_looked_after(lost: Fault) -> None:
    configs, lock = taken_by_me(lost)
    assert told(release_lock(SITE, lock), configs)[0] is None
    assert configs.kept == {}


@pytest.mark.parametrize("lost", [lost_before, refused])
def test_one_that_is_marked_and_still_there_is_nobodys(lost: Fault) -> None:
    configs, lock = taken_by_me(happens, lost)
    assert told(release_lock(SITE, lock), configs)[0] is None
    assert marked(configs.kept[LOCK])
    assert told(read_lock(SITE), configs)[0] is None
    taken, _ = told(take_lock(SITE, NEXT, b"new"), configs)
    assert isinstance(taken, StoredConfig)
    assert (taken.labels, configs.kept) == (NEXT, {LOCK: taken})


def test_a_marked_one_cannot_be_taken_over_any_more() -> None:
    configs, lock = taken_by_me(happens, lost_before)
    told(release_lock(SITE, lock), configs)
    assert told(write_lock(SITE, lock, OTHER), configs)[0] is None


def test_a_deletion_that_comes_in_late_takes_nobodys_lock() -> None:
    configs, lock = taken_by_me(happens, lost_before)
    told(release_lock(SITE, lock), configs)
    taken, _ = told(take_lock(SITE, OTHER, b""), configs)
    configs.apply(DeleteConfig(site=SITE, id=lock.id))
    assert configs.kept[LOCK] == taken


def test_a_release_that_nobody_confirms_is_a_problem() -> None:
    configs, lock = taken_by_me(*[refused] * 16)
    problem, seconds = told(release_lock(SITE, lock), configs)
    assert broken(problem) is ExitCode.OUTCOME_UNKNOWN
    assert (seconds, count(configs, UpdateConfig)) == (8.0, 8)
