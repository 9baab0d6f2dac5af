"""The lock and the journal of one run, as the loop that carries it out needs them."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.journal import Entry, EntryKind, Journal, Json
from orchestrator.engine.journal_problems import problems_told
from orchestrator.engine.keeper import Keeper
from orchestrator.errors import JournalError, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    DeployStack,
    Mutation,
    PullImages,
    PullOnNodes,
    ReadConfig,
    RemoveLeftovers,
    RemoveServices,
    Result,
    Saw,
    ShipRelease,
    UpdateConfig,
    WriteAudit,
    site_of,
)
from orchestrator.procedures.hold import Hold, Phase
from orchestrator.procedures.told import Sent, Told, with_told, without

_PHASES = {
    StepKind.EXAMINE: Phase.PREFLIGHT,
    StepKind.PREPARE: Phase.PREPARING,
    StepKind.ANNOUNCE: Phase.ANNOUNCING,
    StepKind.REMOVE: Phase.REMOVING,
    StepKind.DEPLOY: Phase.DEPLOYING,
    StepKind.SETTLE: Phase.WATCHING,
}
_ORDER = tuple(_PHASES.values())
_TOUCHING = (StepKind.REMOVE, StepKind.DEPLOY)
_RECEIPT = 200
"""Characters that are kept of what a service said."""


class Custodian:
    """Writes down what a run means to do and what it saw, and keeps its lock telling the same.

    `wall` is the operator's clock, seconds since 1970.
    """

    def __init__(
        self,
        plan: Plan,
        keeper: Keeper,
        journal: Journal,
        wall: Callable[[], float],
        *,
        announced: AbstractSet[Unit] = frozenset(),
    ) -> None:
        """Begin to keep; `announced` are units of which it is told for how long they were down."""
        self.keeper = keeper
        self._plan = plan
        self._journal = journal
        self._wall = wall
        self._announced = announced

    def intend(self, step: Step, effect: Mutation) -> Problem | None:
        """Write an intent down; returns why it could not be, and then it must not be sent."""
        try:
            self._write(EntryKind.INTENDED, step.id, details(effect))
        except JournalError as error:
            return error.problems[0]
        if step.kind in _TOUCHING:
            self.keeper.hold = replace(self.keeper.hold, touched=True, down=self._down(effect))
        if isinstance(effect, Announce):
            self.keeper.hold = announcing(self.keeper.hold, effect, self._wall())
        return None

    def _down(self, effect: Mutation) -> tuple[tuple[Unit, float], ...]:
        """Return the units that others depend on and that are down once `effect` has acted."""
        down = dict(self.keeper.hold.down)
        if isinstance(effect, RemoveServices) and self._matters(effect.unit):
            down.setdefault(effect.unit, self._wall())
        return tuple(down.items())

    def _matters(self, unit: Unit) -> bool:
        return unit in self._announced or bool(self._plan.unit(unit).dependents)

    def saw(self, step: Step, effect: Saw) -> Problem | None:
        """Write down what became of an intended effect."""
        answer = effect.answer
        if isinstance(effect.effect, Announce):
            self.keeper.hold = told(self.keeper.hold, effect.effect, answer, self._wall())
        words = {"result": answer.result.value, "words": answer.words[:2000]}
        try:
            self._write(EntryKind.OBSERVED, step.id, {**details(effect.effect), **words})
        except JournalError as error:
            return error.problems[0]
        return None

    def audit_line(self, step: Step, effect: Mutation) -> WriteAudit:
        """Return the line that the manager of the site keeps about an effect."""
        hold = self.keeper.hold
        said = " ".join(f"{name}={value}" for name, value in details(effect).items())
        at = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        line = f"{at} run={hold.run} by={hold.holder} step={step.id!r} {said}"
        return WriteAudit(site=site_of(effect), line=line)

    def next_for_lock(self, now: float) -> ReadConfig | UpdateConfig | None:
        """Return what to send to the lock now, if anything."""
        return self.keeper.send(now, self._wall())

    def note(self, event: Event) -> None:
        """Keep the lock's labels and the journal abreast of what happens."""
        match event:
            case StepStarted():
                self._started(event.step)
            case StepDone():
                self._done(event.step)
                self._remember(event.step, "done", {"words": event.words})
            case StepFailed():
                self._remember(event.step, "failed", problems_told(event.problems))
            case StepSkipped():
                self._remember(event.step, "skipped", {"because": event.because})
            case StepStopped():
                self._remember(event.step, "stopped", {})
            case (
                StepWaits() | RunWaits() | RunStopping()
            ):  # pragma: no branch - there is no other, says mypy
                pass

    def _started(self, step: Step) -> None:
        hold = self.keeper.hold
        phase = _PHASES.get(step.kind, hold.phase)
        if hold.phase in _ORDER and _ORDER.index(phase) > _ORDER.index(hold.phase):
            self.keeper.hold = replace(hold, phase=phase)
        if step.kind is not StepKind.GATE:
            self._remember(step, "started", {})

    def _done(self, step: Step) -> None:
        hold = self.keeper.hold
        down, outages = hold.down, dict(hold.outages)
        if step.kind is StepKind.DEPLOY:
            now = self._wall()
            outages |= {unit: max(0.0, now - at) for unit, at in down if unit == step.unit}
            down = tuple(item for item in down if item[0] != step.unit)
        done = hold.done | {step.id}
        self.keeper.hold = replace(hold, done=done, down=down, outages=tuple(outages.items()))

    def _remember(self, step: Step, state: str, more: Mapping[str, Json]) -> None:
        try:
            self._write(EntryKind.STEP, step.id, {"state": state, **more})
        except JournalError:
            # The next intent meets the same disk, and that one counts.
            return

    def _write(self, kind: EntryKind, step: str, body: Mapping[str, Json]) -> None:
        self._journal.write(Entry(at=self._wall(), kind=kind, step=step, body=body))


