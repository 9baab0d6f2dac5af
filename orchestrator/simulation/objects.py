"""What a simulated Swarm is made of: changeable records, each able to show itself as a value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from orchestrator.fleet.desired import DesiredService
from orchestrator.fleet.facts import OF_THE_SERVICE
from orchestrator.fleet.observed import (
    Container,
    Facts,
    Mode,
    Node,
    NodeState,
    Resource,
    Service,
    Task,
    TaskState,
)
from orchestrator.simulation.behaviour import Behaviour
from orchestrator.simulation.clock import EPOCH_SECONDS

EVERYWHERE = frozenset({Mode.GLOBAL, Mode.GLOBAL_JOB})
JOBS = frozenset({Mode.REPLICATED_JOB, Mode.GLOBAL_JOB})


@dataclass(slots=True, eq=False, kw_only=True)
class SimContainer:
    """A container on a machine; `ready_at` is when it begins to answer probes."""

    id: str
    site: str
    task: "SimTask"
    state: str = "created"
    since: float = 0.0
    ended: float = 0.0
    ready_at: float = 0.0
    view: Container | None = None

    def look(self) -> Container:
        """Return it as `GET /containers/json` shows it, made anew only after a change."""
        if self.view is None or self.view.state != self.state:
            service = self.task.service
            name = f"{service.name}.{self.task.slot}.{self.task.id}"
            self.view = Container(id=self.id, name=name, stack=service.stack, state=self.state)
        return self.view


@dataclass(slots=True, eq=False, kw_only=True)
class Machine:
    """A node of a Swarm.

    `online`: the manager hears it. `awake`: its dockerd does its work. `halted`: not even its
    containers do anything. None of these ends a container.
    """

    id: str
    hostname: str
    manager: bool = False
    leads: bool = False
    state: NodeState = NodeState.READY
    availability: str = "active"
    labels: tuple[tuple[str, str], ...] = ()
    online: bool = True
    awake: bool = True
    halted: bool = False
    images: set[str] = field(default_factory=set)
    containers: dict[str, SimContainer] = field(default_factory=dict)
    tasks: dict[str, "SimTask"] = field(default_factory=dict)
    host_ports: dict[int, "SimTask"] = field(default_factory=dict)
    view: Node | None = None

    @property
    def takes_tasks(self) -> bool:
        """Whether the Swarm places new tasks on it."""
        return self.state is NodeState.READY and self.availability == "active"

    def holds(self, image: str) -> bool:
        """Tell whether the image is here, with its digest or by its name alone."""
        return image in self.images

    def keep(self, image: str) -> None:
        """Keep an image that was pulled."""
        self.images.update((image, image.partition("@")[0]))

    def look(self) -> Node:
        """Return it as `GET /nodes` shows it, made anew only after a change."""
        seen = self.view
        reach = ("reachable" if self.online else "unreachable") if self.manager else ""
        now = (self.state, self.availability, self.leads, reach)
        if seen is None or (seen.state, seen.availability, seen.leader, seen.reachability) != now:
            self.view = seen = Node(
                id=self.id,
                hostname=self.hostname,
                state=self.state,
                availability=self.availability,
                manager=self.manager,
                leader=self.leads,
                reachability=reach,
                labels=self.labels,
                platform="linux/amd64",
            )
        return seen


@dataclass(slots=True, eq=False, kw_only=True)
class SimResource:
    """A network, config or secret.

    `written_at` is when its labels were last set, in virtual time.

    A network that was deleted while tasks of the manager's own node still used it stays
    listed there until the last of them has stopped: `local_users` counts them.
    """

    id: str
    name: str
    stack: str
    version: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    data: bytes = b""
    written_at: float = 0.0
    deleted: bool = False
    local_users: int = 0
    view: Resource | None = None

    def look(self) -> Resource:
        """Return it as the list of its kind shows it: nothing of that ever changes."""
        if self.view is None:
            self.view = Resource(id=self.id, name=self.name, stack=self.stack)
        return self.view


Template = tuple[str, float, float, Facts, int]
"""What makes tasks restart when it changes: image, grace period, health check, all else, and how
often they were started anew by force."""


@lru_cache(4096)
def _of_tasks(known: Facts) -> Facts:
    return tuple(fact for fact in known if fact.kind not in OF_THE_SERVICE)


@dataclass(slots=True, eq=False, kw_only=True)
class SimService:
    """A service; `removed` once the Swarm has forgotten it, while its tasks may still run."""

    id: str
    stack: str
    desired: DesiredService
    image: str
    version: int
    labels: tuple[tuple[str, str], ...] = ()
    networks: tuple[SimResource, ...] = ()
    update_state: str = ""
    update_message: str = ""
    forced: int = 0
    """How often all its tasks were started anew although nothing of it had changed."""
    iteration: int = 0
    """Which run of a job is the latest."""
    changed: float = 0.0
    removed: bool = False
    only_pulls: bool = False
    """Its tasks are refused once their image is there, and are not replaced."""
    slots: dict[str, list["SimTask"]] = field(default_factory=dict)
    view: Service | None = None
    saw: Callable[["SimTask"], None] | None = None
    """Told of every recorded state of its tasks while an update is rolled out."""

    @property
    def name(self) -> str:
        """The full name, `stack_service`; of no stack, its own."""
        return f"{self.stack}_{self.desired.name}" if self.stack else self.desired.name

    @property
    def template(self) -> Template:
        """What its up-to-date tasks were made from."""
        desired = self.desired
        facts = _of_tasks(desired.facts)
        return (self.image, desired.grace_seconds, desired.start_seconds, facts, self.forced)

    @property
    def job(self) -> bool:
        """Whether its tasks are meant to end."""
        return self.desired.mode in JOBS

    def starts_again(self, slot: str, state: TaskState) -> bool:
        """Tell whether a task that ended so in a slot is followed by another.

        As swarmkit manager/orchestrator/restart does in shouldRestart.
        """
        says = {fact.item: fact.value for fact in self.desired.facts if fact.kind == "restart"}
        condition, most = says.get("condition", "any"), int(says.get("attempts", "0"))
        if condition == "none" or (condition == "on-failure" and state is TaskState.COMPLETE):
            return False
        tried = sum(task.template == self.template for task in self.slots[slot])
        return not most or tried <= most

    @property
    def tasks(self) -> list["SimTask"]:
        """Every task it has, slot by slot, oldest first."""
        return [task for slot in self.slots.values() for task in slot]

    def ports(self, mode: str) -> tuple[int, ...]:
        """Return the ports it publishes in `mode`, host or ingress."""
        return tuple(port.port for port in self.desired.ports if port.mode == mode)

    def look(self) -> Service:
        """Return it as `GET /services` shows it, made anew only after a change."""
        seen = self.view
        if seen is None or (seen.version, seen.update_state) != (self.version, self.update_state):
            self.view = seen = Service(
                id=self.id,
                name=self.name,
                stack=self.stack,
                version=self.version,
                mode=self.desired.mode,
                replicas=0 if self.desired.mode in EVERYWHERE else self.desired.replicas,
                grace_seconds=self.desired.grace_seconds,
                image=self.image,
                update_state=self.update_state,
                update_message=self.update_message,
                labels=self.labels,
                published=tuple((p.port, p.protocol, p.mode) for p in self.desired.ports),
                facts=self.desired.facts,
                job_iteration=self.iteration if self.job else None,
                changed=EPOCH_SECONDS + self.changed,
            )
        return seen


@dataclass(slots=True, eq=False, kw_only=True)
class SimTask:
    """A task. `state` is what the Swarm has recorded, `actual` what its node has made of it.

    The two differ while the node cannot be heard or the Swarm cannot write. `ticket` tells a
    scheduled step of its life from one that something else has overtaken.
    """

    id: str
    service: SimService
    slot: str
    template: Template
    behaviour: Behaviour
    desired: TaskState
    state: TaskState = TaskState.NEW
    actual: TaskState = TaskState.NEW
    start_at: float = 0.0
    entered: float = 0.0
    iteration: int = 0
    machine: Machine | None = None
    networks: tuple[SimResource, ...] = ()
    """Those that it joined, which may be others than its service has by now."""
    node_id: str = ""
    container: SimContainer | None = None
    error: str = ""
    exit_code: int | None = None
    stopping: bool = False
    addresses: int = 0
    leaks: bool = False
    successor: "SimTask | None" = None
    ticket: int = 0
    view: Task | None = None

    def look(self) -> Task:
        """Return it as `GET /tasks` shows it, made anew only after a change."""
        if self.view is None:
            self.view = Task(
                id=self.id,
                service_id=self.service.id,
                stack=self.service.stack,
                slot=self.slot,
                state=self.state,
                desired=self.desired,
                node_id=self.node_id,
                error=self.error,
                message=_MESSAGES[self.state],
                exit_code=self.exit_code,
                image=self.template[0],
                up_to_date=self.template == self.service.template,
                job_iteration=self.iteration if self.service.job else None,
                since=EPOCH_SECONDS + self.entered,
            )
        return self.view


_MESSAGES = {state: state.name.lower() for state in TaskState} | {
    TaskState.NEW: "created",
    TaskState.PENDING: "pending task scheduling",
    TaskState.ASSIGNED: "scheduler assigned task to node",
    TaskState.RUNNING: "started",
    TaskState.COMPLETE: "finished",
    TaskState.FAILED: "started",
    TaskState.REJECTED: "preparing",
}
