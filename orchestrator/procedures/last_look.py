"""The last look of a run: what was well, or was left alone, may be broken by now."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from orchestrator.command_line import typed
from orchestrator.errors import Problem
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.health import Health, Verdict, judge
from orchestrator.fleet.history import recall
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import as_running
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import ProbeResult, RunProbe, deciding
from orchestrator.procedures.findings import unhealthy

_WELL = "was healthy, and is not any more at the end of the run"
_ALONE = "was left alone, and is not healthy"


def broken_since(
    book: Book, settled: AbstractSet[Unit], looks: Mapping[str, Look]
) -> tuple[Problem, ...]:
    """Return a problem for each unit that should run at the end of a run, and is not healthy.

    A site that cannot be seen at this moment says nothing: its units were seen settled.

    Args:
        book: the run; what it left alone is judged by what runs there.
        settled: the units that were seen to keep running once they were deployed.
        looks: a look, now, at every site of the plan.

    """
    return tuple(
        problem
        for item in book.plan.units
        if isinstance(look := looks.get(item.unit.site), Sight)
        and (problem := _broken(book, item, settled, look)) is not None
    )


def _broken(book: Book, item: UnitPlan, settled: AbstractSet[Unit], sight: Sight) -> Problem | None:
    unit = item.unit
    wanted = _wanted(book, item, settled, sight)
    if wanted is None:
        return None
    policy = book.inventory.spec(unit).policy
    health = judge(wanted, sight, recall(unit.stack, sight), policy)
    if health.healthy:
        return None
    return _at_the_end(item, unhealthy(unit, health, (), 0.0))


def _at_the_end(item: UnitPlan, problem: Problem) -> Problem:
    unit = item.unit
    if item.action is not Action.KEEP:
        return replace(problem, code="run.broke-later", what=f"{unit} {_WELL}")
    return _left_alone(unit, problem, f"{unit} {_ALONE} at the end of the run")


def questions(
    book: Book, settled: AbstractSet[Unit], looks: Mapping[str, Look]
) -> tuple[tuple[Unit, RunProbe], ...]:
    """Return the probes of what is well by its tasks; arguments as for `broken_since`."""
    return tuple(
        (item.unit, deciding(item.unit.site, probe))
        for item in book.plan.units
        if isinstance(look := looks.get(item.unit.site), Sight)
        and _wanted(book, item, settled, look) is not None
        and _broken(book, item, settled, look) is None
        for probe in book.inventory.spec(item.unit).probes
    )


def unanswered(
    book: Book, asked: Iterable[tuple[Unit, RunProbe]], results: Iterable[ProbeResult]
) -> tuple[Problem, ...]:
    """Return a problem for each unit of which a probe is not answered as it should be."""
    failing: dict[Unit, list[str]] = {}
    for (unit, effect), result in zip(asked, results, strict=True):
        if not result.ok:
            failing.setdefault(unit, []).append(f"probe {effect.probe.name}: {result.words}")
    well = Health(verdict=Verdict.HEALTHY)
    return tuple(
        _at_the_end(book.plan.unit(unit), unhealthy(unit, well, tuple(words), 0.0))
        for unit, words in failing.items()
    )


def unwell_alone(plan: Plan) -> tuple[Problem, ...]:
    """Return a problem for each unit that a plan leaves alone although it is not healthy."""
    return tuple(
        _left_alone(
            item.unit,
            unhealthy(item.unit, Health(verdict=verdict), item.before.words, 0.0),
            f"{item.unit} {_ALONE}",
        )
        for item in plan.units
        if item.action is Action.KEEP
        and item.before.presence is Presence.PRESENT
        and (verdict := item.before.verdict) not in (None, Verdict.HEALTHY)
    )


def _left_alone(unit: Unit, problem: Problem, what: str) -> Problem:
    return replace(
        problem,
        code="run.left-unhealthy",
        what=what,
        fix=typed("restart", unit),
        state_left=f"{unit} was not touched",
    )


def _wanted(
    book: Book, item: UnitPlan, settled: AbstractSet[Unit], sight: Sight
) -> DesiredStack | None:
    """Return what should run of a unit, None where that is not this run's to judge."""
    unit = item.unit
    if item.action is Action.KEEP:
        return _as_it_was(book, item, sight) if item.before.presence is Presence.PRESENT else None
    deployed = unit in settled and unit in book.sourced and item.action.deploys
    return book.sourced[unit].desired if deployed else None


def _as_it_was(book: Book, item: UnitPlan, sight: Sight) -> DesiredStack:
    """Return what runs now, and each service that ran when the plan was made."""
    must_have = book.inventory.spec(item.unit).must_have
    return as_running(item.unit, sight, relied_on=must_have, known=item.before.services)