def announcing(hold: Hold, effect: Announce, at: float) -> Hold:
    """Return what the lock says while a message is being sent."""
    item = Told(news=effect.news, sent=Sent.SENDING, at=at)
    return replace(hold, told=with_told(hold.told, item))


def told(hold: Hold, effect: Announce, answer: Answer, at: float) -> Hold:
    """Return what the lock says once it is known what became of a message.

    One that was refused, or not begun, may be sent again: nothing is known of it.
    """
    if answer.result in (Result.FAILED, Result.LATE):
        return replace(hold, told=without(hold.told, effect.news))
    sent = Sent.RECEIVED if answer.result is Result.OK else Sent.UNKNOWN
    item = Told(news=effect.news, sent=sent, at=at, words=answer.words[:_RECEIPT])
    return replace(hold, told=with_told(hold.told, item))


def details(effect: Mutation) -> dict[str, Json]:
    """Return an effect as plain words, without anything secret."""
    said: dict[str, Json] = {"effect": type(effect).__name__}
    match effect:
        case RemoveServices():
            return said | {"unit": str(effect.unit), "services": ",".join(effect.ids)}
        case RemoveLeftovers():
            left = (*effect.networks, *effect.secrets, *effect.configs)
            return said | {"unit": str(effect.unit), "leftovers": ",".join(left)}
        case ShipRelease():
            return said | {"unit": str(effect.release.unit), "release": effect.release.name}
        case PullImages(images=wanted) | PullOnNodes(pulls=wanted):
            return said | {"site": effect.site, "images": len(wanted)}
        case Announce():
            return said | {"site": effect.site, "news": effect.news.value, "title": effect.title}
        case DeployStack():  # pragma: no branch - there is no other, says mypy
            revision = effect.release.revision
            return said | {"unit": str(effect.unit), "revision": f"{revision.repo}@{revision.sha}"}
