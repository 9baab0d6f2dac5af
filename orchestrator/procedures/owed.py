"""Units that a run left out or lost on the way and that still have to be brought back.

They are kept as labels of the config `dtdeploy.owed` on the coordinator's Swarm, so that every
operator on every machine sees them, long after the run is over. The config stays when nothing is
owed any more: a deletion names no version, and might take away what somebody just wrote down.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.asking import Asking, ask_config, ask_sleep
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)

OWED = "dtdeploy.owed"
_LABEL = "dtdeploy.owed."
_DATA = b"The labels of this config are the units that dtdeploy still has to bring back.\n"
_TRIES = 8
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A unit that is owed: since when (seconds since 1970), by which run, and why."""

    unit: Unit
    run: str
    since: float
    reason: str


def read_owed(site: str) -> Asking[tuple[Owed, ...] | Problem]:
    """Read what is owed from `site`'s Swarm, the coordinator's."""
    answer = yield from ask_config(ReadConfig(site=site, name=OWED))
    if answer.result is ConfigResult.ABSENT:
        return ()
    if answer.config is None:
        return answer.problem or _untold(site, answer.words)
    return listed(answer.config)


def change_owed(
    site: str, *, add: Iterable[Owed] = (), settle: Iterable[Unit] = (), of_run: str = ""
) -> Asking[Problem | None]:
    """Add units to what is owed, and take off those that are settled.

    With `of_run`, only what that run wrote down is taken off.

    Returns:
        A Problem when nobody can tell whether that was written down.

    """
    added = {item.unit: item for item in add}
    settled = frozenset(settle) - frozenset(added)
    for attempt in range(_TRIES):
        if attempt:
            yield from ask_sleep(_PAUSE_SECONDS)
        answer = yield from ask_config(ReadConfig(site=site, name=OWED))
        if answer.config is None and answer.result is not ConfigResult.ABSENT:
            problem = answer.problem or _untold(site, answer.words)
            continue
        now = {item.unit: item for item in listed(answer.config)} if answer.config else {}
        # What is owed already stays as it is: since when matters more than why again.
        wanted = added | {
            unit: item
            for unit, item in now.items()
            if unit not in settled or of_run not in ("", item.run)
        }
        if wanted == now:
            return None
        written = yield from _write(site, answer.config, wanted)
        if written.result is ConfigResult.OK:
            return None
        problem = written.problem or _untold(site, written.words)
    return problem


def listed(config: StoredConfig) -> tuple[Owed, ...]:
    """Return what a config's labels say is owed; labels of others are passed over."""
    found = []
    for name, value in sorted(config.labels):
        if not name.startswith(_LABEL):
            continue
        stack, _, site = name.removeprefix(_LABEL).rpartition("@")
        found.append(_read(Unit(stack=stack, site=site), value))
    return tuple(found)


def _write(
    site: str, config: StoredConfig | None, wanted: Mapping[Unit, Owed]
) -> Asking[ConfigAnswer]:
    labels = tuple((f"{_LABEL}{unit}", _written(item)) for unit, item in sorted(wanted.items()))
    if config is None:
        effect = CreateConfig(site=site, name=OWED, labels=labels, data=_DATA)
        return (yield from ask_config(effect))
    update = UpdateConfig(site=site, id=config.id, version=config.version, labels=labels)
    return (yield from ask_config(update))


def _written(item: Owed) -> str:
    return json.dumps(
        {"run": item.run, "since": round(item.since, 3), "reason": item.reason[:300]},
        separators=(",", ":"),
    )


def _read(unit: Unit, value: str) -> Owed:
    """Read one label; one that somebody wrote by hand still names a unit."""
    try:
        said = json.loads(value)
        return Owed(
            unit=unit, run=str(said["run"]), since=float(said["since"]), reason=str(said["reason"])
        )
    except (ValueError, KeyError, TypeError):
        return Owed(unit=unit, run="", since=0.0, reason=value[:300])


def _untold(site: str, words: str) -> Problem:
    return Problem(
        code="owed.unknown",
        what="nobody can tell whether what is owed was written down",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        evidence=(words,) if words else (),
        fix="dtdeploy status   # it lists what is owed",
        state_left="the units themselves are not touched by this",
        runbook="site-unreachable",
    )
