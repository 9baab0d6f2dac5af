"""Meeting a run that holds the lock: read it, judge whether somebody is at it, say so first."""

from dataclasses import dataclass, replace

from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.journal import Entry
from orchestrator.engine.provenance import Origin, Provenance, provenance
from orchestrator.engine.record import RunRecord, decode
from orchestrator.errors import ExitCode, FleetError, JournalError, Problem, RefusedError
from orchestrator.inventory.model import Inventory
from orchestrator.planning.premises import departures
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import Hold, Phase, from_labels, joined
from orchestrator.procedures.lock import read_lock
from orchestrator.ui.holding import HeldRun, Process, facts, life_of, next_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The lock as it was read. Without a `record`, `unreadable` says why.

    `hold` is in the record's words, whatever the labels say; `provenance` is what vouches for it.
    """

    lock: StoredConfig
    hold: Hold
    provenance: Provenance
    record: RunRecord | None = None
    unreadable: Problem | None = None

    @property
    def refused(self) -> Problem | None:
        """Why nobody may go on with the run, nor back, whoever says yes."""
        return self.unreadable or self.provenance.refused

    def readable(self) -> RunRecord:
        """Return the record (RefusedError where it cannot be read, or does not count)."""
        if self.record is None or self.refused is not None:
            raise RefusedError(self.refused or ())
        return self.record

    def going_on(self, verb: str, *options: str) -> str:
        """Return the command that goes on with this run, or back, as nobody will refuse it."""
        expected = self.provenance.expected
        expecting = ("--expect", expected) if expected else ()
        return typed(verb, self.hold.run, *options, *expecting)


def find_run(world: World) -> Found | None:
    """Read the lock; None when nobody holds it.

    Raises:
        FleetError: the coordinator's Swarm cannot be asked.
        RefusedError: there is a lock that this version cannot read (exit code 10).

    """
    lock = carry_alone(world.backend, read_lock(world.inventory.coordinator))
    if isinstance(lock, Problem):
        raise FleetError(lock)
    return None if lock is None else understand(world, lock)


def understand(world: World, lock: StoredConfig) -> Found:
    """Read what a lock's labels and data say, and judge what vouches for them.

    Raises:
        RefusedError: not even the labels can be read.

    """
    record: RunRecord | None = None
    unreadable: Problem | None = None
    try:
        record = decode(lock.data)
    except RefusedError as error:
        unreadable = error.problems[0]
    hold = from_labels(lock, record.plan.steps if record else ())
    if isinstance(hold, Problem):
        raise RefusedError(hold)
    if unreadable is not None:
        words = "resume it with the version of dtdeploy that began it; or give it up: "
        broken = typed("lock", "break", hold.run, "--because", "TEXT")
        unreadable = replace(unreadable, fix=words + broken)
    judged = provenance(
        lock,
        hold,
        record,
        _journal_here(world, hold.run),
        world.key,
        required=world.inventory.record_key_required,
    )
    # What will be carried out is what is shown and asked about.
    hold = replace(hold, words=record.words) if record else hold
    if judged.origin is Origin.UNKNOWN:
        # Whoever answers for nodes says that what ran there is gone: nobody may plant that.
        hold = replace(hold, lost=(), because="")
    record = record and _amended(hold, record)
    return Found(lock=lock, hold=hold, provenance=judged, record=record, unreadable=unreadable)


def _journal_here(world: World, run: str) -> tuple[Entry, ...]:
    """Return this machine's journal of a run; one that cannot be read vouches for nothing."""
    try:
        return world.journals.read(run)
    except JournalError:
        return ()


def _amended(hold: Hold, record: RunRecord) -> RunRecord:
    """Return the record with the nodes that whoever resumed the run answers for."""
    if not hold.lost:
        return record
    plan = replace(record.plan, lost=(*record.plan.lost, *hold.lost))
    return replace(record, plan=plan, because=joined(record.because, hold.because))


def holding_of(world: World, found: Found) -> HeldRun:
    """Judge whether somebody is at a run, by our clock and what this machine knows."""
    now, hold, record = world.wall(), found.hold, found.record
    return HeldRun(
        hold=hold,
        life=life_of(hold, now, process_of(world, hold)),
        coordinator=world.inventory.coordinator,
        now=now,
        unfit=record is not None and bool(unfit(world.inventory, record)),
        unreadable=record is None,
        begun_by=record.owner if record else "",
        record=found.provenance.digest,
        origin=found.provenance.origin,
        signature=found.provenance.signature,
        refused=found.provenance.refused,
    )


def unfit(inventory: Inventory, record: RunRecord) -> list[str]:
    """Say in what `inventory` is another than the one that a run was planned with."""
    return departures(inventory, rests_on=record.rests_on, whole=record.inventory, salt=record.run)


def process_of(world: World, hold: Hold) -> Process:
    """Return what this machine knows of the process that holds a lock.

    Two machines may bear one name. Only where the run's journal lies is the process known to
    have been of this one.
    """
    if hold.phase is Phase.STOPPED or hold.holder.host != world.holder.host:
        return Process.ELSEWHERE
    if hold.run not in world.journals.runs():
        return Process.ELSEWHERE
    return Process.RUNS if world.runs_here(hold.holder.pid) else Process.GONE


def meet(world: World) -> HeldRun | None:
    """Say first of all if a run holds the lock; for commands that change nothing.

    Where the coordinator cannot be asked, the looks that follow say so.
    """
    try:
        found = find_run(world)
    except FleetError:
        return None
    except RefusedError as error:
        world.talk.problems(error.problems)
        return None
    return holding_of(world, found) if found else None


def held(holding: HeldRun, *, may_wait: bool = False) -> Problem:
    """Say that a run holds the lock, to a command that needs it, and perhaps may wait for it."""
    hold = holding.hold
    wait = "   # or the same command with --lock-wait SECONDS" if may_wait else ""
    return Problem(
        code="lock.held",
        what=f"run {hold.run} {'is unfinished and ' if next_for(holding) else ''}holds the lock",
        exit_code=ExitCode.LOCK_HELD,
        evidence=tuple(facts(holding)),
        fix=next_for(holding) or f"{typed('lock')}{wait}",
        state_left="nothing was touched by this command",
        runbook="lock-held",
    )
