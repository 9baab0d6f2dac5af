"""Configs that belong to no stack, as the Engine API creates, reads, changes and deletes them."""

from datetime import UTC, datetime
from functools import partial

from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.simulation import api, problems
from orchestrator.simulation.clock import EPOCH_SECONDS, Process
from orchestrator.simulation.fleet import SimSite
from orchestrator.simulation.objects import SimResource
from orchestrator.simulation.swarm import SimSwarm

ConfigEffect = CreateConfig | ReadConfig | UpdateConfig | DeleteConfig
_PLAIN = {
    api.TakenError: ConfigResult.TAKEN,
    api.MovedError: ConfigResult.MOVED,
    api.AbsentError: ConfigResult.ABSENT,
}
"""Refusals that say how things stand: no problem of the site's."""


class _NotReadBackError(api.OutcomeUnknownError):
    """A write was answered, and what it made could not be read any more."""


def perform(site: SimSite, effect: ConfigEffect) -> Process[ConfigAnswer]:
    """Let an effect on a config act; what the site refuses is an answer as well."""
    try:
        config = yield from _perform(site, effect)
    except api.ApiError as error:
        return _refused(site, effect, error)
    return ConfigAnswer(result=ConfigResult.OK, at=site.swarm.clock.now, config=config)


def _perform(site: SimSite, effect: ConfigEffect) -> Process[StoredConfig | None]:
    swarm = site.swarm
    match effect:
        case ReadConfig():
            found = yield from api.read(swarm, partial(api.config_by_name, swarm, effect.name))
            return _stored(site, found)
        case CreateConfig():
            create = partial(_create, site, effect)
            made = yield from api.write(swarm, create)
            return (yield from _as_it_stands(site, made.id))
        case UpdateConfig():
            update = partial(api.update_config, swarm, effect.id)
            given = partial(update, version=effect.version, labels=effect.labels)
            changed = yield from api.write(swarm, given)
            stands = yield from _as_it_stands(site, changed.id)
            if dict(stands.labels) != dict(effect.labels):
                raise api.MovedError(f"{stands.name} was updated by somebody else right after")
            return stands
        case DeleteConfig():
            yield from api.write(swarm, partial(_delete, site, effect))
            return None


def _create(site: SimSite, effect: CreateConfig) -> SimResource:
    return api.create_config(
        site.swarm, effect.name, stack="", labels=effect.labels, data=effect.data
    )


def _delete(site: SimSite, effect: DeleteConfig) -> None:
    api.delete_config(site.swarm, _meant(site.swarm, effect.id).id)


def _meant(swarm: SimSwarm, word: str) -> SimResource:
    """Return the config that Docker takes `word` for: an id, else a name, else an id's start.

    So in moby 20.10 daemon/cluster/helpers.go, getConfig; and so measured.
    """
    if word in swarm.configs:
        return swarm.configs[word]
    named = [config for config in swarm.configs.values() if config.name == word]
    found = named or [config for config in swarm.configs.values() if config.id.startswith(word)]
    return found[0] if len(found) == 1 else api.config_by_id(swarm, word)


def _as_it_stands(site: SimSite, config_id: str) -> Process[StoredConfig]:
    """Read what was just written: a write is not answered with the version it made."""
    try:
        found = yield from api.read(site.swarm, partial(api.config_by_id, site.swarm, config_id))
    except api.AbsentError:
        raise
    except api.ApiError as error:
        raise _NotReadBackError(str(error)) from error
    return _stored(site, found)


def _stored(site: SimSite, config: SimResource) -> StoredConfig:
    seconds = EPOCH_SECONDS + config.written_at + site.conditions.clock_offset_seconds
    return StoredConfig(
        id=config.id,
        name=config.name,
        version=config.version,
        labels=config.labels,
        data=config.data,
        updated_at=f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
    )


def _refused(site: SimSite, effect: ConfigEffect, error: api.ApiError) -> ConfigAnswer:
    name, words = site.swarm.site, str(error)
    result, problem = _PLAIN.get(type(error), ConfigResult.FAILED), None
    if type(error) not in _PLAIN:
        problem = problems.of_docker(name, error)
        # The live connection takes a leader that is lost for a write that may still be done.
        doubtful = problem.code == problems.NO_QUORUM and not isinstance(effect, ReadConfig)
        if doubtful or isinstance(error, api.OutcomeUnknownError):
            result = ConfigResult.UNKNOWN
    if isinstance(error, _NotReadBackError):
        problem = problems.answer_lost(name, "the write was answered, and nothing after it")
    at = site.swarm.clock.now
    return ConfigAnswer(result=result, at=at, words=words, problem=problem)
