"""The plan: what will be done, in which order and why. Data, all of it printable."""

from dataclasses import dataclass, field
from enum import Enum

from orchestrator.fleet.drift import Change
from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.fleet.usage import Use
from orchestrator.planning.notice import NO_NOTICE, Notice
from orchestrator.planning.risk import Risk
from orchestrator.sources.span import Span


class Command(Enum):
    """What was asked for."""

    RESTART = "restart"
    UP = "up"
    DOWN = "down"
    DEPLOY = "deploy"
    """Bring there what has changed, and nothing else."""
    VERIFY = "verify"
    ROLLBACK = "rollback"
    """Back to what ran before another run."""


class StepKind(Enum):
    """What a step does, in the order they usually come."""

    EXAMINE = "examine"
    """Preflight of a site; changes nothing."""
    PREPARE = "prepare"
    """Ship releases and pull images; nothing that runs is touched."""
    GATE = "gate"
    """A point that many steps wait for together; does nothing itself."""
    ANNOUNCE = "announce"
    """Announce what goes down, and wait as long as notice is given; nothing is touched before."""
    REMOVE = "remove"
    DEPLOY = "deploy"
    """Deploy and wait until healthy, probes included."""
    SETTLE = "settle"
    """Watch that the same tasks keep running; nothing waits for it but the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of the plan's graph. `needs` are the ids of the steps that must be done first.

    `wait_seconds` is the longest it may take before it fails, naming what it waited for.
    """

    id: str
    kind: StepKind
    site: str
    unit: Unit | None = None
    needs: tuple[str, ...] = ()
    reason: str = ""
    wait_seconds: float = 0.0


class Action(Enum):
    """What happens to a unit."""

    RESTART = "restart"
    UP = "up"
    UPDATE = "update"
    """Deployed over what runs."""
    DOWN = "down"
    KEEP = "keep"

    @property
    def removes(self) -> bool:
        """Whether what runs is taken down."""
        return self in (Action.RESTART, Action.DOWN)

    @property
    def deploys(self) -> bool:
        """Whether the unit is deployed."""
        return self in (Action.RESTART, Action.UP, Action.UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was observed of a unit when the plan was made.

    `revision`, and `release` (the digest of its files), are "" when no dtdeploy deployed what
    runs; "mixed" when services disagree.
    """

    presence: Presence
    verdict: Verdict | None = None
    running: int = 0
    expected: int = 0
    revision: str = ""
    services: tuple[str, ...] = ()
    """Short names of the services that exist."""
    images: tuple[tuple[str, str], ...] = ()
    """By short name, the image of each, pinned to a digest where the Swarm has it so."""
    words: tuple[str, ...] = ()
    release: str = ""
    finished: tuple[str, ...] = ()
    """Short names of the services that have done what they are for, so that none runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """What happens to one unit, from what to what, and why it is in the plan at all.

    `commands` are the plain docker commands that it amounts to, for a reader's eye.
    """

    unit: Unit
    action: Action
    reason: str
    before: Before
    after: Revision | None = None
    compose: str = ""
    services: tuple[str, ...] = ()
    dependents: tuple[Unit, ...] = ()
    dependencies: tuple[Unit, ...] = ()
    commands: tuple[str, ...] = ()
    remove_seconds: float = 0.0
    healthy_seconds: float = 0.0
    dangers: tuple[str, ...] = ()
    drift: tuple[Change, ...] = ()
    """Where what runs differs from what is to run, the most important first."""
    images: tuple[tuple[str, str], ...] = ()
    """By service, the image that is deployed: pinned to a digest where one is known."""
    release: str = ""
    """The digest of the files that are deployed, by which a manager's copy of them is known."""
    gaps: tuple[str, ...] = ()
    """Services of which no task runs for a moment, although the unit does not go down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untouched:
    """A unit or site that the plan leaves alone, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A unit that the plan would act on, had its site not been left out; it becomes owed.

    `accepted`: nobody can tell whether it runs, and it does not block a removal all the same.
    """

    unit: Unit
    reason: str
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTask:
    """A task that was last seen on a node that nobody can see; `name` is `service.slot`."""

    id: str
    unit: Unit
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LostNode:
    """A node that nobody can see, where something was last seen that has to be gone first.

    `name` is `NODE@SITE`. `accepted`: somebody answers for it, and these tasks count as gone as
    long as the node is not ready; any other task there does not.
    """

    name: str
    state: str
    tasks: tuple[LostTask, ...]
    accepted: bool = False

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units whose tasks they are, sorted."""
        return tuple(sorted({task.unit for task in self.tasks}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Which freezes and guards somebody chose not to heed, and why."""

    freeze: bool = False
    guards: tuple[str, ...] = ()
    because: str = ""


NO_OVERRIDE = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it. `selection` is the request in words, as it would be typed."""

    command: Command
    selection: str
    coordinator: str
    revisions: tuple[Revision, ...]
    units: tuple[UnitPlan, ...]
    steps: tuple[Step, ...]
    untouched: tuple[Untouched, ...] = ()
    dangers: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    """Sites that the plan has to see and that could not be observed, each with the reason."""
    left_out: tuple[LeftOut, ...] = ()
    because: str = ""
    """Why something was left out."""
    spans: tuple[Span, ...] = ()
    """The commits between what runs and what is to run."""
    risk: Risk = field(default_factory=Risk)
    no_way_back: tuple[str, ...] = ()
    """What carrying it out does that no rollback undoes."""
    frozen: tuple[Frozen, ...] = ()
    guards: tuple[GuardAnswer, ...] = ()
    override: Override = field(default_factory=Override)
    notice: Notice = NO_NOTICE
    uses: tuple[Use, ...] = ()
    """What its units use of other units, and so depend on, although no `depends_on` says so."""
    lost: tuple[LostNode, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is not as it should be, and does not stop the run."""

    @property
    def announces(self) -> bool:
        """Whether it takes something down that has to be announced first."""
        return any(step.kind is StepKind.ANNOUNCE for step in self.steps)

    @property
    def accepted(self) -> frozenset[Unit]:
        """The units whose unknown presence does not block a removal."""
        return frozenset(item.unit for item in self.left_out if item.accepted)

    @property
    def lost_tasks(self) -> frozenset[str]:
        """The ids of tasks that count as gone while nobody can see their node."""
        return frozenset(task.id for node in self.lost if node.accepted for task in node.tasks)

    @property
    def blocked(self) -> bool:
        """Whether it has to be refused: a node is lost, and nobody answers for it."""
        return any(not node.accepted for node in self.lost)

    def unit(self, unit: Unit) -> UnitPlan:
        """Return what happens to `unit` (KeyError if it is not in the plan)."""
        return {planned.unit: planned for planned in self.units}[unit]

    @property
    def changes(self) -> bool:
        """Whether carrying it out would change anything."""
        return any(planned.action is not Action.KEEP for planned in self.units)
