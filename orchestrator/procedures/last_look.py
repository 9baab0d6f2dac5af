"""The last look of a run: what it settled earlier may have broken while it was busy elsewhere."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from orchestrator.errors import Problem
from orchestrator.fleet.health import judge
from orchestrator.fleet.history import begin
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.book import Book
from orchestrator.procedures.findings import unhealthy


def broken_since(
    book: Book, settled: AbstractSet[Unit], looks: Mapping[str, Look]
) -> tuple[Problem, ...]:
    """Return a problem for each of `settled` that the run deployed and that is healthy no more.

    A site that cannot be seen at this moment says nothing: its units were seen settled.
    """
    problems = []
    for unit in book.sourced:
        look = looks.get(unit.site)
        deployed = unit in settled and unit in book.deployed_at(unit.site)
        if not deployed or not isinstance(look, Sight):
            continue
        desired = book.sourced[unit].desired
        health = judge(desired, look, begin(unit.stack, look), book.inventory.spec(unit).policy)
        if not health.healthy:
            problem = unhealthy(unit, health, (), 0.0)
            what = f"{unit} was healthy, and is not any more at the end of the run"
            problems.append(replace(problem, code="run.broke-later", what=what))
    return tuple(problems)
