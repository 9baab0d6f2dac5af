"""From what sites answered to the rows of a status screen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from orchestrator.cli.meeting import holding_of, understand
from orchestrator.cli.wiring import World
from orchestrator.errors import ExitCode, Problem, RefusedError, worst
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.ownership import stacks_beside, undeclared_stacks
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import running_since
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.lost import missing_words
from orchestrator.planning.scope import look_before
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import Probed, StoredConfig
from orchestrator.procedures.owed import Owed
from orchestrator.ui.holding import HeldRun
from orchestrator.ui.status_view import Fleet, StatusRow

if TYPE_CHECKING:
    from orchestrator.cli.known import Known

T = TypeVar("T")


def concluded(asking: Asking[T], answer: object) -> T:
    """Return what a procedure that asks once makes of an answer that is there already."""
    next(asking)
    try:
        asking.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    raise TypeError("it asks more than once")


def with_lock(world: World, fleet: Fleet, lock: StoredConfig | Problem | None) -> Fleet:
    """Add who holds the lock, or why nobody can tell."""
    if lock is None:
        return fleet
    if isinstance(lock, Problem):
        return _untold(fleet, lock)
    try:
        holding = holding_of(world, understand(world, lock))
        return replace(fleet, holding=reconciled(holding, fleet.rows))
    except RefusedError as error:
        return _untold(fleet, *error.problems)


def reconciled(holding: HeldRun, rows: Iterable[StatusRow]) -> HeldRun:
    """Leave out of what a run's record says is down what is seen to be well: the Swarm is right.

    A run that was killed has not written down what came up last, nor what people did since.
    """
    well = {row.unit for row in rows if row.verdict is Verdict.HEALTHY and not row.words}
    down = tuple((unit, since) for unit, since in holding.hold.down if unit not in well)
    return replace(holding, hold=replace(holding.hold, down=down))


def with_owed(fleet: Fleet, owed: tuple[Owed, ...] | Problem, only: tuple[str, ...]) -> Fleet:
    """Add what is owed at the sites that were asked for, or why nobody can tell."""
    if isinstance(owed, Problem):
        return _untold(fleet, owed)
    chosen = tuple(item for item in owed if not only or item.unit.site in only)
    return replace(fleet, owed=chosen)


def _untold(fleet: Fleet, *problems: Problem) -> Fleet:
    """Add problems that are not told by a look at the same site already."""
    known = {(problem.code, problem.where) for problem in fleet.unreachable}
    new = tuple(p for p in problems if (p.code, p.where) not in known)
    return replace(fleet, unreachable=fleet.unreachable + new)


def judge_fleet(
    inventory: Inventory,
    looks: Mapping[str, Look],
    known: "Known | None",
    *,
    waiting: tuple[str, ...],
    now: float,
    answered: Mapping[Unit, tuple[Probed, ...]] = MappingProxyType({}),
) -> Fleet:
    """Judge every unit at every site that was looked at, by one look each; `now` by our clock.

    `answered` are the answers of probes, where they were sent.
    """
    return Fleet(
        now=now,
        waiting=waiting,
        missing=known.missing if known else (),
        mirrors=tuple(known.ages.items()) if known else (),
        unread=known.unread if known else (),
        rows=tuple(
            with_probes(
                _row(inventory, spec, looks[spec.unit.site], known, now),
                answered.get(spec.unit, ()),
            )
            if spec.unit.site in looks
            else _asking(inventory, spec.unit)
            for spec in inventory.units
            if spec.unit.site in looks or spec.unit.site in waiting
        ),
        undeclared=tuple(
            Unit(stack=stack, site=site)
            for site, look in looks.items()
            for stack in undeclared_stacks(
                look, ownership=inventory.ownership, declared=inventory.declared_at(site)
            )
        ),
        beside=tuple(
            Unit(stack=stack, site=site)
            for site, look in looks.items()
            for stack in stacks_beside(
                look, ownership=inventory.ownership, declared=inventory.declared_at(site)
            )
        ),
        nodes=missing_words(inventory, looks),
        unreachable=tuple(look.problem for look in looks.values() if isinstance(look, Unseen)),
        detours=tuple(
            (site, look.via) for site, look in looks.items() if isinstance(look, Sight) and look.via
        ),
        planned=tuple(site.name for site in inventory.sites if site.state is SiteState.PLANNED),
    )


def fully_healthy(fleet: Fleet) -> bool:
    """Whether there is nothing to do: every unit healthy, nothing undeclared, nothing owed."""
    well = all(row.verdict is Verdict.HEALTHY and not row.words for row in fleet.rows)
    return well and not fleet.undeclared and not fleet.unreachable and not fleet.owed


def _row(
    inventory: Inventory, spec: UnitSpec, look: Look, known: "Known | None", now: float
) -> StatusRow:
    before = look_before(spec.unit, spec, look)
    present = before.presence is Presence.PRESENT
    began = running_since(spec.unit, look) if present else None
    return StatusRow(
        unit=spec.unit,
        site_state=inventory.state(spec.unit),
        presence=before.presence,
        verdict=before.verdict if before.presence is not Presence.GONE else None,
        running=before.running,
        expected=before.expected,
        revision=before.revision,
        newer_commits=known.newer(spec.unit, before.revision) if known and present else None,
        differing=known.differing(spec.unit, look) if known and present else None,
        since_seconds=None if began is None else max(0.0, now - began),
        words=before.words,
        finished=before.finished,
    )


def with_probes(row: StatusRow, answers: tuple[Probed, ...]) -> StatusRow:
    """Add what probes were answered to a unit that is there; one that is not well says why."""
    if row.presence is not Presence.PRESENT:
        return row
    failing = tuple(str(answer) for answer in answers if not answer.ok)
    return replace(row, probes=answers, words=row.words + failing)


def _asking(inventory: Inventory, unit: Unit) -> StatusRow:
    state = inventory.state(unit)
    return StatusRow(unit=unit, site_state=state, presence=Presence.UNKNOWN)


def exit_code(fleet: Fleet) -> ExitCode:
    """Return what `status` ends with."""
    if problems := fleet.unreachable + fleet.unfetched:
        return worst(problems)
    if fleet.holding:
        return ExitCode.LOCK_HELD
    return ExitCode.DONE if fully_healthy(fleet) else ExitCode.UNHEALTHY
