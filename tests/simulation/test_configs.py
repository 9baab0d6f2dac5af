"""Configs as a lock, and the audit log: over links and on managers that fail."""

from dataclasses import replace

import pytest

from orchestrator.procedures.effects import (
    Answer,
    CheckLock,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Effect,
    Intend,
    ReadConfig,
    Result,
    Saw,
    StoredConfig,
    UpdateConfig,
    WriteAudit,
)
from orchestrator.simulation import api
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.happening import Happening, What
from tests.simulation.rig import SITE, Rig, stack

NAME = "dtdeploy.run"
CREATE = CreateConfig(site=SITE, name=NAME, labels=(("owner", "a"),), data=b"plan")
READ = ReadConfig(site=SITE, name=NAME)


def _tell(rig: Rig, effect: Effect) -> ConfigAnswer:
    answer = rig.ask(effect)
    assert isinstance(answer, ConfigAnswer), answer
    return answer


def _stored(rig: Rig, effect: Effect) -> StoredConfig:
    answer = _tell(rig, effect)
    assert answer.result is ConfigResult.OK, answer
    assert answer.config is not None
    return answer.config


def _update(config: StoredConfig, owner: str) -> UpdateConfig:
    labels = (("owner", owner),)
    return UpdateConfig(site=SITE, id=config.id, version=config.version, labels=labels)


def _delete(config: StoredConfig) -> DeleteConfig:
    return DeleteConfig(site=SITE, id=config.id)


def _faulty(kind: FaultKind, *, count: int = 1, for_seconds: float = 0.0) -> Rig:
    rig = Rig(stack())
    _stored(rig, CREATE)
    rig.fault(Fault(at=0, kind=kind, count=count, for_seconds=for_seconds))
    rig.pass_time(0.01)
    return rig


def test_what_was_created_is_read_back_as_it_is() -> None:
    rig = Rig(stack())
    made = _stored(rig, CREATE)
    assert (made.name, made.labels, made.data) == (NAME, (("owner", "a"),), b"plan")
    assert _stored(rig, READ) == made
    assert made.updated_at.startswith("2026-01-01T00:00:0")


def test_a_name_is_taken_once_whatever_its_case() -> None:
    """6.1: AlreadyExists; nothing is wrong with the site."""
    rig = Rig(stack())
    made = _stored(rig, CREATE)
    answer = _tell(rig, replace(CREATE, name=NAME.upper(), labels=()))
    assert (answer.result, answer.problem, answer.config) == (ConfigResult.TAKEN, None, None)
    assert "already exists" in answer.words
    assert _stored(rig, READ) == made


def test_of_two_that_create_at_once_one_wins() -> None:
    rig = Rig(stack())
    other = SimulatedBackend(rig.fleet, operator="second")
    other.submit(1, CREATE)
    answer = _tell(rig, CREATE)
    rig.pass_time(1)
    answered = other.wait(None)
    assert answered is not None
    assert isinstance(answered[1], ConfigAnswer)
    results = {answer.result, answered[1].result}
    assert results == {ConfigResult.OK, ConfigResult.TAKEN}


def test_an_update_is_answered_with_the_config_as_it_stands_then() -> None:
    rig = Rig(stack())
    first = _stored(rig, CREATE)
    rig.pass_time(60)
    second = _stored(rig, _update(first, "b"))
    assert (second.label("owner"), second.id, second.data) == ("b", first.id, first.data)
    assert second.version > first.version
    assert second.updated_at > first.updated_at
    assert _stored(rig, _update(second, "c")).label("owner") == "c"


def test_a_stale_version_moved_and_changes_nothing() -> None:
    """6.2: update out of sequence."""
    rig = Rig(stack())
    first = _stored(rig, CREATE)
    second = _stored(rig, _update(first, "b"))
    answer = _tell(rig, _update(first, "c"))
    assert (answer.result, answer.problem) == (ConfigResult.MOVED, None)
    assert "out of sequence" in answer.words
    assert _stored(rig, READ) == second


def test_what_is_not_there_is_absent_for_everybody() -> None:
    rig = Rig(stack())
    made = _stored(rig, CREATE)
    assert _tell(rig, _delete(made)).result is ConfigResult.OK
    for effect in (_delete(made), _update(made, "b"), READ):
        answer = _tell(rig, effect)
        assert (answer.result, answer.problem) == (ConfigResult.ABSENT, None), effect


def test_what_is_deleted_by_id_is_not_the_next_of_that_name() -> None:
    """6.3: by then the name may be somebody else's."""
    rig = Rig(stack())
    first = _stored(rig, CREATE)
    _tell(rig, _delete(first))
    second = _stored(rig, CREATE)
    assert _tell(rig, _delete(first)).result is ConfigResult.ABSENT
    assert _stored(rig, READ) == second


