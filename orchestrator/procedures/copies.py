"""Where releases are kept, so that a run needs nothing but its sites, and not each of them."""

from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Revision
from orchestrator.planning.plan import StepKind, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.sources.model import Release
from orchestrator.sources.release import name_of


def copies_at(book: Book, site: str) -> tuple[Release, ...]:
    """Return the releases of other sites of which `site` keeps a copy.

    Those that would lie at one manager alone: the coordinator keeps them, and the next site those
    of the coordinator. Files of secrets go where they are needed, and nowhere else.
    """
    sites = {step.site for step in book.plan.steps if step.kind is StepKind.PREPARE}
    first_two = sorted(sites, key=lambda name: (name != book.plan.coordinator, name))[:2]
    lie_at: dict[str, set[str]] = {}
    for unit, source in book.sourced.items():
        lie_at.setdefault(source.release.digest, set()).add(unit.site)
    copies: dict[str, Release] = {}
    for source in book.sourced.values():
        alone = lie_at[source.release.digest]
        keeper = next((name for name in first_two if name not in alone), "")
        if len(alone) == 1 and keeper == site and not source.release.holds_secrets:
            copies.setdefault(source.release.digest, source.release)
    return tuple(copies.values())


def former_release(item: UnitPlan) -> str:
    """Return the name of the release that ran before, "" where nobody knows."""
    before = item.before
    if {before.release, before.revision} & {"", MIXED}:
        return ""
    revision = Revision(repo="", sha=before.revision)
    return name_of(item.unit, revision, before.release)
