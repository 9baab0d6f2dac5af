"""Is anything left half done with nobody able to say what? Judged by what runs, not by reports."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.engine.events import StepDone
from orchestrator.engine.record import decode
from orchestrator.engine.report import RunEnd
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import SiteState
from orchestrator.planning.plan import Action, StepKind, UnitPlan
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import Hold, from_labels
from orchestrator.simulation.objects import SimResource
from tests.simulated import Simulated

_OWED = "dtdeploy.owed"


@dataclass(slots=True)
class Account:
    """What people were told on a day, and what was so before it."""

    world: Simulated
    problems: list[Problem] = field(default_factory=list)
    down: set[Unit] = field(default_factory=set)
    """Units that a command took down as it was asked to."""
    before: set[Unit] = field(init=False)
    """Units that were not up when the day began."""

    def __post_init__(self) -> None:
        self.before = {unit for unit in self.units() if any(self.lacks(unit))}

    def units(self) -> Iterator[Unit]:
        """Return every unit at a site that is managed."""
        inventory = self.world.inventory
        for spec in inventory.units:
            if inventory.state(spec.unit) is SiteState.ACTIVE:
                yield spec.unit

    def down_meant(self) -> None:
        """Take in that somebody wants things down: what is down may be so on purpose."""
        self.down |= set(self.units())

    def take(self, end: RunEnd) -> None:
        """Take in how a command ended."""
        self.problems += end.problems
        for plan, report in ((end.plan, end.report), (end.way_back, end.restored)):
            if report is None or plan is None:
                continue
            self.problems += report.problems

    def lacks(self, unit: Unit) -> Iterator[str]:
        """Say what is wrong with a unit that should be up: by what really runs."""
        yield from self.world.oracle.not_serving(unit)
        swarm = self.world.fleet.sites[unit.site].swarm
        services = swarm.services_of(unit.stack)
        wanted = {s.name for s in self.world.sources[unit].desired.services}
        if services and {s.desired.name for s in services} != wanted:
            yield f"it has {sorted(s.desired.name for s in services)} of {sorted(wanted)}"
        revisions = {dict(s.labels).get("dtdeploy.revision", "") for s in services}
        if len(revisions) > 1:
            yield f"it is of {len(revisions)} revisions"

    def bad(self) -> list[str]:
        """Return every unit that is not up and well, with what is wrong."""
        found = ((unit, "; ".join(self.lacks(unit))) for unit in self.units())
        return [f"{unit}: {words}" for unit, words in found if words]

    def config(self, name: str) -> SimResource | None:
        """Return a config of the coordinator's Swarm."""
        swarm = self.world.fleet.sites[self.world.inventory.coordinator].swarm
        return next((c for c in swarm.configs.values() if c.name == name), None)

    def owed(self) -> set[str]:
        """Return the units that are written down as owed."""
        config = self.config(_OWED)
        labels = config.labels if config is not None else ()
        return {name.removeprefix(f"{_OWED}.") for name, _ in labels}

    def settled(self) -> dict[Unit, float]:
        """Return when each unit was last told to be up and well."""
        return {
            event.step.unit: event.at
            for event in self.world.events
            if isinstance(event, StepDone)
            and event.step.kind in (StepKind.DEPLOY, StepKind.SETTLE)
            and event.step.unit is not None
        }


def unaccounted(account: Account) -> list[str]:
    """Return every unit that is not up, and of which nobody can say why; [] while a run may go on.

    Whoever reads the lock can resume the run, so a lock that can be read accounts for all.
    """
    lock = account.config("dtdeploy.run")
    if lock is not None and dict(lock.labels).get("dtdeploy.released") != "yes":
        return list(_unreadable(lock))
    owed, settled, oracle = account.owed(), account.settled(), account.world.oracle
    if oracle.lock_typed:
        return []
    return [
        f"nobody can say why {unit} is not up: {'; '.join(account.lacks(unit))}"
        for unit in account.units()
        if any(account.lacks(unit))
        and str(unit) not in owed
        and unit not in account.before | account.down
        and unit in oracle.touched
        and not oracle.meddled(unit)
        and not any(_about(account, problem, unit) for problem in account.problems)
        and not oracle.broke_since(unit, settled.get(unit))
    ]