@pytest.mark.parametrize("data", [b"", b"x" * 1_024_000])
def test_data_that_docker_does_not_take_is_refused(data: bytes) -> None:
    """6.3, 3.3."""
    rig = Rig(stack())
    answer = _tell(rig, replace(CREATE, data=data))
    assert (answer.result, "larger than 0" in answer.words) == (ConfigResult.FAILED, True)
    assert _tell(rig, READ).result is ConfigResult.ABSENT


def test_what_happened_says_who_did_it_and_to_which_config() -> None:
    rig = Rig(stack())
    rig.backend = SimulatedBackend(rig.fleet, operator="first")
    made = _stored(rig, CREATE)
    _stored(rig, _update(made, "b"))
    rig.backend = SimulatedBackend(rig.fleet, operator="second")
    _tell(rig, _delete(made))
    told = [(h.what, h.by, h.detail, h.stack) for h in rig.happenings]
    assert told == [
        (What.CONFIG_CREATED, "first", NAME, ""),
        (What.CONFIG_UPDATED, "first", NAME, ""),
        (What.CONFIG_REMOVED, "second", NAME, ""),
    ]


def test_a_write_whose_answer_is_lost_may_have_acted_or_not() -> None:
    for kind, owner in ((FaultKind.LOSE_BEFORE, "a"), (FaultKind.LOSE_AFTER, "b")):
        rig = _faulty(kind)
        answer = _tell(rig, _update(_stored(rig, READ), "b"))
        assert answer.result is ConfigResult.UNKNOWN, "reads use the fault up"
        assert (answer.config, answer.problem and answer.problem.code) == (None, "answer.lost")
        assert _stored(rig, READ).label("owner") == owner


@pytest.mark.parametrize("kind", [FaultKind.LINK_CUT, FaultKind.LINK_HANGING])
def test_behind_a_dead_link_a_write_is_unknown_and_a_read_failed(kind: FaultKind) -> None:
    rig = _faulty(kind)
    (config,) = rig.swarm.configs.values()
    for effect, result in (
        (READ, ConfigResult.FAILED),
        (CREATE, ConfigResult.UNKNOWN),
        (DeleteConfig(site=SITE, id=config.id), ConfigResult.UNKNOWN),
    ):
        answer = _tell(rig, effect)
        assert (answer.result, answer.problem is None) == (result, False)


def test_a_hanging_link_swallows_some_writes() -> None:
    left = set()
    for attempt in range(12):
        rig = Rig(stack())
        rig.fleet.rng.seed(attempt)
        rig.fault(Fault(at=0, kind=FaultKind.LINK_HANGING))
        rig.pass_time(0.01)
        assert _tell(rig, CREATE).result is ConfigResult.UNKNOWN
        left.add(len(rig.swarm.configs))
    assert left == {0, 1}


@pytest.mark.parametrize("kind", [FaultKind.LINK_REFUSED, FaultKind.DAEMON_STOPPED])
def test_who_is_turned_away_knows_that_nothing_was_done(kind: FaultKind) -> None:
    rig = _faulty(kind)
    (config,) = rig.swarm.configs.values()
    began = rig.now
    for effect in (READ, CREATE, DeleteConfig(site=SITE, id=config.id)):
        answer = _tell(rig, effect)
        assert (answer.result, answer.problem is None) == (ConfigResult.FAILED, False)
    assert rig.now - began < 1.0


def test_without_a_quorum_the_first_write_blocks_and_is_unknown() -> None:
    """6.5: 15 s; a read before that still shows what was."""
    rig = _faulty(FaultKind.QUORUM_LOST)
    stored = _stored(rig, READ)
    began = rig.now
    answer = _tell(rig, _update(stored, "b"))
    assert answer.result is ConfigResult.UNKNOWN
    assert "lost leader status" in answer.words
    assert 15.0 < rig.now - began < 16.0


def test_later_without_a_quorum_everything_is_refused_with_the_reason() -> None:
    """6.5: at once; of a write the live connection still says that nobody can be sure."""
    rig = _faulty(FaultKind.QUORUM_LOST)
    stored = _stored(rig, READ)
    rig.pass_time(6)
    began = rig.now
    for effect in (READ, CREATE, _update(stored, "b"), _delete(stored)):
        answer = _tell(rig, effect)
        wanted = ConfigResult.FAILED if effect is READ else ConfigResult.UNKNOWN
        assert answer.result is wanted, effect
        assert answer.problem is not None
        assert answer.problem.code == "swarm.no-quorum"
    assert rig.now - began < 1.0


