"""Doctor's own looks at every site, beyond what a preflight asks: a line a check as they come."""

from collections.abc import Mapping

from orchestrator.cli.explain import read_handbook
from orchestrator.cli.wiring import World
from orchestrator.engine.questions import Questions
from orchestrator.errors import Problem, UsageError
from orchestrator.inventory.model import SiteState
from orchestrator.procedures.inspection import Inspect, Inspection, checks, differing_versions

_SECONDS = 60.0
"""No site takes so long: each part of it has a deadline of its own."""


def inspect_sites(world: World, only: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """Look at active sites, or those of `only`, side by side, and return what to warn of.

    A site that cannot be seen is left to the preflight to tell of.
    """
    names = [
        site.name
        for site in world.inventory.sites
        if site.state is SiteState.ACTIVE and (not only or site.name in only)
    ]
    stacks = frozenset(spec.unit.stack for spec in world.inventory.units)
    questions = Questions(world.backend, [Inspect(site=site) for site in names])
    found: list[Inspection] = []
    warnings: list[Problem] = []
    for _, answer in questions.answers(questions.ask() + _SECONDS):
        if isinstance(answer, Inspection):
            found.append(answer)
            for check in checks(answer, stacks, world.inventory.ownership):
                world.talk.check(check)
                warnings += [check.problem] if check.problem else []
    return (*warnings, *differing_versions(tuple(found)))


def meanings() -> Mapping[str, str]:
    """Return what each error code means in plain words; nothing where the pages are not here."""
    try:
        return {entry.code: entry.means for entry in read_handbook().entries}
    except UsageError:
        return {}
