"""Bugs planted on purpose: each is one wrong piece where a right one belongs.

They show that the days and the oracle are not blind. Nothing is patched: every bug comes in through
what a run is started with, its procedures, its session or the machine that it is started on.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.gather import NOBODY_AWAY
from orchestrator.engine.keeper import Keeper
from orchestrator.engine.means import Means
from orchestrator.engine.report import RunEnd, RunReport
from orchestrator.engine.session import Session, Sources
from orchestrator.engine.tenure import Tenure
from orchestrator.errors import Problem
from orchestrator.fleet.observed import (
    Look,
    NodeState,
    Sight,
    SwarmInfo,
    TaskState,
    Unseen,
    contents,
)
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import Action, Plan, Step, StepKind
from orchestrator.planning.progress import NOTHING, Believed
from orchestrator.planning.steps import restore_steps
from orchestrator.procedures.asking import Asking, ask_config, ask_journal, ask_lock, ask_mutate
from orchestrator.procedures.book import Book
from orchestrator.procedures.custody import in_custody
from orchestrator.procedures.effects import (
    Answer,
    ConfigAnswer,
    DeleteConfig,
    DeployStack,
    Done,
    Effect,
    Failed,
    Holding,
    Intend,
    Mutation,
    Observe,
    Outcome,
    ProbeResult,
    Procedure,
    ReadConfig,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    Saw,
    StoredConfig,
)
from orchestrator.procedures.hold import LOCK, Goal, Hold
from orchestrator.procedures.of_step import procedure_for
from orchestrator.procedures.overlooking import overlooking
from orchestrator.procedures.owed import Owed
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.fleet import SimulatedFleet
from tests.lives import Machine

Change = Callable[[Book, Step, Procedure], Procedure]


@dataclass(frozen=True, slots=True)
class Bug:
    """A machine with something wrong about it; `seed` is the first day that shows it, and how."""

    name: str
    machine: Callable[..., Machine]
    seed: int
    shows: str


def _through(change: Change) -> Callable[..., Machine]:
    """Return a machine whose procedures are changed inside their custody."""
    return partial(Machine, start=lambda b, s: in_custody(change(b, s, procedure_for(b, s))))


def _through_custody(custody: Callable[[Procedure], Procedure]) -> Callable[..., Machine]:
    return partial(Machine, start=lambda b, s: custody(procedure_for(b, s)))


def _with(session: type[Session]) -> Callable[..., Machine]:
    return partial(Machine, session=session)


# Procedures that see, or believe, something else


def _seeing(kind: StepKind, see: Callable[[Book, Look], Look]) -> Change:
    """Let procedures of `kind` see what `see` makes of each look."""

    def change(book: Book, step: Step, procedure: Procedure) -> Procedure:
        if step.kind is not kind:
            return (yield from procedure)
        answer: object = None
        while True:
            try:
                effect = procedure.send(answer)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            answer = yield effect
            if isinstance(answer, tuple):
                answer = tuple(see(book, look) for look in answer)
            elif isinstance(answer, Sight | Unseen):
                answer = see(book, answer)

    return change


def _unknown_is_gone(_book: Book, look: Look) -> Look:
    if isinstance(look, Unseen):
        return _empty(look)
    down = {node.id for node in look.nodes if node.state is not NodeState.READY}
    return replace(look, tasks=tuple(task for task in look.tasks if task.node_id not in down))


def _empty(look: Look) -> Sight:
    info = SwarmInfo(node_id="", node_state="active", control=True)
    return Sight(site=look.site, started=look.at, at=look.at, info=info)


def _accepted_is_gone(book: Book, look: Look) -> Look:
    """Take what was accepted as unknown for gone, also where it is seen to run."""
    away = {unit.site for unit in book.plan.accepted}
    return _empty(look) if look.site in away else look


class _Every(AbstractSet[str]):
    """Every task there is."""

    def __contains__(self, _task: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        yield "every task"

    def __len__(self) -> int:
        return 1


def _lost_is_gone(_book: Book, _step: Step, procedure: Procedure) -> Procedure:
    """Take what was seen on a node that nobody can see for gone, whoever answers for it."""
    return overlooking(_Every(), procedure)


def _managers_only(_book: Book, look: Look) -> Look:
    if isinstance(look, Unseen):
        return look
    workers = {node.id for node in look.nodes if not node.manager}
    return replace(look, tasks=tuple(task for task in look.tasks if task.node_id not in workers))


def _ghosts_block(_book: Book, look: Look) -> Look:
    """Wait for every task that is listed, also of nodes that are no more."""
    if isinstance(look, Unseen):
        return look
    known = {node.id for node in look.nodes}
    manager = next(node.id for node in look.nodes if node.manager)
    tasks = tuple(
        task if task.node_id in known or not task.node_id else replace(task, node_id=manager)
        for task in look.tasks
    )
    return replace(look, tasks=tasks)


def _running_is_healthy(_book: Book, look: Look) -> Look:
    """Take a process that was started for one that serves."""
    if isinstance(look, Unseen):
        return look
    starting = (TaskState.ASSIGNED, TaskState.PREPARING, TaskState.READY, TaskState.STARTING)
    tasks = tuple(
        replace(task, state=TaskState.RUNNING, desired=TaskState.RUNNING)
        if task.state in starting and task.desired <= TaskState.RUNNING
        else task
        for task in look.tasks
    )
    return replace(look, tasks=tasks)


def _no_probes(book: Book, step: Step, procedure: Procedure) -> Procedure:
    """Deploy dependents on what runs, whatever its probes say."""
    inner = _seeing(StepKind.DEPLOY, _running_is_healthy)(book, step, procedure)
    answer: object = None
    while True:
        try:
            effect = inner.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        if isinstance(effect, RunProbe):
            answer = ProbeResult(ok=True, at=0.0, words="")
        else:
            answer = yield effect


# Procedures that do something else


def _doing(do: Callable[[Effect, object], Asking[object]]) -> Change:
    """Let `do` handle each effect and its answer; an Outcome ends the procedure."""

    def change(_book: Book, _step: Step, procedure: Procedure) -> Procedure:
        answer: object = None
        while True:
            try:
                effect = procedure.send(answer)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            answer = yield effect
            answer = yield from do(effect, answer)
            if isinstance(answer, Done | Failed):
                procedure.close()
                return answer

    return change


def _trusting(effect: Effect, answer: object) -> Asking[object]:
    """Take the answer of a removal for its end."""
    yield from ()
    removed = isinstance(effect, RemoveServices) and isinstance(answer, Answer)
    if removed and isinstance(answer, Answer) and answer.result is Result.OK:
        return Done(words="Docker said so")
    return answer


def _stubborn(effect: Effect, answer: object) -> Asking[object]:
    """Send again at once what was not answered."""
    if isinstance(effect, RemoveServices | RemoveLeftovers | DeployStack):
        for _ in range(2):
            if not (isinstance(answer, Answer) and answer.result is Result.UNKNOWN):
                break
            answer = yield from ask_mutate(effect)
    return answer


def _hasty(book: Book, step: Step, procedure: Procedure) -> Procedure:
    """Remove networks together with services, as `docker stack rm` does."""
    seen: dict[str, Sight] = {}

    def do(effect: Effect, answer: object) -> Asking[object]:
        if isinstance(answer, Sight):
            seen[answer.site] = answer
        if isinstance(effect, RemoveServices) and effect.unit.site in seen:
            left = contents(seen[effect.unit.site], effect.unit.stack)
            networks = tuple(network.id for network in left.networks)
            yield from ask_mutate(RemoveLeftovers(unit=effect.unit, networks=networks))
        return answer

    return _doing(do)(book, step, procedure)


def _skipping(kind: StepKind) -> Change:
    """Pass steps of `kind` without doing anything."""

    def change(_book: Book, step: Step, procedure: Procedure) -> Procedure:
        if step.kind is kind:
            return Done(words="skipped")
        return (yield from procedure)

    return change


# Custody that is not


def _custody(mutate: Callable[[Mutation], Asking[Answer | Problem]]) -> Callable[..., Machine]:
    def custody(procedure: Procedure) -> Procedure:
        answer: object = None
        while True:
            try:
                effect = procedure.send(answer)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            if not isinstance(effect, Mutation):
                answer = yield effect
                continue
            answer = yield from mutate(effect)
            if isinstance(answer, Problem):
                procedure.close()
                return Failed(problems=(answer,))

    return _through_custody(custody)


def _unproved(effect: Mutation) -> Asking[Answer | Problem]:
    """Ask nobody whether the lock is still held."""
    unwritten = yield from ask_journal(Intend(effect=effect))
    if unwritten is not None:
        return unwritten
    answer = yield from ask_mutate(effect)
    yield from ask_journal(Saw(effect=effect, answer=answer))
    return answer


def _afterwards(effect: Mutation) -> Asking[Answer | Problem]:
    """Write the intent down when it is done."""
    holding = yield from ask_lock()
    if holding.problem is not None:
        return holding.problem
    answer = yield from ask_mutate(effect)
    unwritten = yield from ask_journal(Intend(effect=effect))
    return unwritten or answer


def _deaf(effect: Mutation) -> Asking[Answer | Problem]:
    """Do not listen when the journal says that it is full."""
    yield from ask_journal(Intend(effect=effect))
    holding = yield from ask_lock()
    if holding.problem is not None:
        return holding.problem
    return (yield from ask_mutate(effect))


def _timeless(effect: Mutation) -> Asking[Answer | Problem]:
    """Prove the lock, and send the effect however long ago that was."""
    unwritten = yield from ask_journal(Intend(effect=effect))
    if unwritten is not None:
        return unwritten
    holding = yield from ask_lock()
    if holding.problem is not None:
        return holding.problem
    return (yield from ask_mutate(effect))


# Sessions


class _Forgets(Session):
    """Writes down nothing that is owed."""

    def _owe(self, _owed: tuple[Owed, ...], _settled: frozenset[Unit]) -> Problem | None:
        return None


class _ReleasesAll(Session):
    """Releases the lock however a run ends."""

    def _keep(self, lock: StoredConfig, _hold: Hold, end: RunEnd) -> RunEnd:
        self._tenure.release(lock)
        return self._ended(end)


class _ByName(Tenure):
    def write(self, lock: StoredConfig, _hold: Hold) -> StoredConfig | Problem | None:
        """Believe that nobody took it."""
        return lock

    def release(self, _lock: StoredConfig) -> None:
        """Release whatever lock has the name."""
        found = carry_alone(self._means.backend, ask_config(ReadConfig(site=self._site, name=LOCK)))
        if found.config is not None:
            delete = DeleteConfig(site=self._site, id=found.config.id)
            carry_alone(self._means.backend, ask_config(delete))


class _ReleasesByName(Session):
    """Does not look whose lock it releases."""

    def _close(self, keeper: Keeper, *args: Any, **other: Any) -> RunEnd:
        self._tenure = _ByName(self._means, self._site, self._record)
        return super()._close(keeper, *args, **other)


class _Trusts(Session):
    """Resumes by what the record says, and does not look."""

    def go_on(
        self,
        lock: StoredConfig,
        hold: Hold,
        sourced: Sources,
        *,
        wait_seconds: float,
        announced: str = "",
        away: Mapping[str, Look] = NOBODY_AWAY,
        believed: Believed = NOTHING,
    ) -> RunEnd:
        del announced, away, believed  # what people say of the channel is no look
        if hold.goal is Goal.RESTORE:
            return self.go_back(lock, hold, wait_seconds=wait_seconds)
        taken = self._tenure.take_over(lock, hold, Goal.FORWARD, wait_seconds=wait_seconds)
        if isinstance(taken, Problem):
            return self._ended(self._end(taken))
        return self._forward(*taken, sourced, hold.done)


class _Narrow(Session):
    """Brings back a unit without what depends on it."""

    def _way_back(self, inventory: Inventory, looks: Mapping[str, Look]) -> Plan:
        back = super()._way_back(inventory, looks)
        units = tuple(
            replace(item, action=Action.KEEP)
            if item.action is Action.RESTART and not item.dependents
            else item
            for item in back.units
        )
        return replace(back, units=units, steps=restore_steps(inventory, units))


class _Confident(Keeper):
    def answered(self, answer: ConfigAnswer, now: float) -> dict[str, Holding]:
        """Tell everybody that the lock is held, whatever came back."""
        told = super().answered(answer, now)
        self.lost = None
        waiting = {*told, *self._asking, *self._proving}
        self._asking, self._proving = {}, {}
        return {name: Holding(held=True, asked=now) for name in waiting}


class _NeverLooksBack(Session):
    """Says DONE by what it saw while it was at work."""

    def _fallen(self, book: Book, report: RunReport, told: Mapping[Unit, str]) -> tuple[()]:
        del book, report, told
        return ()


class _NeverLoses(Session):
    """Believes that it holds the lock as long as it lives."""

    def _keeper(self, lock: StoredConfig, hold: Hold) -> Keeper:
        return _Confident(self._site, lock, hold, self._record.plan.steps)


# Machines


@dataclass(slots=True, kw_only=True)
class _Impatient(Machine):
    """Takes a lock over without watching for a sign of life, or waiting anything out."""

    def takes_over(self) -> RunEnd | None:
        return self.resumes(wait_seconds=0)

    def takes_back(self) -> RunEnd | None:
        return self.rolls_back(wait_seconds=0)


class _AnyManager:
    """Looks at whichever Swarm answers once the first manager of a site's own is dead."""

    def __init__(self, backend: SimulatedBackend, fleet: SimulatedFleet) -> None:
        self._backend, self._fleet = backend, fleet
        self._meant: dict[int, str] = {}

    def submit(self, token: int, effect: Effect) -> None:
        if isinstance(effect, Observe) and self._fleet.sites[effect.site].swarm.detour:
            self._meant[token] = effect.site
            effect = Observe(site=next(name for name in self._fleet.sites if name != effect.site))
        self._backend.submit(token, effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        answer = self._backend.wait(until)
        if answer is None or answer[0] not in self._meant:
            return answer
        token, look = answer
        site = self._meant.pop(token)
        return token, replace(look, site=site)  # type: ignore[type-var]  # a look, as was asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


@dataclass(slots=True, kw_only=True)
class _Elsewhere(Machine):
    """Fails over to a manager of another Swarm."""

    def means(self) -> Means:
        self.backend = _AnyManager(self.backend, self.world.fleet)  # type: ignore[assignment]
        # A class with slots is made anew by dataclass: super() would mean the one before.
        return Machine.means(self)


def _always_up(_end: RunEnd) -> tuple[str, ...]:
    """Name what brings everything up, whoever holds the lock."""
    return ("dtdeploy up --all",)


BUGS = (
    Bug("a NEXT that is refused", partial(Machine, ways=_always_up), 27, "S8"),
    Bug("unknown taken for gone", _through(_seeing(StepKind.REMOVE, _unknown_is_gone)), 14, "S1"),
    Bug("trust in a removal's answer", _through(_doing(_trusting)), 4, "containers are there"),
    Bug("a lost effect sent again without a look", _through(_doing(_stubborn)), 148, "S4"),
    Bug("no proof of the lock", _custody(_unproved), 1113, "S5"),
    Bug("the intent written afterwards", _custody(_afterwards), 0, "S4"),
    Bug("a full journal ignored", _custody(_deaf), 61, "S4"),
    Bug("an old proof taken for a new one", _custody(_timeless), 1113, "S5"),
    Bug("running taken for healthy", _through(_no_probes), 6, "S2"),
    Bug("ghosts waited for", _through(_seeing(StepKind.REMOVE, _ghosts_block)), 36, "not finished"),
    Bug(
        "a worker's tasks ignored",
        _through(_seeing(StepKind.REMOVE, _managers_only)),
        9,
        "networks",
    ),
    Bug("accepted taken for gone", _through(_seeing(StepKind.REMOVE, _accepted_is_gone)), 57, "S1"),
    Bug("a lost node nobody answers for", _through(_lost_is_gone), 546, "containers are there"),
    Bug("networks removed with the services", _through(_hasty), 0, "networks"),
    Bug("preflight skipped", _through(_skipping(StepKind.EXAMINE)), 0, "S3"),
    Bug("nothing announced", _through(_skipping(StepKind.ANNOUNCE)), 0, "was not announced"),
    Bug("releases not shipped", _through(_skipping(StepKind.PREPARE)), 1, "S3"),
    Bug("owed forgotten", _with(_Forgets), 237, "nobody can say"),
    Bug("the lock released though unfinished", _with(_ReleasesAll), 27, "nobody can say"),
    Bug("the lock deleted by name", _with(_ReleasesByName), 242, "S5"),
    Bug("a resume that trusts the record", _with(_Trusts), 834, "not finished"),
    Bug("a way back without dependents", _with(_Narrow), 592, "it has no services"),
    Bug("a lost lock believed to be held", _with(_NeverLoses), 9, "S5"),
    Bug("a take-over without a wait", _Impatient, 514, "S5"),
    Bug("DONE without the last look", _with(_NeverLooksBack), 933, "S9"),
    Bug("a manager of another Swarm believed", _Elsewhere, 0, "another Swarm"),
)
