"""What has been seen of a unit's tasks over several looks. One look shows a crash loop as `1/1`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator.fleet.observed import Contents, Mode, Sight, Task, TaskState, contents

_VERBS = {
    TaskState.FAILED: "failed",
    TaskState.REJECTED: "was rejected",
    # A service is meant to run: a process that ends with 0, as a clean one does when Docker stops
    # it for failing its health check, is replaced just like one that crashed.
    TaskState.COMPLETE: "ended",
}
_ENDED = "exit code 0: the process ended by itself, or was stopped for failing its health check"
_RECENT_SECONDS = 300.0
JOBS = frozenset({Mode.REPLICATED_JOB, Mode.GLOBAL_JOB})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that failed, was rejected or ended since the history began; `verb` says which."""

    service_id: str
    slot: str
    task_id: str
    verb: str
    words: str
    rejected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The memory that judging health needs; every look is folded in by `remember`.

    Swarm keeps five tasks a slot, so failures are collected by distinct task id over looks.
    `since` maps (task id, state) to when that was first seen, `idle_since` a slot to when it
    was first seen with nothing alive in it; both on the observer's clock, in seconds.
    """

    began: float
    before: frozenset[str] = frozenset()
    failures: tuple[Failure, ...] = ()
    since: Mapping[tuple[str, TaskState], float] = field(
        default_factory=lambda: MappingProxyType({})
    )
    idle_since: Mapping[tuple[str, str], float] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def failures_in(self, service_id: str, slot: str) -> tuple[Failure, ...]:
        """Return the failures of one slot, oldest first."""
        return tuple(f for f in self.failures if (f.service_id, f.slot) == (service_id, slot))

    def in_state_seconds(self, task: Task, now: float) -> float:
        """Return how long `task` has been seen in its present state, in seconds."""
        return now - self.since.get((task.id, task.state), now)


def begin(stack: str, sight: Sight) -> History:
    """Start a history: tasks that are there already are not held against what comes."""
    return History(
        began=sight.at, before=frozenset(task.id for task in contents(sight, stack).tasks)
    )


def recall(stack: str, sight: Sight) -> History:
    """Return a history as the tasks themselves tell it, for whoever has only one look.

    How old something is, is told by the clocks of the node and of the manager that was asked;
    where nobody said, it is new. Failures of the last five minutes count, as far as Swarm keeps
    them (five tasks a slot).
    """
    mine = contents(sight, stack)
    failures = _failures(mine, frozenset())
    recent = {t.id for t in mine.tasks if _age(t.since, sight) <= _RECENT_SECONDS}
    ages = {task.id: _age(task.since, sight) for task in mine.tasks}
    idle = _idle_slots(mine.tasks)
    youngest = {
        slot: min(ages[t.id] for t in mine.tasks if (t.service_id, t.slot) == slot) for slot in idle
    }
    changed = min((_age(service.changed, sight) for service in mine.services), default=0.0)
    return History(
        began=sight.at - changed,
        failures=tuple(failure for failure in failures if failure.task_id in recent),
        since=MappingProxyType({(t.id, t.state): sight.at - ages[t.id] for t in mine.tasks}),
        idle_since=MappingProxyType({slot: sight.at - age for slot, age in youngest.items()}),
    )


def _age(since: float | None, sight: Sight) -> float:
    """Return how long ago `since` was by the clock of the manager that was asked, in seconds."""
    if since is None or sight.info.time is None:
        return 0.0
    return max(0.0, sight.info.time - since)


def remember(history: History, stack: str, sight: Sight) -> History:
    """Return the history with one more look folded in."""
    mine = contents(sight, stack)
    known = {failure.task_id for failure in history.failures} | history.before
    fresh = _failures(mine, known)
    since = {
        (task.id, task.state): history.since.get((task.id, task.state), sight.at)
        for task in mine.tasks
    }
    idle = {slot: history.idle_since.get(slot, sight.at) for slot in _idle_slots(mine.tasks)}
    return History(
        began=history.began,
        before=history.before,
        failures=history.failures + fresh,
        since=MappingProxyType(since),
        idle_since=MappingProxyType(idle),
    )


def _failures(mine: Contents, known: AbstractSet[str]) -> tuple[Failure, ...]:
    jobs = {service.id for service in mine.services if service.mode in JOBS}
    return tuple(
        Failure(
            service_id=task.service_id,
            slot=task.slot,
            task_id=task.id,
            verb=_VERBS[task.state],
            words=_ENDED if task.state is TaskState.COMPLETE else task.error or task.message,
            rejected=task.state is TaskState.REJECTED,
        )
        for task in mine.tasks
        if task.state in _VERBS
        and not (task.state is TaskState.COMPLETE and task.service_id in jobs)
        and task.id not in known
        and task.up_to_date
    )


def _idle_slots(tasks: tuple[Task, ...]) -> frozenset[tuple[str, str]]:
    every = {(task.service_id, task.slot) for task in tasks}
    alive = {
        (task.service_id, task.slot)
        for task in tasks
        if not task.state.terminal and task.desired <= TaskState.RUNNING
    }
    return frozenset(every - alive)