def test_an_unknown_write_is_found_done_when_the_quorum_is_back_or_not() -> None:
    found = set()
    for attempt in range(12):
        rig = Rig(stack())
        rig.fleet.rng.seed(attempt)
        rig.fault(Fault(at=0, kind=FaultKind.QUORUM_LOST, for_seconds=20))
        rig.pass_time(0.1)
        assert _tell(rig, CREATE).result is ConfigResult.UNKNOWN
        rig.pass_time(10)
        found.add(_tell(rig, READ).result)
    assert found == {ConfigResult.OK, ConfigResult.ABSENT}


def test_a_frozen_daemon_writes_when_it_thaws() -> None:
    rig = _faulty(FaultKind.DAEMON_FROZEN, for_seconds=60)
    (config,) = rig.swarm.configs.values()
    answer = _tell(rig, DeleteConfig(site=SITE, id=config.id))
    assert answer.result is ConfigResult.UNKNOWN
    assert len(rig.swarm.configs) == 1
    rig.pass_time(60)
    assert not rig.swarm.configs


def test_a_daemon_that_dies_right_after_a_write_leaves_it_unknown() -> None:
    """The version that the write made was never told."""
    rig = Rig(stack())

    def die() -> None:
        rig.swarm.daemon_up = False

    rig.fleet.subscribe(lambda told: die() if told.what is What.CONFIG_CREATED else None)
    answer = _tell(rig, CREATE)
    assert (answer.result, len(rig.swarm.configs)) == (ConfigResult.UNKNOWN, 1)
    assert (answer.problem and answer.problem.code) == "answer.lost"


def test_what_somebody_else_writes_right_after_an_update_is_not_taken_for_ours() -> None:
    """The version made is read back, not told: it may be another's by then."""
    rig = Rig(stack())
    made = _stored(rig, CREATE)

    def meddle(told: Happening) -> None:
        (config,) = rig.swarm.configs.values()
        if told.what is What.CONFIG_UPDATED and dict(config.labels)["owner"] == "b":
            labels = (("owner", "c"),)
            api.update_config(rig.swarm, config.id, version=config.version, labels=labels)

    rig.fleet.subscribe(meddle)
    assert _tell(rig, _update(made, "b")).result is ConfigResult.MOVED


def test_an_audit_line_is_kept_in_order_and_uses_no_fault_up() -> None:
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.LOSE_AFTER))
    rig.pass_time(0.01)
    for line in ("one", "two"):
        rig.ok(WriteAudit(site=SITE, line=line))
    assert rig.site.audit == ["one", "two"]
    assert [(h.detail, h.by) for h in rig.told(What.AUDIT)] == [
        ("one", "operator"),
        ("two", "operator"),
    ]
    assert _tell(rig, CREATE).result is ConfigResult.UNKNOWN


def test_a_hanging_link_swallows_some_audit_lines() -> None:
    written = set()
    for attempt in range(12):
        rig = Rig(stack())
        rig.fleet.rng.seed(attempt)
        rig.fault(Fault(at=0, kind=FaultKind.LINK_HANGING))
        rig.pass_time(0.01)
        assert rig.change(WriteAudit(site=SITE, line="one")).result is Result.UNKNOWN
        written.add(len(rig.site.audit))
    assert written == {0, 1}


@pytest.mark.parametrize(
    ("kind", "result"),
    [(FaultKind.LINK_CUT, Result.UNKNOWN), (FaultKind.LINK_REFUSED, Result.FAILED)],
)
def test_an_audit_line_needs_the_link_but_no_docker(kind: FaultKind, result: Result) -> None:
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.DAEMON_STOPPED))
    rig.fault(Fault(at=1, kind=kind))
    rig.pass_time(0.01)
    rig.ok(WriteAudit(site=SITE, line="one"))
    rig.pass_time(1)
    assert rig.change(WriteAudit(site=SITE, line="two")).result is result
    assert rig.site.audit == ["one"]


def test_what_comes_too_late_is_not_begun() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    answer = rig.change(replace(effect, not_after=rig.now - 0.001))
    assert answer.result is Result.LATE
    assert answer.at == pytest.approx(rig.now, abs=0.1)
    assert len(rig.swarm.services) == 1
    assert not rig.told(What.COMMAND)
    rig.ok(replace(effect, not_after=rig.now + 1))
    assert not rig.swarm.services


def test_a_slow_link_makes_an_effect_late() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.LINK_SLOW, factor=100))
    rig.pass_time(0.01)
    assert rig.change(replace(effect, not_after=rig.now + 0.1)).result is Result.LATE
    assert len(rig.swarm.services) == 1


def test_what_is_the_engines_own_is_refused() -> None:
    rig = Rig(stack())
    effect = rig.remove_services()
    saw = Saw(effect=effect, answer=Answer(result=Result.OK, at=0.0))
    for own in (CheckLock(), Intend(effect=effect), saw):
        with pytest.raises(TypeError, match=type(own).__name__):
            rig.backend.submit(1, own)
