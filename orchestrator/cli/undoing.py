"""What a run that ended did, as far as anybody knows, and the plan that undoes it."""

import base64
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.cli.differing import digests_of
from orchestrator.cli.held_releases import former_sources
from orchestrator.cli.meeting import unfit
from orchestrator.cli.past import read_history
from orchestrator.cli.planning import contacted
from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.findings import left_as_it_is, nobody_knows_former
from orchestrator.engine.gather import look_at
from orchestrator.engine.journal import EntryKind
from orchestrator.engine.record import RunRecord, decode
from orchestrator.engine.session import Sources
from orchestrator.errors import ExitCode, FleetError, JournalError, Problem, RefusedError
from orchestrator.fleet.observed import Look, Unseen
from orchestrator.planning.history import assess
from orchestrator.planning.lost import with_lost
from orchestrator.planning.pinning import pinned
from orchestrator.planning.plan import Plan
from orchestrator.planning.premises import swarms_of
from orchestrator.planning.restoring import (
    formers,
    not_restored,
    plan_from_labels,
    restore_plan,
    with_dependents_of_now,
    with_preflight,
)
from orchestrator.planning.selection import Request
from orchestrator.planning.sharing import with_all_uses
from orchestrator.procedures.book import Book


def seen_everywhere(world: World) -> dict[str, Look]:
    """Look at every site (FleetError when one cannot be seen: nothing was touched yet)."""
    looks = look_at(world.backend, contacted(world.inventory))
    if blind := [look.problem for look in looks.values() if isinstance(look, Unseen)]:
        raise FleetError(blind)
    return looks


def finished_plan(world: World, run: str) -> Plan:
    """Return the plan that `run` carried out, from the journal here, else from the Swarms.

    Raises:
        RefusedError: nobody knows of such a run (20).

    """
    record = _journalled(world, run)
    if record is not None and not unfit(world.inventory, record):
        return record.plan
    plan = plan_from_labels(world.inventory, run, seen_everywhere(world))
    if plan is None:
        raise RefusedError(_unknown_run(run))
    return plan


def _journalled(world: World, run: str) -> RunRecord | None:
    """Return the record of `run` in its journal; None without one that can be read."""
    try:
        entries = world.journals.read(run)
        for entry in entries:
            if entry.kind is EntryKind.OPENED and "record" in entry.body:
                return decode(base64.b64decode(str(entry.body["record"])))
    except (JournalError, RefusedError) as error:
        for problem in error.problems:
            world.talk.say(f"the journal here does not help: {problem.what}")
    except NotBase64:
        world.talk.say("the journal here does not help: its record is no base64")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """A new run that brings back what ran before another; `staying` says what it does not."""

    book: Book
    staying: tuple[Problem, ...]


def way_back(world: World, run: str, done: Plan, lost: Request) -> WayBack:
    """Plan a new run that brings back what ran before the plan `done`.

    What somebody answered for then counts no more: nodes that are lost now are in `lost`.

    Raises:
        FleetError: a site cannot be seen.
        UsageError: `lost` names a node that is not there.
        SourceError: what ran before cannot be read any more.

    """
    looks = seen_everywhere(world)
    inventory = with_all_uses(world.inventory, done.uses, looks, {})
    whole = with_dependents_of_now(inventory, done, looks)
    sourced = former_sources(world, whole)
    inventory = with_all_uses(world.inventory, done.uses, looks, sourced)
    plan = restore_plan(inventory, whole, looks=looks, sourced=sourced, selection=run)
    plan = with_preflight(inventory, plan)
    plan = replace(plan, lost=(), warnings=(), because=lost.because.strip())
    plan = with_lost(inventory, lost, plan, looks, sourced=sourced)
    plan = pinned(plan, sourced, digests_of(world, looks, sourced))
    plan = replace(plan, risk=assess(plan, read_history(world.journals)))
    used = {item.unit for item in plan.units if item.after is not None}
    book = Book(
        run=world.run_id,
        inventory=inventory,
        plan=plan,
        sourced={unit: source for unit, source in sourced.items() if unit in used},
        swarms=swarms_of(looks),
    )
    return WayBack(book=book, staying=staying(world, run, whole, looks, sourced))


def staying(
    world: World, run: str, done: Plan, looks: Mapping[str, Look], sourced: Sources
) -> tuple[Problem, ...]:
    """Say which units of the plan `done` are not brought back, and why."""
    inventory = with_all_uses(world.inventory, done.uses, looks, sourced)
    left = not_restored(inventory, done, looks=looks, sourced=sourced)
    return (
        *(nobody_knows_former(u, run) for u in formers(world.inventory, done).unknown),
        *(left_as_it_is(unit, other) for unit, other in left.items()),
    )


def _unknown_run(run: str) -> Problem:
    return Problem(
        code="rollback.unknown-run",
        what=f"nobody knows what run {run} changed",
        exit_code=ExitCode.SAFETY_REFUSED,
        evidence=("no journal here tells of it, and no service says that it deployed it",),
        fix=f"{typed('restart', '--all', '--ref', 'REPO=SHA')}   # the revision that is wanted",
        state_left="nothing was touched",
        runbook="roll-back",
    )
