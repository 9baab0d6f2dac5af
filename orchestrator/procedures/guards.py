"""The questions asked right before an effect that must never come too early. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.fleet.drift import drift
from orchestrator.fleet.health import judge
from orchestrator.fleet.history import JOBS, recall
from orchestrator.fleet.observed import Contents, Look, Sight, Task, TaskState, contents
from orchestrator.fleet.ownership import undeclared_stacks
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.running import LABEL_DATA, origin
from orchestrator.fleet.unit import Unit
from orchestrator.planning.scope import running_health
from orchestrator.planning.selection import dependents
from orchestrator.procedures.book import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalGuard:
    """What has to be seen gone, and where, before a unit may be removed (S1)."""

    unit: Unit
    dependents: tuple[Unit, ...]

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites to look at: the unit's own first."""
        others = dict.fromkeys(unit.site for unit in self.dependents)
        return tuple(dict.fromkeys((self.unit.site, *others)))


def removal_guard(book: Book, unit: Unit) -> RemovalGuard:
    """Return what must be gone before `unit` may be removed: all that depends on it."""
    below = dependents(book.inventory, frozenset({unit}))
    return RemovalGuard(unit=unit, dependents=tuple(sorted(below)))


def removal_blockers(book: Book, guard: RemovalGuard, looks: Mapping[str, Look]) -> tuple[str, ...]:
    """Return why the unit may not be removed now; empty when it may.

    A stack of the system that nobody declared blocks as well, wherever dependents live:
    it may need the unit, and nothing says that it does not. A unit that the operator accepted
    as unknown blocks only when it is seen to run.
    """
    blockers = [
        f"{unit} is {there.presence.value}: {'; '.join(there.evidence[:4])}"
        for unit in guard.dependents
        if not (there := whereabouts(unit, looks[unit.site])).gone
        and not (unit in book.plan.accepted and there.presence is Presence.UNKNOWN)
    ]
    if guard.dependents:
        for site in guard.sites:
            blockers += [
                f"{name}@{site} runs and is not declared"
                for name in strays(book, site, looks[site])
            ]
    return tuple(blockers)


def strays(book: Book, site: str, look: Look) -> tuple[str, ...]:
    """Return stacks at `site` that are the system's by their name but are not declared."""
    owned = book.inventory.ownership
    return undeclared_stacks(look, ownership=owned, declared=book.declared_at(site))


def direct_dependencies(book: Book, unit: Unit) -> tuple[Unit, ...]:
    """Return what `unit` depends on directly."""
    return book.inventory.needs.get(unit, ())


def unhealthy_dependency(book: Book, unit: Unit, look: Look) -> str:
    """Return why `unit`, which another one needs, does not count as healthy; "" if it does.

    Judged against its compose file when this run deploys it, else against what runs plus
    the services that operators rely on. Probes are asked separately.
    """
    if not isinstance(look, Sight):
        return f"{unit} cannot be seen: {look.problem.what}"
    if not contents(look, unit.stack).services:
        return f"{unit} does not run"
    spec = book.inventory.spec(unit)
    sourced = book.sourced.get(unit)
    if sourced is None:
        health = running_health(unit, spec, look)
    else:
        health = judge(sourced.desired, look, recall(unit.stack, look), spec.policy)
    if health.healthy:
        return ""
    return f"{unit} is {health.verdict.value}: {'; '.join(str(r) for r in health.reasons[:4])}"


def runs_already(book: Book, unit: Unit, own: Look) -> bool:
    """Whether services of `unit` are there that this run did not deploy, by a look at its site."""
    if not isinstance(own, Sight) or not contents(own, unit.stack).services:
        return False
    return origin(unit, own).run != book.run


def at_their_end(book: Book, unit: Unit, sight: Sight) -> tuple[str, ...]:
    """Return the services of `unit` for which Docker starts nothing any more, though it should.

    A deploy of the same specification changes nothing of that, but for jobs, which it runs again.
    One of another specification does.
    """
    sourced, mine = book.sourced[unit], contents(sight, unit.stack)
    policy = book.inventory.spec(unit).policy
    health = judge(sourced.desired, sight, recall(unit.stack, sight), policy)
    over = {reason.service for reason in health.reasons if reason.over}
    same = [
        service.name
        for service in mine.services
        if service.mode not in JOBS and service.name not in _changed(book, unit, mine)
    ]
    return tuple(name for name in same if name in over)


def _changed(book: Book, unit: Unit, mine: Contents) -> frozenset[str]:
    return frozenset(f"{unit.stack}_{c.service}" for c in drift(book.desired(unit), mine))


def restarted(book: Book, unit: Unit, own: Look) -> tuple[str, ...]:
    """Return the services of `unit` that have a task and that its deploy would restart.

    A service of which nothing runs can be started under anybody, and one whose specification
    stays the same keeps its tasks (swarmkit updater.go: only dirty slots are replaced).
    """
    if not isinstance(own, Sight):
        return ()
    sourced, mine = book.sourced[unit], contents(own, unit.stack)
    alive = {task.service_id for task in mine.tasks if _is_alive(task)}
    there = {s.name: s.label(LABEL_DATA) for s in mine.services if s.id in alive}
    changed = {*_changed(book, unit, mine), *at_their_end(book, unit, own)}
    return tuple(
        name for name, data in there.items() if name in changed or data != sourced.data_digest
    )


def _is_alive(task: Task) -> bool:
    return TaskState.ASSIGNED <= task.state <= TaskState.RUNNING


def overwrite_blockers(book: Book, unit: Unit, looks: Mapping[str, Look]) -> tuple[str, ...]:
    """Return the dependents that are not gone while the deploy would restart what runs of `unit`.

    What this very run deployed is no reason: deploying it again changes nothing that is there.
    """
    own = looks[unit.site]
    if not (runs_already(book, unit, own) and restarted(book, unit, own)):
        return ()
    guard = removal_guard(book, unit)
    return tuple(
        f"{other} is {there.presence.value}"
        for other in guard.dependents
        if not (there := whereabouts(other, looks[other.site])).gone
    )
