"""Hears everything that an operator asks of the fleet and is told, without being the engine.

    backend = Witnessed(backend, life, clerk)

A life is one process of dtdeploy: it has a name on the fleet, a session on its lock and a journal.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.ports import Backend
from orchestrator.fleet.observed import Sight
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, StepKind
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    DeployStack,
    Effect,
    Examination,
    Examine,
    Mutation,
    Observe,
    PullImages,
    PullOnNodes,
    RemoveLeftovers,
    RemoveServices,
    Result,
    ShipRelease,
)
from orchestrator.procedures.told import News
from orchestrator.sources.model import Sourced

Key = tuple[str, str]
"""An effect's kind and what it is about, as a journal's entry names them."""
Place = tuple[str, str, str]
"""(site, name, digest) of a release."""
_RECENT_SECONDS = 90.0
_READ_SECONDS = 16.0


@dataclass(slots=True, kw_only=True)
class Life:
    """One process, as it can be seen from outside.

    `entries` returns its journal as it stands; what is there at the beginning was written by
    somebody else. `releases` are what its plan deploys, `former` what a way back would.
    """

    name: str
    session: str
    entries: Callable[[], list[Entry]]
    read: int = 0
    run: str = ""
    releases: frozenset[Place] = frozenset()
    former: Mapping[Unit, Place] = field(default_factory=dict)
    accepted: frozenset[Unit] = frozenset()
    lost: frozenset[str] = frozenset()
    """Tasks that its plan takes for gone as long as nobody can see their node."""
    by_hand: bool = False
    """A person announced it."""
    intents: Counter[Key] = field(default_factory=Counter)
    answered: Counter[Key] = field(default_factory=Counter)
    looked: dict[str, int] = field(default_factory=dict)
    """For each site, when the last look that was answered set out, by the clerk's count."""
    decided: dict[Key, float] = field(default_factory=dict)
    """When each kind of effect was last asked for."""
    to_examine: frozenset[str] = frozenset()
    """The sites that its plan wants examined before anything is touched."""
    examined: set[str] = field(default_factory=set)
    trips: list[tuple[float, float]] = field(default_factory=list)
    """When answers came, and how long each was on its way."""

    def carries(
        self, run: str, plan: Plan, sourced: Mapping[Unit, Sourced], former: Mapping[Unit, Sourced]
    ) -> None:
        """Say what it is about to carry out."""
        self.run = run
        deployed = {p.unit for p in plan.units if p.action in (Action.RESTART, Action.UP)}
        self.releases = frozenset(_place(u, s) for u, s in sourced.items() if u in deployed)
        self.former = {u: _place(u, s) for u, s in former.items()}
        self.accepted, self.lost = plan.accepted, plan.lost_tasks
        self.by_hand = bool(plan.notice.announced)
        examined = (step.site for step in plan.steps if step.kind is StepKind.EXAMINE)
        self.to_examine = frozenset(examined)

    def intended(self, key: Key) -> int:
        """Return how often its journal says that it means to do `key`."""
        entries = self.entries()
        for entry in entries[self.read :]:
            if entry.kind is EntryKind.INTENDED:
                self.intents[_key_of(entry)] += 1
        self.read = len(entries)
        return self.intents[key]

    def pace(self, now: float) -> float:
        """Return how long its questions took at worst of late, in seconds.

        One that took longer than any answer may was asked by a process that stood still.
        """
        late = (took for at, took in self.trips if now - at < _RECENT_SECONDS)
        return min(max(late, default=0.0), _READ_SECONDS)


def _place(unit: Unit, sourced: Sourced) -> Place:
    return unit.site, sourced.release.name, sourced.release.digest


def _key_of(entry: Entry) -> Key:
    body = entry.body
    assert isinstance(body, Mapping)
    return str(body["effect"]), str(body.get("unit") or body.get("site"))


def key_of(effect: Mutation) -> Key:
    """Return how a journal would name `effect`."""
    match effect:
        case ShipRelease():
            about = str(effect.release.unit)
        case PullImages() | PullOnNodes():
            about = effect.site
        case RemoveServices() | RemoveLeftovers() | DeployStack():
            about = str(effect.unit)
        case Announce():
            about = effect.site
    return type(effect).__name__, about


