"""A plan's price in one sentence: who goes down, who is without them, for how long."""

from collections.abc import Iterable

from orchestrator.fleet.unit import Unit
from orchestrator.planning.risk import Risk, Typical
from orchestrator.words.phrases import count, elapsed, named

_MOST = 12
"""More units than this are counted, stack by stack: they are named further down anyway."""


def risk_words(risk: Risk) -> str:
    """Say it in one line; `risk` is of a plan that takes something down."""
    return f"{few(risk.down)} down {_how_long(risk)}{_without(risk)}"


def few(units: Iterable[Unit]) -> str:
    """List units; of a stack with many sites only say how many."""
    every = tuple(units)
    if len(every) <= _MOST:
        return named(every)
    sites: dict[str, list[Unit]] = {}
    for unit in every:
        sites.setdefault(unit.stack, []).append(unit)
    return ", ".join(
        f"{stack} at {len(where)} sites" if len(where) > 1 else named(where)
        for stack, where in sites.items()
    )


def _without(risk: Risk) -> str:
    if not risk.without:
        return ""
    sites = {unit.site for unit in risk.without}
    need = "needs" if len(risk.without) == 1 else "need"
    units = count(len(risk.without), "unit")
    return f"; {units} at {count(len(sites), 'site')} {need} {'it' if _one(risk) else 'them'}"


def _one(risk: Risk) -> bool:
    return len(risk.down) == 1


def _how_long(risk: Risk) -> str:
    if not risk.comes_back:
        return f"until {'it is' if _one(risk) else 'they are'} brought up again"
    unread = f"{count(risk.unreadable, 'journal')} unreadable" if risk.unreadable else ""
    if risk.outage is None:
        return f"for nobody knows how long: no past run like this here{unread and f', {unread}'}"
    others = f", the rest {_times(risk.others)}" if risk.others else ""
    runs = count(risk.outage.runs, "past run")
    by = f"median and 90th percentile of {runs}{unread and f', {unread}'}"
    return f"for {_times(risk.outage)}{others} ({by})"


def _times(typical: Typical) -> str:
    usual, worst = elapsed(typical.median_seconds), elapsed(typical.worst_seconds)
    return usual if usual == worst else f"{usual} to {worst}"
