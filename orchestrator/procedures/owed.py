"""Units that a run left out or lost on the way and that still have to be brought back.

They are kept as labels of the config `dtdeploy.owed` on the coordinator's Swarm, so that every
operator on every machine sees them, long after the run is over.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import ConfigResult, StoredConfig
from orchestrator.procedures.notes import Labels, Notes, change_notes, read_notes
from orchestrator.words.foreign_json import read_moment, read_object

OWED = "dtdeploy.owed"
_LABEL = "dtdeploy.owed."
_DATA = b"The labels of this config are the units that dtdeploy still has to bring back.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A unit that is owed: since when (seconds since 1970), by which run, and why."""

    unit: Unit
    run: str
    since: float
    reason: str


def read_owed(site: str) -> Asking[tuple[Owed, ...] | Problem]:
    """Read what is owed from `site`'s Swarm, the coordinator's."""
    answer = yield from read_notes(_notes(site))
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

    def change(config: StoredConfig | None) -> Labels | None:
        now = {item.unit: item for item in listed(config)} if config else {}
        # What is owed already stays as it is: since when matters more than why again.
        wanted = added | {
            unit: item
            for unit, item in now.items()
            if unit not in settled or of_run not in ("", item.run)
        }
        if wanted == now:
            return None
        return tuple((f"{_LABEL}{unit}", _written(item)) for unit, item in sorted(wanted.items()))

    failed = yield from change_notes(_notes(site), change)
    return None if failed is None else failed.problem or _untold(site, failed.words)


def listed(config: StoredConfig) -> tuple[Owed, ...]:
    """Return what a config's labels say is owed; labels of others are passed over."""
    found = []
    for name, value in sorted(config.labels):
        if not name.startswith(_LABEL):
            continue
        stack, _, site = name.removeprefix(_LABEL).rpartition("@")
        found.append(_read(Unit(stack=stack, site=site), value))
    return tuple(found)


def _notes(site: str) -> Notes:
    return Notes(site=site, name=OWED, data=_DATA)


def _written(item: Owed) -> str:
    return json.dumps(
        {"run": item.run, "since": round(item.since, 3), "reason": item.reason[:300]},
        separators=(",", ":"),
    )


def _read(unit: Unit, value: str) -> Owed:
    """Read one label; one that somebody wrote by hand still names a unit."""
    try:
        said = read_object(value)
        since = read_moment(said["since"])
        return Owed(unit=unit, run=str(said["run"]), since=since, reason=str(said["reason"]))
    except (ValueError, KeyError):
        return Owed(unit=unit, run="", since=0.0, reason=value[:300])


def _untold(site: str, words: str) -> Problem:
    return Problem(
        code="owed.unknown",
        what="nobody can tell whether what is owed was written down",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        evidence=(words,) if words else (),
        fix=f"{typed('status')}   # it lists what is owed",
        state_left="the units themselves are not touched by this",
        runbook="site-unreachable",
    )
