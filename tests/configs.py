"""A tiny model of a Swarm's configs: unique names, compare-and-swap, ids never used again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    ReadConfig,
    Sleep,
    StoredConfig,
    UpdateConfig,
)

T = TypeVar("T")
HOME = "home"
ConfigEffect = CreateConfig | ReadConfig | UpdateConfig | DeleteConfig
CONFIG_EFFECTS = (CreateConfig, ReadConfig, UpdateConfig, DeleteConfig)


@dataclass(slots=True)
class Configs:
    """What a Swarm keeps, by name. `faults` turn the answers of the next effects into others."""

    kept: dict[str, StoredConfig] = field(default_factory=dict)
    faults: list["Fault"] = field(default_factory=list)
    asked: list[ConfigEffect] = field(default_factory=list)
    _made: int = 0

    def perform(self, effect: ConfigEffect, now: float = 0.0) -> ConfigAnswer:
        """Perform an effect, or what the next fault makes of it."""
        assert effect.site == HOME, "the lock is at the coordinator's Swarm"
        self.asked.append(effect)
        fault = self.faults.pop(0) if self.faults else _happens
        return replace(fault(self, effect), at=now)

    def apply(self, effect: ConfigEffect) -> ConfigAnswer:
        """Do what is asked, as a healthy Swarm does."""
        match effect:
            case CreateConfig():
                return self._create(effect)
            case ReadConfig():
                return answer(ConfigResult.OK, self.kept.get(effect.name), ConfigResult.ABSENT)
            case UpdateConfig():
                return self._update(effect)
            case DeleteConfig():
                return self._delete(effect)

    def put(self, name: str, *labels: tuple[str, str]) -> StoredConfig:
        """Replace whatever is there by a config of somebody else's."""
        self.kept.pop(name, None)
        made = self.apply(CreateConfig(site="", name=name, labels=labels, data=b"")).config
        assert made is not None
        return made

    def _create(self, effect: CreateConfig) -> ConfigAnswer:
        if effect.name in self.kept:
            return answer(ConfigResult.TAKEN)
        self._made += 1
        made = StoredConfig(
            id=f"c{self._made}", name=effect.name, version=1, labels=effect.labels, data=effect.data
        )
        self.kept[effect.name] = made
        return answer(ConfigResult.OK, made)

    def _update(self, effect: UpdateConfig) -> ConfigAnswer:
        there = self._by_id(effect.id)
        if there is None:
            return answer(ConfigResult.ABSENT)
        if there.version != effect.version:
            return answer(ConfigResult.MOVED)
        moved = replace(there, labels=effect.labels, version=there.version + 1)
        self.kept[there.name] = moved
        return answer(ConfigResult.OK, moved)

    def _delete(self, effect: DeleteConfig) -> ConfigAnswer:
        there = self._by_id(effect.id)
        if there is None:
            return answer(ConfigResult.ABSENT)
        del self.kept[there.name]
        return answer(ConfigResult.OK)

    def _by_id(self, id_: str) -> StoredConfig | None:
        return next((config for config in self.kept.values() if config.id == id_), None)


Fault = Callable[[Configs, ConfigEffect], ConfigAnswer]


def answer(
    result: ConfigResult,
    config: StoredConfig | None = None,
    without: ConfigResult | None = None,
    words: str = "",
) -> ConfigAnswer:
    """Return an answer; `without` is its result where there is no config."""
    if config is None and without is not None:
        result = without
    return ConfigAnswer(result=result, at=0.0, config=config, words=words)


def told(procedure: Asking[T], configs: Configs) -> tuple[T, float]:
    """Carry out a procedure on configs: what came of it, and how many seconds it took."""
    now = began = 100.0
    answered: object = None
    while True:
        try:
            effect = procedure.send(answered)
        except StopIteration as end:
            result: T = end.value
            return result, now - began
        if isinstance(effect, Sleep):
            now += effect.seconds
            answered = now
        else:
            assert isinstance(effect, CONFIG_EFFECTS)
            answered = configs.perform(effect, now)


def _happens(configs: Configs, effect: ConfigEffect) -> ConfigAnswer:
    return configs.apply(effect)


happens: Fault = _happens


def lost_before(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
    """It never got there, and nobody knows."""
    return answer(ConfigResult.UNKNOWN, words="connection lost")


def lost_after(configs: Configs, effect: ConfigEffect) -> ConfigAnswer:
    """It was done, and the answer was lost."""
    configs.apply(effect)
    return answer(ConfigResult.UNKNOWN, words="connection lost")


def refused(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
    """The site answers that it cannot."""
    return answer(ConfigResult.FAILED, words="no route to host")


def meanwhile(happening: Callable[[Configs], object], then: Fault = _happens) -> Fault:
    """Somebody else does something first."""

    def fault(configs: Configs, effect: ConfigEffect) -> ConfigAnswer:
        happening(configs)
        return then(configs, effect)

    return fault