def _about(account: Account, problem: Problem, unit: Unit) -> bool:
    """Whether a problem names `unit`, or something outside that `unit` needs."""
    where = problem.where
    named = (where.site, where.stack) == (unit.site, unit.stack)
    needs = [probe.name for probe in account.world.inventory.spec(unit).requires]
    said = " ".join((problem.what, *problem.evidence))
    return named or any(name in said for name in (str(unit), *needs))


def _unreadable(lock: SimResource) -> Iterator[str]:
    stored = StoredConfig(
        id=lock.id, name=lock.name, version=lock.version, labels=lock.labels, data=lock.data
    )
    record = decode(lock.data)
    hold = from_labels(stored, record.plan.steps)
    if not isinstance(hold, Hold):
        yield f"the lock cannot be read: {hold.what} {hold.evidence}"
    elif hold.run != record.run:
        yield f"the lock says run {hold.run} and holds the record of {record.run}"


def as_said(account: Account, name: str, end: RunEnd) -> list[str]:
    """Return what is not as it should be after a run of `name` that says that it ended well."""
    if end.exit_code is ExitCode.DONE and end.report is not None:
        wrong = (
            (item, _unlike(account, item, end.run, end.plan.lost_tasks)) for item in end.plan.units
        )
        over = end.report.ended
    elif end.exit_code is ExitCode.RESTORED and end.restored is not None:
        wrong = ((item, _unlike_before(account, item, end)) for item in end.plan.units)
        over = end.restored.ended
    else:
        return []
    settled, oracle = account.settled(), account.world.oracle
    found = [
        f"{end.run} ended as {end.exit_code.name}, and {item.unit}: {words}"
        for item, words in wrong
        if words
        and not oracle.broke_since(item.unit, settled.get(item.unit))
        and not oracle.meddled(item.unit)
        and not oracle.others_since(item.unit, name, over)
    ]
    return found + [
        f"S9: {end.run} ended as {end.exit_code.name}, and {item.unit}: {words}"
        for item in end.plan.units
        if _is_to_run(item, end)
        and (words := oracle.broken_at_the_end(item.unit, over))
        and not oracle.meddled(item.unit)
        and not oracle.others_since(item.unit, name, over)
    ]


def _is_to_run(item: UnitPlan, end: RunEnd) -> bool:
    """Whether a run that says DONE answers for a unit: it deployed it, or left it alone."""
    kept = item.action is Action.KEEP and item.before.presence is Presence.PRESENT
    return end.exit_code is ExitCode.DONE and (kept or item.action.deploys)


def _unlike(account: Account, item: UnitPlan, run: str, lost: frozenset[str]) -> str:
    match item.action:
        case Action.KEEP:
            return ""
        case Action.DOWN:
            return _still_there(account, item.unit, lost)
        case Action.RESTART | Action.UP | Action.UPDATE:
            assert item.after is not None
            return _lacks(account, item.unit, item.after.sha, run)


def _unlike_before(account: Account, item: UnitPlan, end: RunEnd) -> str:
    if item.action is Action.KEEP or item.before.presence is Presence.UNKNOWN:
        return ""
    if not item.before.services:
        left = end.way_back is not None and end.way_back.unit(item.unit).action is Action.KEEP
        return "" if left else _still_there(account, item.unit, end.plan.lost_tasks)
    return _lacks(account, item.unit, item.before.revision, "")


def _still_there(account: Account, unit: Unit, lost: frozenset[str]) -> str:
    """Say what is left of a unit, but for tasks that somebody answered for."""
    left = [
        c
        for c in account.world.fleet.running_containers()
        if (c.site, c.stack) == _key(unit) and c.task not in lost
    ]
    services = account.world.fleet.sites[unit.site].swarm.services_of(unit.stack)
    return f"{len(services)} services, {len(left)} containers are there" if services or left else ""


def _key(unit: Unit) -> tuple[str, str]:
    return unit.site, unit.stack


def _lacks(account: Account, unit: Unit, sha: str, run: str) -> str:
    words = list(account.lacks(unit))
    for service in account.world.fleet.sites[unit.site].swarm.services_of(unit.stack):
        labels = dict(service.labels)
        if labels.get("dtdeploy.revision") != sha:
            words.append(f"{service.name} is of {labels.get('dtdeploy.revision', 'nothing')[:8]}")
        if run and labels.get("dtdeploy.run") != run:
            words.append(f"{service.name} was deployed by {labels.get('dtdeploy.run')}")
    return "; ".join(words)