@dataclass(slots=True)
class Clerk:
    """Counts what all lives ask and are told, and holds S4 against each of them."""

    violations: list[str]
    count: int = 0
    last_of: dict[Unit, int] = field(default_factory=dict)
    """When an effect on a unit was last sent or answered, whoever sent it."""
    before: dict[Unit, int] = field(default_factory=dict)
    """The same, without the one that was sent last."""
    swarms: dict[str, str] = field(default_factory=dict)
    """The id of the Swarm that was seen at each site."""

    def sends(self, life: Life, effect: Mutation, now: float) -> None:
        """Hold against `life` that it sends `effect`."""
        key = key_of(effect)
        # Of later news the lock alone tells where a journal is full: people hear all the same.
        in_lock = isinstance(effect, Announce) and effect.news is not News.BEFORE
        if life.intended(key) <= life.answered[key] and not in_lock:
            self._say(now, f"{life.name} sends {key} without a durable intent")
        if isinstance(effect, RemoveServices | RemoveLeftovers | DeployStack):
            unit = effect.unit
            if life.looked.get(unit.site, 0) <= self.last_of.get(unit, 0):
                self._say(now, f"{life.name} sends {key} and did not look since the last effect")
            self.count += 1
            self.before[unit] = self.last_of.get(unit, 0)
            self.last_of[unit] = self.count

    def hears(self, life: Life, effect: Effect, asked: int, answer: object) -> None:
        """Take in that `effect`, which set out at count `asked`, is answered."""
        self.count += 1
        if isinstance(effect, Observe) and isinstance(answer, Sight):
            life.looked[effect.site] = max(asked, life.looked.get(effect.site, 0))
            found = answer.info.cluster_id
            if self.swarms.setdefault(effect.site, found) != found:
                words = f"{life.name} is shown {found} as the Swarm of {effect.site}"
                self.violations.append(f"{answer.at:.2f}: another Swarm: {words}")
        elif isinstance(effect, Examine) and isinstance(answer, Examination):
            life.examined.add(effect.site)
        elif isinstance(effect, Mutation) and isinstance(answer, Answer):
            if answer.result is Result.LATE:
                self._never_sent(effect)
                return
            life.answered[key_of(effect)] += 1
            if isinstance(effect, RemoveServices | RemoveLeftovers | DeployStack):
                unsent = answer.result is Result.FAILED and answer.problem is not None
                self.last_of[effect.unit] = (
                    self.before.get(effect.unit, 0) if unsent else self.count
                )

    def _never_sent(self, effect: Mutation) -> None:
        if isinstance(effect, RemoveServices | RemoveLeftovers | DeployStack):
            self.last_of[effect.unit] = self.before.get(effect.unit, 0)

    def _say(self, now: float, words: str) -> None:
        self.violations.append(f"{now:.2f}: S4: {words}")


class Witnessed:
    """A backend of which every question and answer is heard."""

    def __init__(self, backend: Backend, life: Life, clerk: Clerk) -> None:
        self._backend = backend
        self._life = life
        self._clerk = clerk
        self._asked: dict[int, tuple[Effect, int, float]] = {}

    def now(self) -> float:
        """Return the backend's time."""
        return self._backend.now()

    def submit(self, token: int, effect: Effect) -> None:
        """Send `effect`; it is judged at the moment it was asked for, however long that takes."""
        now = self._backend.now()
        self._clerk.count += 1
        self._asked[token] = (effect, self._clerk.count, now)
        if isinstance(effect, Mutation):
            self._clerk.sends(self._life, effect, now)
            self._life.decided[key_of(effect)] = now
        self._backend.submit(token, effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Wait as the backend does."""
        happened = self._backend.wait(until)
        if happened is not None and happened[0] in self._asked:
            effect, asked, at = self._asked.pop(happened[0])
            now = self._backend.now()
            self._life.trips.append((now, now - at))
            self._clerk.hears(self._life, effect, asked, happened[1])
        return happened
