"""What a run would be refused for, said with its plan: before anybody says yes."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.cli.meeting import Found, held, holding_of, unfit
from orchestrator.cli.taking import silent
from orchestrator.cli.wiring import World
from orchestrator.engine.findings import nothing_to_restore, record_of_other_inventory
from orchestrator.engine.provenance import key_missing
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.fleet.observed import Look
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.holding_off import objections
from orchestrator.planning.restoring import formers
from orchestrator.procedures.book import Book
from orchestrator.procedures.preflight import foreseen
from orchestrator.ui.holding import HeldRun, Life


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What a run would be refused for at once: at sites, where preflight may find more, or not."""

    of_run: tuple[Problem, ...] = ()
    of_sites: tuple[Problem, ...] = ()

    @property
    def every(self) -> tuple[Problem, ...]:
        """All of it."""
        return self.of_run + self.of_sites


def refusals(
    book: Book,
    looks: Mapping[str, Look],
    holding: HeldRun | None,
    on_failure: OnFailure,
    unready: tuple[Problem, ...] = (),
) -> Refusals:
    """Return what a run of `book` would be refused for at once, as far as it is known by now.

    Args:
        book: what would be done.
        looks: what it was planned from.
        holding: who holds the lock, if anybody does.
        on_failure: what it would do once a step failed.
        unready: why its downtime could not be announced, or its record not signed.

    """
    if not book.plan.changes:
        return Refusals()
    lock = (held(holding, may_wait=True),) if holding else ()
    restores = on_failure is OnFailure.RESTORE
    unknown = formers(book.inventory, book.plan).unknown if restores else ()
    former = (nothing_to_restore(unit, book.run) for unit in unknown)
    return Refusals(
        of_run=(*lock, *objections(book.plan), *unready, *former),
        of_sites=foreseen(book, looks),
    )


def keyless(world: World) -> tuple[Problem, ...]:
    """Return why no run begins here: its record would have to be signed, and no key is at hand."""
    return (key_missing(),) if world.inventory.record_key_required and world.key is None else ()


def taking_refusals(world: World, found: Found, *, take_over: bool) -> tuple[Problem, ...]:
    """Return what going on with an unfinished run, or back, would be refused for now."""
    if found.record is None or found.refused is not None:
        return (found.refused,) if found.refused else ()
    if lines := unfit(world.inventory, found.record):
        return (record_of_other_inventory(found.hold.run, lines),)
    holding = holding_of(world, found)
    if holding.life is Life.ALIVE:
        return (held(holding),)
    lost = holding.life in (Life.SILENT, Life.FROZEN) and not take_over
    return (silent(world, found),) if lost else ()


def tell_refusals(world: World, refused: tuple[Problem, ...]) -> ExitCode:
    """Say in full what a run would be refused for, and return what it would end with."""
    if refused and not world.talk.as_json:
        world.talk.problems(refused)
    return worst(refused)
