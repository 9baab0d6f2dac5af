"""Why a saved plan is not applied: problems, each worded once. All end with exit code 4."""

from collections.abc import Iterable
from datetime import datetime

from orchestrator.command_line import reason_for, typed, words_of
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.asked import Asked

_RUNBOOK = "saved-plan-refused"
_UNTOUCHED = "nothing was touched"
_MINUTE = 60
_TWO_HOURS = 7200


def expired(asked: Asked, expires: datetime, now: float) -> Problem:
    """Say that a plan is too old; `now` is seconds since 1970."""
    return _refusal(
        "plan.expired",
        f"the plan expired at {expires:%Y-%m-%d %H:%M:%S} UTC, {_ago(expires.timestamp(), now)}",
        fix=_again(asked),
    )


def used(asked: Asked, run: str, at: float, now: float) -> Problem:
    """Say that a plan was applied already; times are seconds since 1970."""
    return _refusal(
        "plan.used",
        f"the plan was applied already, by run {run or 'unknown'}, {_ago(at, now)}",
        fix=_again(asked),
    )


def other_inventory(asked: Asked, lines: Iterable[str]) -> Problem:
    """Say that the inventory is not what the plan was made with; `lines` say in what."""
    return _refusal(
        "plan.other-inventory",
        "the plan was made with another inventory than the one given here",
        evidence=tuple(lines),
        fix="use the sites.yaml and stacks/ that it was made with (git pull, or -i FILE), or "
        + _again(asked),
    )


def unexpected_hash(expected: str, found: str) -> Problem:
    """Say that the file is another plan than the one that was approved."""
    return _refusal(
        "plan.unexpected-hash",
        f"the plan in the file is {found[:12]}..., expected was {expected}",
        evidence=(f"sha256 {found}",),
        fix="fetch the plan that was approved, or have this one approved",
    )


def ref_moved(asked: Asked, lines: Iterable[str]) -> Problem:
    """Say that refs lead to other commits than those that the plan would deploy."""
    every = tuple(lines)
    return _refusal("plan.ref-moved", every[0], evidence=every[1:], fix=_again(asked))


def saved_fleet_moved(asked: Asked, lines: Iterable[str]) -> Problem:
    """Say that the fleet is not what the plan was made for; `lines` say in what."""
    every = tuple(lines)
    return _refusal(
        "plan.fleet-moved",
        "the fleet is not any more what the plan was made for",
        evidence=every,
        fix=_again(asked),
    )


def _again(asked: Asked) -> str:
    """Return the command that plans the same once more."""
    words = (*words_of(asked.words)[1:], *reason_for(asked.words, asked.request.because))
    line = typed("plan", "--for", asked.command.value, *words, "--out", "FILE")
    return f"plan again, and have the new plan approved: {line}"


def _refusal(code: str, what: str, *, fix: str, evidence: tuple[str, ...] = ()) -> Problem:
    return Problem(
        code=code,
        what=what,
        exit_code=ExitCode.PLAN_STALE,
        evidence=evidence,
        fix=fix,
        state_left=_UNTOUCHED,
        runbook=_RUNBOOK,
    )


def _ago(then: float, now: float) -> str:
    seconds = max(0.0, now - then)
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s ago"
    if seconds < _TWO_HOURS:
        return f"{seconds / _MINUTE:.0f} min ago"
    return f"{seconds / (60 * _MINUTE):.0f} h ago"
