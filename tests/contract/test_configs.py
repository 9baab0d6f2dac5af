"""Configs that belong to no stack: what a lock is made of."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Effect,
    ReadConfig,
    RemoveServices,
    Result,
    StoredConfig,
    UpdateConfig,
)
from tests.contract.scene import Scene
from tests.contract.stacks import Part
from tests.contract.world import QUIET

MANY = 6
DATA = b"a plan \x00\xff"
LABELS = (("phase", "removing"), ("run", "r1"))


class Lock:
    """Configs of one name at a site."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.name = f"{scene.unit.stack}.Lock"
        self.create = CreateConfig(site=QUIET, name=self.name, labels=LABELS, data=DATA)

    def do(self, effect: Effect) -> ConfigAnswer:
        answer = self.scene.do(effect)
        assert isinstance(answer, ConfigAnswer)
        return answer

    def stored(self, effect: Effect) -> StoredConfig:
        answer = self.do(effect)
        assert answer.result is ConfigResult.OK, answer
        assert answer.config is not None
        return answer.config

    def made(self) -> StoredConfig:
        return self.stored(self.create)

    def read(self) -> ConfigAnswer:
        return self.do(ReadConfig(site=QUIET, name=self.name))

    def update(self, config: StoredConfig, **labels: str) -> UpdateConfig:
        given = tuple(sorted(labels.items()))
        return UpdateConfig(site=QUIET, id=config.id, version=config.version, labels=given)

    def delete(self, config: StoredConfig) -> DeleteConfig:
        return DeleteConfig(site=QUIET, id=config.id)


@pytest.fixture
def lock(scene: Scene) -> Iterator[Lock]:
    lock = Lock(scene)
    yield lock
    if (left := lock.read().config) is not None:
        lock.do(lock.delete(left))


def test_what_is_created_is_read_back_byte_for_byte(lock: Lock) -> None:
    made = lock.made()
    assert (made.name, made.labels, made.data) == (lock.name, LABELS, DATA)
    read = lock.read()
    assert (read.result, read.config) == (ConfigResult.OK, made)


def test_of_many_at_once_one_wins(lock: Lock) -> None:
    several = [replace(lock.create, labels=(("who", str(n)),)) for n in range(MANY)]
    answers = lock.scene.world.at_once(several)
    results = Counter(a.result for a in answers if isinstance(a, ConfigAnswer))
    assert results == {ConfigResult.OK: 1, ConfigResult.TAKEN: MANY - 1}
    (winner,) = (n for n, a in enumerate(answers) if getattr(a, "config", None) is not None)
    config = lock.read().config
    assert config is not None
    assert config.label("who") == str(winner)


def test_a_name_is_taken_whatever_its_case(lock: Lock) -> None:
    lock.made()
    shouted = lock.do(replace(lock.create, name=lock.name.upper()))
    assert (shouted.result, shouted.config) == (ConfigResult.TAKEN, None)
    assert "already exists" in shouted.words


def test_an_update_replaces_all_labels_and_moves_the_version(lock: Lock) -> None:
    made = lock.made()
    changed = lock.stored(lock.update(made, beat="2"))
    assert changed.labels == (("beat", "2"),)
    assert changed.version > made.version
    assert (changed.id, changed.data) == (made.id, DATA)
    assert changed.updated_at > made.updated_at
    assert lock.read().config == changed


def test_who_names_an_old_version_changes_nothing(lock: Lock) -> None:
    made = lock.made()
    changed = lock.stored(lock.update(made, beat="2"))
    late = lock.do(lock.update(made, beat="3"))
    assert (late.result, late.config) == (ConfigResult.MOVED, None)
    assert "out of sequence" in late.words
    assert lock.read().config == changed


def test_of_many_updates_of_one_version_one_wins(lock: Lock) -> None:
    made = lock.made()
    several = [lock.update(made, who=str(n)) for n in range(MANY)]
    answers = lock.scene.world.at_once(several)
    results = Counter(a.result for a in answers if isinstance(a, ConfigAnswer))
    assert results == {ConfigResult.OK: 1, ConfigResult.MOVED: MANY - 1}


def test_what_is_not_there_is_absent(lock: Lock) -> None:
    nothing = StoredConfig(id="never0was", name=lock.name, version=1, labels=(), data=b"")
    effects = (lock.update(nothing, beat="1"), lock.delete(nothing))
    assert [lock.do(effect).result for effect in effects] == [ConfigResult.ABSENT] * 2
    assert lock.read().result is ConfigResult.ABSENT


def test_it_is_deleted_by_its_id_and_another_of_its_name_is_left_alone(lock: Lock) -> None:
    first = lock.made()
    assert lock.do(lock.delete(first)).result is ConfigResult.OK
    second = lock.made()
    assert second.id != first.id
    assert lock.do(lock.delete(first)).result is ConfigResult.ABSENT
    assert lock.do(lock.update(first, beat="9")).result is ConfigResult.ABSENT
    assert lock.read().config == second


def test_docker_takes_a_name_or_the_start_of_an_id_for_an_id_as_well(lock: Lock) -> None:
    """Which is why only whole ids may ever be given."""
    lock.made()
    assert lock.do(DeleteConfig(site=QUIET, id=lock.name)).result is ConfigResult.OK
    again = lock.made()
    assert lock.do(DeleteConfig(site=QUIET, id=again.id[:20])).result is ConfigResult.OK
    assert lock.read().result is ConfigResult.ABSENT


def test_a_look_does_not_show_it_as_anybodys(lock: Lock) -> None:
    lock.made()
    sight = lock.scene.sight()
    assert lock.name not in {config.name for config in sight.configs}


def test_a_creation_whose_answer_is_lost_is_unknown_and_was_done(lock: Lock) -> None:
    answer = lock.scene.world.answer_lost(lock.create)
    assert isinstance(answer, ConfigAnswer)
    assert (answer.result, answer.config) == (ConfigResult.UNKNOWN, None)
    assert answer.problem is not None
    config = lock.read().config
    assert config is not None
    assert config.labels == LABELS


def test_a_deletion_whose_answer_is_lost_is_unknown_and_was_done(lock: Lock) -> None:
    answer = lock.scene.world.answer_lost(lock.delete(lock.made()))
    assert isinstance(answer, ConfigAnswer)
    assert answer.result is ConfigResult.UNKNOWN
    assert lock.read().result is ConfigResult.ABSENT


def test_a_removal_whose_answer_is_lost_is_unknown_and_was_done(scene: Scene) -> None:
    scene.up(Part())
    removal = scene.remove_services()
    answer = scene.world.answer_lost(removal)
    assert getattr(answer, "result", None) is Result.UNKNOWN
    assert isinstance(removal, RemoveServices)
    scene.until_mine(lambda found: not found.services, within=10)
    scene.ok(removal)
