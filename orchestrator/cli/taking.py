"""Whether a run may be taken from whoever holds its lock."""

from dataclasses import dataclass, replace

from orchestrator.cli.meeting import Found, find_run, held, holding_of, process_of
from orchestrator.cli.wiring import World
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.in_flight import seconds_left
from orchestrator.errors import FleetError, Problem, RefusedError
from orchestrator.procedures.asking import ask_sleep
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.hold import Phase
from orchestrator.ui.holding import SILENT_SECONDS, Life, Process, next_for
from orchestrator.words.phrases import limit

_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
"""How long a coordinator that cannot be asked is asked again while a heartbeat is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """A lock that may be taken over.

    `wait_seconds`: for how long something of its former holder may still begin.
    """

    found: Found
    wait_seconds: float


def may_take(world: World, found: Found, *, take_over: bool) -> Taking | None:
    """Find out whether a run's lock may be taken over.

    At once when its holder left it on purpose, or was a process of this machine and is gone;
    what that one had sent and knew no answer of is waited out.
    Else its heartbeat is watched by our own clock; the times it tells are another's.

    Returns:
        None when the lock was released meanwhile.

    Raises:
        RefusedError: its holder is alive, or silent and `take_over` is not given (code 10).
        FleetError: the coordinator's Swarm cannot be asked.
        JournalError: the run's journal on this machine cannot be read.

    """
    if (taking := _at_once(world, found)) is not None:
        return taking
    now = _watched(world, found)
    if now is None:
        return None
    if (taking := _at_once(world, now)) is not None:
        return taking
    holding = holding_of(world, now)
    if _sign_of_life(found, now):
        raise RefusedError(held(replace(holding, life=Life.ALIVE)))
    if not take_over:
        raise RefusedError(silent(world, now))
    return Taking(found=now, wait_seconds=WAIT_OUT_SECONDS)


def _at_once(world: World, found: Found) -> Taking | None:
    if found.hold.phase is Phase.STOPPED or process_of(world, found.hold) is Process.GONE:
        entries = world.journals.read(found.hold.run)
        return Taking(found=found, wait_seconds=seconds_left(entries, world.wall()))
    return None


def _watched(world: World, found: Found) -> Found | None:
    """Read the lock until it changes, or has not for as long as makes a holder silent."""
    world.talk.say(
        f"watching run {found.hold.run} for a sign of life, at most {limit(SILENT_SECONDS)}"
    )
    began = world.backend.now()
    while True:
        now = carry_alone(world.backend, ask_sleep(_PAUSE_SECONDS))
        try:
            seen = find_run(world)
        except FleetError:
            if now - began >= _PATIENCE_SECONDS:
                raise
            continue
        if seen is None or now - began >= SILENT_SECONDS or _sign_of_life(found, seen):
            return seen


def _sign_of_life(before: Found, now: Found) -> bool:
    """Whether anybody wrote to the lock, or took another, in between."""
    return now.lock.id != before.lock.id or now.lock.version != before.lock.version


def silent(world: World, found: Found) -> Problem:
    """Say that a run's owner gives no sign of life, and how to take it over all the same."""
    holding = holding_of(world, found)
    life = Life.FROZEN if process_of(world, found.hold) is Process.RUNS else Life.SILENT
    holding = replace(holding, life=life)
    return replace(
        held(holding),
        code="lock.silent",
        what=f"run {found.hold.run} has an owner, who gave no sign of life for"
        f" {limit(SILENT_SECONDS)}",
        fix=next_for(holding),
    )
