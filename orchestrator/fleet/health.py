"""Is a unit healthy? Docker's own `1/1` counts tasks that are about to die; this does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orchestrator.fleet.desired import DesiredService, DesiredStack, Policy
from orchestrator.fleet.facts import tagged
from orchestrator.fleet.history import Failure, History
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

    def __str__(self) -> str:
        where = "/".join(part for part in (self.service, self.task) if part)
        return f"{where}{f' on {self.node}' if self.node else ''}: {self.words}".lstrip(": ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The verdict on a unit, with its evidence.

    `running` of `expected` tasks are up; `stable_seconds` is how long the youngest of them
    has been seen running.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    running: int = 0
    expected: int = 0
    stable_seconds: float = 0.0

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
        has its up-to-date task running on a node that is ready; UNHEALTHY when a cause is
        final; else PENDING; UNKNOWN when the Swarm cannot be seen.

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
    youngest = min((history.in_state_seconds(task, look.at) for task in up), default=0.0)
    return Health(
        verdict=verdict,
        reasons=reasons,
        running=len(up),
        expected=judged.expected_tasks(),
        stable_seconds=youngest if verdict is Verdict.HEALTHY else 0.0,
    )


def update_failed(service: Service) -> bool:
    """Whether Docker stopped an update of `service` or took it back, and waits for somebody."""
    return service.update_state in _FAILED_UPDATES


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
            elif wanted.mode is Mode.GLOBAL and service is not None:
                total += len(_wanted_running(self.tasks(service)))
        return total

    def reasons(self) -> Iterator[Reason]:
        names = {self.desired.service_name(wanted) for wanted in self.desired.services}
        for extra in sorted(set(self.observed()) - names):
            yield Reason(service=extra, words="is running but not declared", final=True)
        for wanted, service in self.pairs():
            name = self.desired.service_name(wanted)
            if service is None:
                yield Reason(service=name, words="does not exist", final=True)
            else:
                yield from self.service_reasons(wanted, service)

    def service_reasons(self, wanted: DesiredService, service: Service) -> Iterator[Reason]:
        if update_failed(service):
            words = f"update {service.update_state}: {service.update_message}".rstrip(": ")
            yield Reason(service=service.name, words=words, final=True)
        elif service.update_state == "updating":
            yield Reason(service=service.name, words="an update is under way")
        tasks = self.tasks(service)
        if wanted.mode in (Mode.REPLICATED_JOB, Mode.GLOBAL_JOB):
            yield from self.job_reasons(wanted, service, tasks)
        elif wanted.mode is Mode.GLOBAL:
            yield from self.global_reasons(service, tasks)
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
        if len(up) >= wanted.replicas:
            # Slots beyond the number wanted are the history of a former, larger scale.
            return
        slots = {task.slot for task in tasks if task.up_to_date} - up
        for slot in sorted(slots):
            yield self.slot_reason(service, slot, tasks)
        if not slots:
            words = f"{len(up)} of {wanted.replicas} tasks exist"
            yield Reason(service=service.name, words=words)

    def global_reasons(self, service: Service, tasks: tuple[Task, ...]) -> Iterator[Reason]:
        wanted = _wanted_running(tasks)
        if not wanted:
            final = self.sight.at - self.history.began > _IDLE_SECONDS
            yield Reason(service=service.name, words="no node is eligible for it", final=final)
        for task in wanted:
            if not self.is_up(task):
                yield self.slot_reason(service, task.slot, tasks)

    def job_reasons(
        self, wanted: DesiredService, service: Service, tasks: tuple[Task, ...]
    ) -> Iterator[Reason]:
        current = tuple(task for task in tasks if task.up_to_date)
        complete = [task for task in current if task.state is TaskState.COMPLETE]
        needed = wanted.replicas if wanted.mode is Mode.REPLICATED_JOB else max(len(current), 1)
        if len(complete) < needed:
            failed = [slot for slot in {t.slot for t in current} if self.looping(service, slot)]
            words = f"{len(complete)} of {needed} runs complete"
            yield Reason(service=service.name, words=words, final=bool(failed))

    def looping(self, service: Service, slot: str) -> bool:
        return len(self.history.failures_in(service.id, slot)) >= self.policy.failures

    def slot_reason(self, service: Service, slot: str, tasks: tuple[Task, ...]) -> Reason:
        failures = self.history.failures_in(service.id, slot)
        failed = _failed(failures) if failures else ""
        name = service.name
        if failures and (self.looping(service, slot) or _no_image(failures[-1])):
            return Reason(service=name, task=slot, words=failed, final=True)
        idle = self.history.idle_since.get((service.id, slot))
        if idle is not None and self.sight.at - idle >= _IDLE_SECONDS:
            return Reason(service=name, task=slot, words=_ended(slot, tasks), final=True)
        if failures:
            return Reason(service=name, task=slot, words=failed)
        here = [t for t in tasks if t.slot == slot and t.up_to_date and not t.state.terminal]
        if not here:
            return Reason(service=name, task=slot, words="no task runs yet")
        return self.waiting_reason(service, min(here, key=lambda task: task.desired))

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


def _ended(slot: str, tasks: tuple[Task, ...]) -> str:
    last = [task for task in tasks if task.slot == slot]
    said = next((task.error or task.message for task in last if task.error or task.message), "")
    return f"ended and is not started again{f': {said}' if said else ''}"
