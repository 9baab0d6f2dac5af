"""Lives of a run on the simulated fleet: begun here, resumed there, with the code that runs live.

Every function takes a world and a backend, so that several machines can act on one fleet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.in_flight import seconds_left
from orchestrator.engine.journal import Entry
from orchestrator.engine.means import Means, careful
from orchestrator.engine.provenance import provenance
from orchestrator.engine.record import RunRecord, decode
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session
from orchestrator.errors import ExitCode, JournalError, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Command, Plan, Step
from orchestrator.planning.premises import fingerprint, premises
from orchestrator.planning.restoring import formers
from orchestrator.planning.selection import Request
from orchestrator.procedures.asking import ask_sleep
from orchestrator.procedures.book import Book
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.effects import Procedure, StoredConfig
from orchestrator.procedures.hold import Hold, Holder, Phase, from_labels
from orchestrator.procedures.lock import read_lock
from orchestrator.procedures.owed import Owed, read_owed
from orchestrator.procedures.told import News, Sent, about
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.sources.model import Sourced
from orchestrator.ui.end_view import next_commands
from tests.simulated import ALL, Simulated
from tests.witness import Life

Start = Callable[[Book, Step], Procedure]
WATCH_SECONDS = 20.0
"""How long the lock is watched for a sign of life before it is taken from its holder."""


@dataclass(slots=True)
class MemoryJournal:
    """A disk that can be full: from `full_from` on, counted in entries, nothing is taken."""

    entries: list[Entry] = field(default_factory=list)
    full_from: int | None = None

    def write(self, entry: Entry) -> None:
        if self.full_from is not None and len(self.entries) >= self.full_from:
            raise JournalError(
                Problem(
                    code="journal.unwritable",
                    what="no space left on device",
                    exit_code=ExitCode.SAFETY_REFUSED,
                )
            )
        self.entries.append(entry)


@dataclass(slots=True, kw_only=True)
class Machine:
    """A machine that an operator works at; on the fleet it has its backend's name."""

    world: Simulated
    backend: SimulatedBackend
    name: str = "operator"
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    wall: Callable[[], float] | None = None
    stop: Callable[[], bool] = lambda: False
    start: Start = careful
    session: type[Session] = Session
    ways: Callable[[RunEnd], tuple[str, ...]] = next_commands
    """What is said to be typed next."""
    lives: int = 0
    life: Life | None = None

    def means(self) -> Means:
        """Begin a new life: a process with a session of its own, which the oracle watches."""
        self.lives += 1
        session = f"{self.name}-{self.lives}"
        holder = Holder(owner=self.name, host=self.name, pid=1, session=session)
        oracle = self.world.oracle
        self.life = oracle.life(self.backend.operator, session, lambda: self.journal.entries)
        return Means(
            backend=oracle.beside(self.life, self.backend),
            journal=self.journal,
            holder=holder,
            wall=self.wall or (lambda: 1.8e9 + self.backend.now()),
            listen=lambda _plan: self.world.events.append,
            stop_asked=self.stop,
            start=self.start,
            announces=True,
        )

    def begins(
        self,
        command: Command = Command.RESTART,
        request: Request = ALL,
        *,
        run: str = "r1",
        on_failure: OnFailure = OnFailure.STOP,
    ) -> RunEnd:
        """Plan and carry out a run, as `dtdeploy restart --all` does."""
        means = self.means()
        book = self.world.plan(command, request, run, backend=self.backend)
        if book.plan.unseen:
            return RunEnd(run=run, plan=book.plan, problems=(_unseen(book.plan),))
        record = RunRecord(
            run=run,
            words=f"{command.value} {request}",
            plan=book.plan,
            inventory=fingerprint(self.world.inventory),
            rests_on=premises(self.world.inventory, run),
            created=means.wall(),
            owner=self.name,
            on_failure=on_failure,
        )
        return self._session(means, record, book.sourced).begin(book.sourced)

    def reads(self) -> tuple[StoredConfig, RunRecord, Hold] | None:
        """Read the lock; None when nobody holds it."""
        lock = carry_alone(self.backend, read_lock(self.world.inventory.coordinator))
        if not isinstance(lock, StoredConfig):
            return None
        record = decode(lock.data)
        hold = from_labels(lock, record.plan.steps)
        assert isinstance(hold, Hold), hold
        return lock, record, hold

    def resumes(
        self, *, wait_seconds: float = WAIT_OUT_SECONDS, journal: tuple[Entry, ...] = ()
    ) -> RunEnd | None:
        """Resume the unfinished run, if there is one, as `dtdeploy resume --take-over` does.

        `journal` is what this machine's journal says of it.
        """
        found = self.reads()
        if found is None:
            return None
        lock, record, hold = found
        sources = {u: s for u, s in self.world.sources.items() if u in _units(record)}
        session = self._session(self.means(), record, sources)
        before = about(hold.told, News.BEFORE)
        # A person looks in the channel, and says what stands there.
        seen = "" if before is None or before.receipt else "seen in the channel"
        if self.life is not None and before is not None:
            self.life.by_hand = bool(seen) or before.sent is Sent.BY_HAND
        judged = provenance(lock, hold, record, journal, None, required=False)
        return session.go_on(
            lock,
            hold,
            sources,
            wait_seconds=wait_seconds,
            announced=seen,
            believed=judged.believed,
        )

    def takes_over(self) -> RunEnd | None:
        """Resume the unfinished run unless it gives a sign of life, as `dtdeploy resume` does."""
        seconds = self._seconds_to_wait()
        return None if seconds is None else self.resumes(wait_seconds=seconds)

    def resumes_here(self, former: MemoryJournal) -> RunEnd | None:
        """Resume the run of a process of this machine that is no more, as `dtdeploy resume` does.

        `former` is what that one wrote.
        """
        assert self.wall is not None
        entries = tuple(former.entries)
        return self.resumes(wait_seconds=seconds_left(entries, self.wall()), journal=entries)

    def takes_back(self) -> RunEnd | None:
        """Bring back what ran before, unless the run gives a sign of life."""
        seconds = self._seconds_to_wait()
        return None if seconds is None else self.rolls_back(wait_seconds=seconds)

    def breaks_lock(self) -> RunEnd | None:
        """Break the lock, as `dtdeploy lock break RUN` does."""
        found = self.reads()
        if found is None:
            return None
        lock, record, hold = found
        return self._session(self.means(), record, {}).give_up(
            lock, hold, wait_seconds=WAIT_OUT_SECONDS
        )

    def owed(self) -> tuple[Owed, ...] | None:
        """Read what is owed; None when nobody can tell."""
        told = carry_alone(self.backend, read_owed(self.world.inventory.coordinator))
        return None if isinstance(told, Problem) else told

    def _seconds_to_wait(self) -> float | None:
        if self._left_by_its_holder():
            return 0.0
        return WAIT_OUT_SECONDS if self._silent() else None

    def _left_by_its_holder(self) -> bool:
        found = self.reads()
        return found is not None and found[2].phase is Phase.STOPPED

    def _silent(self) -> bool:
        """Whether the lock's holder gives no sign of life for a while."""
        first = self.reads()
        carry_alone(self.backend, ask_sleep(WATCH_SECONDS))
        then = self.reads()
        if first is None or then is None:
            return False
        return (then[0].id, then[0].version) == (first[0].id, first[0].version)

    def rolls_back(self, *, wait_seconds: float = WAIT_OUT_SECONDS) -> RunEnd | None:
        """Bring back what ran before the unfinished run, as `dtdeploy rollback` does."""
        found = self.reads()
        if found is None:
            return None
        lock, record, hold = found
        return self._session(self.means(), record, {}).go_back(
            lock, hold, wait_seconds=wait_seconds
        )

    def _session(self, means: Means, record: RunRecord, sourced: Mapping[Unit, Sourced]) -> Session:
        former = self._former(record)
        if self.life is not None:
            self.life.carries(record.run, record.plan, sourced, former)
        return self.session(means, self.world.inventory, record, former=former)

    def _former(self, record: RunRecord) -> dict[Unit, Sourced]:
        revisions = formers(self.world.inventory, record.plan).revisions
        return {unit: self.world.at(unit, revision.sha) for unit, revision in revisions.items()}


def _unseen(plan: Plan) -> Problem:
    """Say that nothing was begun: the command line examines the other sites, and ends."""
    return Problem(
        code="site.unreachable", what="; ".join(plan.unseen), exit_code=ExitCode.SITE_UNREACHABLE
    )


def _units(record: RunRecord) -> set[Unit]:
    return {item.unit for item in record.plan.units}
