"""Which saved plans were applied: a plan is carried out once, whoever has its file.

They are kept as labels of the config `dtdeploy.applied` on the coordinator's Swarm, written by
the run itself while it holds the lock, before it changes anything.
"""

import json
from dataclasses import dataclass

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import ConfigResult, StoredConfig
from orchestrator.procedures.notes import Labels, Notes, change_notes, read_notes
from orchestrator.words.foreign_json import read_moment, read_object

APPLIED = "dtdeploy.applied"
_LABEL = "dtdeploy.applied."
_DATA = b"The labels of this config are the saved plans that dtdeploy has applied.\n"
_KEPT_SECONDS = 7 * 86400.0
"""How long past its expiry a plan is remembered: clocks of operators differ."""
_FOR_EVER = 9e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A plan that was applied, by which run and when. Times are seconds since 1970."""

    plan: str
    run: str
    at: float
    expires: float


def find_applied(site: str, plan: str) -> Asking[Applied | Problem | None]:
    """Read from `site`'s Swarm, the coordinator's, whether `plan` was applied."""
    answer = yield from read_notes(_notes(site))
    if answer.result is ConfigResult.ABSENT:
        return None
    if answer.config is None:
        return answer.problem or _untold(site, answer.words)
    return _listed(answer.config).get(plan)


def note_applied(site: str, applied: Applied) -> Asking[Applied | Problem | None]:
    """Write down that a plan is applied, unless another run did; forget long expired ones.

    Returns:
        None when it is written down, else what another run wrote, or a Problem when nobody can
        tell.

    """
    others: list[Applied] = []

    def change(config: StoredConfig | None) -> Labels | None:
        now = _listed(config) if config else {}
        before = now.get(applied.plan)
        if before is not None:
            others[:] = [before] if before.run != applied.run else []
            return None
        kept = [item for item in now.values() if applied.at < item.expires + _KEPT_SECONDS]
        return _labels([*kept, applied])

    failed = yield from change_notes(_notes(site), change)
    if failed is not None:
        return failed.problem or _untold(site, failed.words)
    return others[0] if others else None


def forget_applied(site: str, plan: str, run: str) -> Asking[Problem | None]:
    """Take off again what `run` wrote down, since it touched nothing: the plan is unused."""

    def change(config: StoredConfig | None) -> Labels | None:
        now = _listed(config) if config else {}
        if plan not in now or now[plan].run != run:
            return None
        return _labels([item for item in now.values() if item.plan != plan])

    failed = yield from change_notes(_notes(site), change)
    return None if failed is None else failed.problem or _untold(site, failed.words)


def _notes(site: str) -> Notes:
    return Notes(site=site, name=APPLIED, data=_DATA)


def _listed(config: StoredConfig) -> dict[str, Applied]:
    mine = [(name, value) for name, value in config.labels if name.startswith(_LABEL)]
    plans = [(name.removeprefix(_LABEL), value) for name, value in mine]
    return {plan: _read(plan, value) for plan, value in plans}


def _labels(items: list[Applied]) -> Labels:
    return tuple(
        (f"{_LABEL}{item.plan}", _written(item)) for item in sorted(items, key=lambda i: i.plan)
    )


def _written(item: Applied) -> str:
    values = {"run": item.run, "at": round(item.at, 3), "expires": round(item.expires, 3)}
    return json.dumps(values, separators=(",", ":"))


def _read(plan: str, value: str) -> Applied:
    """Read one label; one that somebody wrote by hand still names a plan, for ever."""
    try:
        said = read_object(value)
        at, expires = read_moment(said["at"]), read_moment(said["expires"])
        return Applied(plan=plan, run=str(said["run"]), at=at, expires=expires)
    except (ValueError, KeyError):
        return Applied(plan=plan, run="", at=0.0, expires=_FOR_EVER)


def _untold(site: str, words: str) -> Problem:
    return Problem(
        code="plan.use-unknown",
        what="nobody can tell whether this plan was applied, or whether that was written down",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        evidence=(words,) if words else (),
        fix="mend the way to the coordinator, then apply it again",
        state_left="nothing was touched",
        runbook="site-unreachable",
    )
