"""Is a unit healthy? Docker's own `1/1` counts tasks that are about to die; this does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orchestrator.fleet.desired import DesiredService, DesiredStack, Policy
from orchestrator.fleet.facts import tagged
from orchestrator.fleet.history import JOBS, Failure, History
from orchestrator.fleet.observed import (
    Contents,
    Look,
    Mode,
    Node,
    NodeState,
    Service,
    Sight,
    Task,
    TaskState,
    Unseen,
    contents,
)
from orchestrator.fleet.platforms import listed, unsupported, usable
from orchestrator.fleet.presence import blindness

_FAILED_UPDATES = frozenset({"paused", "rollback_started", "rollback_paused", "rollback_completed"})
# A rejection with one of these does not go away by trying again.
_NO_IMAGE = (
    "no such image",
    "pull access denied",
    "manifest unknown",
    "repository does not exist",
    "no matching manifest for",
)
_BROKEN = frozenset({TaskState.FAILED, TaskState.REJECTED})
_IDLE_SECONDS = 10.0
"""Twice Swarm's default restart delay (swarmkit api/defaults): a slot idle that long is dead."""
_NO_ADDRESS_SECONDS = 15.0
"""A task that stays `new` this long without a word got no network address (swarmkit#3230)."""


class Verdict(Enum):
    """PENDING may still become HEALTHY; UNHEALTHY will not without help; UNKNOWN is unseen."""

    HEALTHY = "healthy"
    PENDING = "pending"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a unit is not healthy: the service, task and node, and Docker's own words."""

    words: str
    service: str = ""
    task: str = ""
    node: str = ""
    final: bool = False
    over: bool = False
    """Docker starts nothing there any more, whatever is waited: only a new try does."""

    def __str__(self) -> str:
        where = "/".join(part for part in (self.service, self.task) if part)
        return f"{where}{f' on {self.node}' if self.node else ''}: {self.words}".lstrip(": ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The verdict on a unit, with its evidence.

    `running` of `expected` tasks are up; `stable_seconds` is how long the youngest of them
    has been seen running. `finished` are services, by their short names, that have done what they
    are for: nothing of them is expected to run any more.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    running: int = 0
    expected: int = 0
    stable_seconds: float = 0.0
    finished: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether dependents may start."""
        return self.verdict is Verdict.HEALTHY


def judge(desired: DesiredStack, look: Look, history: History, policy: Policy) -> Health:
    """Judge the health of a unit, probes not included.

    Args:
        desired: the services that must be there, exactly.
        look: the latest look at the unit's site.
        history: what was seen of its tasks until now, that look folded in.
        policy: how many failures are a crash loop, how long a missing node may last.

    Returns:
        HEALTHY when every service exists, no update is under way or failed, and each slot
        has its up-to-date task running on a node that is ready, or is finished; UNHEALTHY when
        a cause is final; else PENDING; UNKNOWN when the Swarm cannot be seen.

    """
    if isinstance(look, Unseen):
        return Health(verdict=Verdict.UNKNOWN, reasons=(Reason(words=look.problem.what),))
    if blind := blindness(look):
        return Health(verdict=Verdict.UNKNOWN, reasons=(Reason(words=blind),))
    judged = _Judged(desired=desired, sight=look, history=history, policy=policy)
    reasons = tuple(judged.reasons())
    verdict = Verdict.HEALTHY
    if reasons:
        final = any(reason.final for reason in reasons)
        verdict = Verdict.UNHEALTHY if final else Verdict.PENDING
    up = judged.up_tasks()
    watched = look.at - history.began
    youngest = min((history.in_state_seconds(task, look.at) for task in up), default=watched)
    return Health(
        verdict=verdict,
        reasons=reasons,
        running=len(up),
        expected=judged.expected_tasks(),
        stable_seconds=youngest if verdict is Verdict.HEALTHY else 0.0,
        finished=judged.finished(),
    )


def updates_failed(desired: DesiredStack, sight: Sight, policy: Policy) -> tuple[str, ...]:
    """Return the services whose update Docker stopped or took back; it waits for somebody.

    One that finished is none of them: Docker calls its end an early termination.
    """
    judged = _Judged(desired=desired, sight=sight, history=History(began=sight.at), policy=policy)
    return tuple(
        service.name
        for wanted, service in judged.pairs()
        if service is not None and judged.update_failed(wanted, service)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    desired: DesiredStack
    sight: Sight
    history: History
    policy: Policy

    @property
    def mine(self) -> Contents:
        return contents(self.sight, self.desired.unit.stack)

    def observed(self) -> dict[str, Service]:
        return {service.name: service for service in self.mine.services}

    def pairs(self) -> Iterator[tuple[DesiredService, Service | None]]:
        observed = self.observed()
        for wanted in self.desired.services:
            yield wanted, observed.get(self.desired.service_name(wanted))

    def tasks(self, service: Service) -> tuple[Task, ...]:
        return tuple(task for task in self.mine.tasks if task.service_id == service.id)

    def node(self, task: Task) -> Node | None:
        return next((node for node in self.sight.nodes if node.id == task.node_id), None)

    def up_tasks(self) -> tuple[Task, ...]:
        return tuple(
            task
            for _, service in self.pairs()
            if service is not None
            for task in self.tasks(service)
            if self.is_up(task)
        )

    def is_up(self, task: Task) -> bool:
        node = self.node(task)
        return (
            task.state is TaskState.RUNNING
            and task.desired is TaskState.RUNNING
            and task.up_to_date
            and node is not None
            and node.state is NodeState.READY
        )

    def expected_tasks(self) -> int:
        total = 0
        for wanted, service in self.pairs():
            if wanted.mode is Mode.REPLICATED:
                total += wanted.replicas
                total -= 0 if service is None else len(self.finished_slots(wanted, service))
            elif wanted.mode is Mode.GLOBAL and service is not None:
                total += len(_wanted_running(self.tasks(service)))
        return total

    def finished(self) -> tuple[str, ...]:
        return tuple(
            wanted.name
            for wanted, service in self.pairs()
            if service is not None and self.is_finished(wanted, service)
        )

    def is_finished(self, wanted: DesiredService, service: Service) -> bool:
        """Whether all that the service is for is done: nothing of it will run any more."""
        if wanted.mode in JOBS:
            done, needed = _runs(wanted, service, self.tasks(service))
            return done >= needed
        ended = self.finished_slots(wanted, service)
        if wanted.mode is Mode.GLOBAL:
            return bool(ended) and not _wanted_running(self.tasks(service))
        return len(ended) >= wanted.replicas > 0

    def finished_slots(self, wanted: DesiredService, service: Service) -> frozenset[str]:
        """Return the slots whose task ended with 0 and was meant to, and is the last of its slot.

        Docker itself never starts one again whose restart condition is none (swarmkit
        manager/orchestrator/restart, shouldRestart).
        """
        meant = wanted.name in self.policy.finishes or _condition(service) == "none"
        tasks = self.tasks(service) if meant else ()
        last = {slot: last_of(tasks, slot) for slot in {task.slot for task in tasks}}
        return frozenset(
            slot
            for slot, task in last.items()
            if task is not None and task.state is TaskState.COMPLETE
        )

    def update_failed(self, wanted: DesiredService, service: Service) -> bool:
        return service.update_state in _FAILED_UPDATES and not self.is_finished(wanted, service)

    def reasons(self) -> Iterator[Reason]:
        names = {self.desired.service_name(wanted) for wanted in self.desired.services}
        if not names and not self.observed():
            yield Reason(words="has no service", final=True)
        for extra in sorted(set(self.observed()) - names):
            yield Reason(service=extra, words="is running but not declared", final=True)
        for wanted, service in self.pairs():
            name = self.desired.service_name(wanted)
            if service is None:
                yield Reason(service=name, words="does not exist", final=True)
            else:
                yield from self.service_reasons(wanted, service)

    def service_reasons(self, wanted: DesiredService, service: Service) -> Iterator[Reason]:
        if self.update_failed(wanted, service):
            words = f"update {service.update_state}: {service.update_message}".rstrip(": ")
            yield Reason(service=service.name, words=words, final=True)
        elif service.update_state == "updating":
            yield Reason(service=service.name, words="an update is under way")
        tasks = self.tasks(service)
        if wanted.mode in JOBS:
            yield from self.job_reasons(wanted, service, tasks)
        elif wanted.mode is Mode.GLOBAL:
            yield from self.global_reasons(wanted, service, tasks)
        else:
            yield from self.replicated_reasons(wanted, service, tasks)
        for task in tasks:
            if not task.up_to_date and task.state is TaskState.RUNNING:
                words = "a task of the former specification still runs"
                yield Reason(service=service.name, task=task.slot, words=words)

    def replicated_reasons(
        self, wanted: DesiredService, service: Service, tasks: tuple[Task, ...]
    ) -> Iterator[Reason]:
        if service.replicas != wanted.replicas:
            words = f"is scaled to {service.replicas}, declared are {wanted.replicas}"
            yield Reason(service=service.name, words=words, final=True)
            return
        up = {task.slot for task in tasks if self.is_up(task)}
        up |= self.finished_slots(wanted, service)
        if len(up) >= wanted.replicas:
            # Slots beyond the number wanted are the history of a former, larger scale.
            return
        slots = {task.slot for task in tasks if task.up_to_date} - up
        for slot in sorted(slots):
            yield self.slot_reason(service, slot, tasks)
        if not slots:
            words = f"{len(up)} of {wanted.replicas} tasks exist"
            yield Reason(service=service.name, words=words)

    def global_reasons(
        self, wanted: DesiredService, service: Service, tasks: tuple[Task, ...]
    ) -> Iterator[Reason]:
        alive = _wanted_running(tasks)
        finished = self.finished_slots(wanted, service)
        over = {task.slot for task in tasks if last_of(tasks, task.slot)} - finished
        if not alive and not finished and not over:
            final = self.sight.at - self.history.began > _IDLE_SECONDS
            yield Reason(service=service.name, words="no node is eligible for it", final=final)
        for slot in sorted(over):
            yield self.slot_reason(service, slot, tasks)
        for task in alive:
            if not self.is_up(task):
                yield self.slot_reason(service, task.slot, tasks)

    def job_reasons(
        self, wanted: DesiredService, service: Service, tasks: tuple[Task, ...]
    ) -> Iterator[Reason]:
        complete, needed = _runs(wanted, service, tasks)
        if complete >= needed:
            return
        words = f"{complete} of {needed} runs complete"
        current = _iteration(service, tasks)
        for slot in sorted({task.slot for task in current}):
            last = last_of(current, slot)
            if last is not None and last.state in _BROKEN and _never_again(service, last):
                yield _over_reason(service, last)
                return
        failed = [slot for slot in {t.slot for t in current} if self.looping(service, slot)]
        yield Reason(service=service.name, words=words, final=bool(failed))

    def looping(self, service: Service, slot: str) -> bool:
        return len(self.history.failures_in(service.id, slot)) >= self.policy.failures

    def slot_reason(self, service: Service, slot: str, tasks: tuple[Task, ...]) -> Reason:
        failures = self.history.failures_in(service.id, slot)
        failed = _failed(failures) if failures else ""
        name = service.name
        last = last_of(tasks, slot)
        if last is not None and _never_again(service, last):
            return _over_reason(service, last)
        if failures and (self.looping(service, slot) or _no_image(failures[-1])):
            return Reason(service=name, task=slot, words=failed, final=True)
        if last is not None and self.idle_long(service, slot):
            return _over_reason(service, last)
        if failures:
            return Reason(service=name, task=slot, words=failed)
        here = [t for t in tasks if t.slot == slot and t.up_to_date and not t.state.terminal]
        if not here:
            return Reason(service=name, task=slot, words="no task runs yet")
        return self.waiting_reason(service, min(here, key=lambda task: task.desired))

    def idle_long(self, service: Service, slot: str) -> bool:
        idle = self.history.idle_since.get((service.id, slot))
        return idle is not None and self.sight.at - idle >= _IDLE_SECONDS

    def waiting_reason(self, service: Service, task: Task) -> Reason:
        node = self.node(task)
        host = node.hostname if node else ""
        waited = self.history.in_state_seconds(task, self.sight.at)
        words = task.error or task.state.name.lower()
        final = False
        if unsupported(task.error):
            words, final = self.platform_words(service, task), True
        elif "no suitable node" in task.error:
            final = waited >= self.policy.no_node_seconds
        elif task.state is TaskState.NEW and waited >= _NO_ADDRESS_SECONDS:
            words = "stays new: its network has no free address (docker network inspect ingress)"
            final = waited >= self.policy.no_node_seconds
        elif node is not None and node.state is not NodeState.READY:
            words = f"its node is {node.state.value}"
        return Reason(service=service.name, task=task.slot, node=host, words=words, final=final)

    def platform_words(self, service: Service, task: Task) -> str:
        there = listed(usable(self.sight.nodes))
        return (
            f"image {tagged(task.image)} is for {listed(service.platforms)}, the nodes are {there}"
            f": {task.error}"
        )


def _wanted_running(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(t for t in tasks if t.up_to_date and t.desired is TaskState.RUNNING)


def _failed(failures: tuple[Failure, ...]) -> str:
    times = f" {len(failures)} times" if len(failures) > 1 else ""
    return f"{failures[-1].verb}{times}: {failures[-1].words}"


def _no_image(failure: Failure) -> bool:
    return failure.rejected and any(words in failure.words.lower() for words in _NO_IMAGE)


def last_of(tasks: tuple[Task, ...], slot: str) -> Task | None:
    """Return the task that ended last in a slot where nothing of the present spec lives any more.

    None where something does, or Docker has yet to decide about what ended: it starts the next
    task in the moment in which it wants no more of the last (swarmkit restart.go, Restart). Of a
    job, tasks that ended stay wanted.
    """
    mine = [task for task in tasks if task.slot == slot and task.up_to_date]
    if not mine or any(not _is_over(task) for task in mine):
        return None
    return max(mine, key=lambda task: task.since or 0.0)


def _is_over(task: Task) -> bool:
    return task.state.terminal and task.desired >= TaskState.COMPLETE


def _never_again(service: Service, last: Task) -> str:
    """Return what in a service's restart policy says that its last task is followed by none.

    "" where nothing does. How it ended counts (swarmkit manager/orchestrator/restart, in
    shouldRestart); once there are none left of a number of attempts, no task follows either.
    """
    condition, attempts = _condition(service), service.restart("attempts", "")
    clean = last.state is TaskState.COMPLETE
    if condition == "none" or (clean and condition == "on-failure"):
        return f"restart condition {condition}"
    return f"restart attempts {attempts}" if attempts and (clean or last.state in _BROKEN) else ""


def _over_reason(service: Service, last: Task) -> Reason:
    clean = last.state is TaskState.COMPLETE
    policy = _never_again(service, last)
    words = "ended with exit code 0" if clean else _broke(last)
    words += f", and is not started again{f' ({policy})' if policy else ''}"
    if clean:
        short = service.name.removeprefix(f"{service.stack}_")
        words += f"; if it is meant to end: finishes: [{short}] in stacks/{service.stack}.yaml"
    return Reason(service=service.name, task=last.slot, words=words, final=True, over=True)


def _condition(service: Service) -> str:
    return service.restart("condition", "any")


def _iteration(service: Service, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """Return a job's tasks of its latest run: those of former ones are of the same spec."""
    latest = service.job_iteration
    return tuple(t for t in tasks if t.up_to_date and latest in (None, t.job_iteration))


def _runs(wanted: DesiredService, service: Service, tasks: tuple[Task, ...]) -> tuple[int, int]:
    """Return how many tasks of a job's latest run are complete, and how many it takes."""
    current = _iteration(service, tasks)
    complete = sum(task.state is TaskState.COMPLETE for task in current)
    everywhere = max(len({task.slot for task in current}), 1)
    return complete, wanted.replicas if wanted.mode is Mode.REPLICATED_JOB else everywhere


def _broke(task: Task) -> str:
    """Say how a task ended that did not end with 0, in Docker's words."""
    verb = {TaskState.FAILED: "failed", TaskState.REJECTED: "was rejected"}
    said = task.error or task.message
    return f"{verb.get(task.state, 'ended')}{f' ({said})' if said else ''}"
