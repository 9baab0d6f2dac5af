"""The words of announcements: five lines each at most, for people who do not run dtdeploy."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from orchestrator.fleet.secrecy import hide_secrets
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import Action, Plan
from orchestrator.planning.risk import Risk, Typical
from orchestrator.planning.steps import must_be_announced
from orchestrator.words.phrases import elapsed

_LONGEST = 200
_MOST_LINES = 5
_SHOWN = 4
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069]+")
_CALLS = re.compile(r"(?i)@(?=(?:here|channel|everyone|room|all)\b)")
"""What would ring everybody's telephone in a chat."""


def downtime(inventory: Inventory, plan: Plan) -> tuple[Unit, ...]:
    """Return the units whose going down has to be announced, in the plan's order."""
    return tuple(item.unit for item in plan.units if must_be_announced(inventory, item))


def title(run: str, units: Sequence[Unit]) -> str:
    """Return the title of all announcements of a run: the same for each, so that they go together.

    It is the subject of a mail.
    """
    return one_line(f"Downtime of {_few(units)}, run {run}")


def before(
    plan: Plan, units: Sequence[Unit], *, words: str, teller: str, begins: float | None
) -> str:
    """Say what will go down, why, for how long, and who does it.

    `begins` is when, in seconds since 1970; None: now.
    """
    verb = "goes" if len(units) == 1 else "go"
    when = "now" if begins is None else f"at {clock(begins)}, not before"
    why = plan.because or plan.override.because
    others = tuple(item.unit for item in plan.units if item.action.removes)
    others = tuple(unit for unit in others if unit not in units)
    return _body(
        f"{_few(units)} {verb} down {when}.",
        f"Why: {why} (dtdeploy {words})" if why else f"Why: dtdeploy {words}",
        f"Expected length: {_expected(plan, plan.risk)}",
        f"Down as well: {_few(others)}" if others else "",
        f"Who: {teller}",
    )


def resumed(units: Sequence[Unit], *, teller: str, former: str, down: Iterable[Unit]) -> str:
    """Say that somebody goes on with a run that had stopped."""
    who = f"{teller} goes on with it" if teller == former else f"{teller} took over from {former}"
    still = tuple(unit for unit in down if unit in units)
    state = f"{_few(still)} {_is(still)} down until it is done." if still else ""
    return _body(f"The run had stopped; {who}.", state)


def ended(
    plan: Plan,
    units: Sequence[Unit],
    *,
    outages: Iterable[tuple[Unit, float]],
    missing: Iterable[Unit],
    restored: bool,
    teller: str,
) -> str:
    """Say that it is over: how long each unit was down, and what is not back yet."""
    known = {unit: seconds for unit, seconds in outages if unit in units}
    up = tuple(unit for unit in units if restored or plan.unit(unit).action is not Action.DOWN)
    left_down = tuple(unit for unit in units if unit not in up)
    rest = tuple(unit for unit in missing if unit not in units)
    measured = "; ".join(
        f"{unit} {elapsed(seconds)}" for unit, seconds in tuple(known.items())[:_SHOWN]
    )
    return _body(
        f"{_few(up)} {_is(up)} up again." if up else "",
        f"{_few(left_down)} {_is(left_down)} down, as planned." if left_down else "",
        f"Measured outage: {measured}." if measured else "",
        "The run failed; what ran before was brought back." if restored else _not_back(rest),
        f"Who: {teller}",
    )


def failed(
    units: Sequence[Unit],
    *,
    touched: bool,
    down: Iterable[Unit],
    problem: str,
    fix: str,
    teller: str,
) -> str:
    """Say that the run stopped short: the state left behind, why, and what comes next."""
    still = tuple(unit for unit in down if unit in units)
    if not touched:
        state = f"Called off: nothing was touched, {_few(units)} did not go down."
    elif still:
        state = f"Not over: {_few(still)} {_is(still)} still down."
    else:
        state = f"Stopped half-way: {_few(units)} may be up or down."
    return _body(
        state,
        f"Because: {problem}" if problem else "",
        f"Next: {fix}" if fix else "",
        f"Who: {teller}",
    )


def clock(at: float) -> str:
    """Say a time of day, of `at` seconds since 1970."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M} UTC"


def one_line(words: str) -> str:
    """Return words of others as one line that says no secret and calls nobody."""
    plain = _CALLS.sub("(at)", _UNSHOWN.sub(" ", hide_secrets(words))).strip()
    plain = plain.replace("<", "(").replace(">", ")")
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."


def _body(*lines: str) -> str:
    return "\n".join([one_line(line) for line in lines if line][:_MOST_LINES])


def _expected(plan: Plan, risk: Risk) -> str:
    if not risk.comes_back and any(item.action is Action.DOWN for item in plan.units):
        return "until it is brought up again."
    if risk.outage is None:
        return "not known, no run like this is remembered."
    return f"{_times(risk.outage)} (past runs like this: {risk.outage.runs})."


def _times(typical: Typical) -> str:
    usual, worst = elapsed(typical.median_seconds), elapsed(typical.worst_seconds)
    return f"about {usual}" if usual == worst else f"about {usual}, at worst {worst}"


def _not_back(units: Sequence[Unit]) -> str:
    return f"Not back yet: {_few(units)}" if units else ""


def _is(units: Sequence[Unit]) -> str:
    return "is" if len(units) == 1 else "are"


def _few(units: Sequence[Unit]) -> str:
    shown = ", ".join(str(unit) for unit in units[:_SHOWN])
    return shown if len(units) <= _SHOWN else f"{shown} and {len(units) - _SHOWN} more"
