"""A run that holds the lock, in words: whose it is, what it does, and what to type about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.command_line import AS_IT_IS, PROGRAM, Manner, typed
from orchestrator.engine.keeper import BEAT_SECONDS
from orchestrator.engine.provenance import KEY, Origin
from orchestrator.errors import Problem
from orchestrator.procedures.hold import Goal, Hold, Phase
from orchestrator.procedures.signature import Signature
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import elapsed

_OF_A_KEY = ("lock.key-missing", "lock.signature-wrong")
SILENT_SECONDS = 3 * BEAT_SECONDS
"""Without a heartbeat for so long, a run gives no sign of life."""
_LONGEST = 200


class Process(Enum):
    """What this machine knows of the process that holds a lock."""

    RUNS = "runs here"
    GONE = "ran here, and is gone"
    ELSEWHERE = "is not of this machine"


class Life(Enum):
    """Whether somebody is at a run that holds the lock."""

    ALIVE = "at work"
    STOPPED = "stopped half-way"
    DEAD = "its process on this machine is gone"
    FROZEN = "its process on this machine stands still"
    SILENT = "no sign of life"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run that holds the lock. `now` is our clock, seconds since 1970.

    `unfit`: it was planned with another inventory than the one given here, which may not end it.
    `unreadable`: this version of dtdeploy cannot read its record, whose digest is `record`.
    `begun_by` is its owner by the record; `origin` and `signature` are what vouches for it, and
    `refused` says why it is not gone on with from here.
    """

    hold: Hold
    life: Life
    coordinator: str
    now: float
    unfit: bool = False
    unreadable: bool = False
    begun_by: str = ""
    record: str = ""
    origin: Origin = Origin.OURS
    signature: Signature = Signature.UNCHECKED
    refused: Problem | None = None

    @property
    def expect(self) -> str:
        """What whoever is not asked has to expect of the record: its digest; "" for nothing."""
        return self.record if self.origin is Origin.UNKNOWN else ""

    @property
    def look_again_seconds(self) -> float | None:
        """In how many seconds a run that has died meanwhile is known to give no sign of life."""
        if self.life is not Life.ALIVE:
            return None
        return max(0.0, SILENT_SECONDS - abs(self.now - self.hold.beat))


def life_of(hold: Hold, now: float, process: Process) -> Life:
    """Judge, by its labels and our clock, whether somebody is at a run.

    The holder's clock may be wrong: before a lock is taken over, its heartbeat is watched.
    """
    if hold.phase is Phase.STOPPED:
        return Life.STOPPED
    if process is Process.GONE:
        return Life.DEAD
    if abs(now - hold.beat) <= SILENT_SECONDS:
        return Life.ALIVE
    return Life.FROZEN if process is Process.RUNS else Life.SILENT


def next_for(holding: HeldRun) -> str:
    """Return what to type to go on with a run, "" while somebody is at it."""
    if holding.life is Life.ALIVE:
        return ""
    if _hindered(holding):
        return typed("lock", "break", clean(holding.hold.run), "--because", "TEXT")
    first = f"kill -9 {holding.hold.holder.pid} && " if holding.life is Life.FROZEN else ""
    return f"{first}{_command(holding, 'resume')}"


def _command(holding: HeldRun, verb: str) -> str:
    """Return the command that goes on with a run, or back."""
    silent = ("--take-over",) if holding.life is Life.SILENT else ()
    expect = ("--expect", holding.expect) if holding.expect else ()
    return typed(verb, clean(holding.hold.run), *silent, *expect)


def _hindered(holding: HeldRun) -> bool:
    """Whether the run cannot be gone on with from here, whoever is at it."""
    return holding.unfit or holding.unreadable or holding.refused is not None


def _better_with(holding: HeldRun) -> str:
    """Return what a run that cannot be gone on with could be gone on with, "" if with nothing."""
    if holding.unreadable:
        return "the version of dtdeploy it was begun with"
    if holding.refused is not None:
        keys = (Signature.UNCHECKED, Signature.WRONG)
        lacking = holding.refused.code in _OF_A_KEY and holding.signature in keys
        return f"the key it was begun with in {KEY}" if lacking else ""
    return "the sites.yaml it was begun with"


def facts(holding: HeldRun) -> Iterator[str]:
    """Yield what is known of a run, a line each, the most telling first."""
    hold = holding.hold
    yield f"{clean(str(hold.holder))}: {PROGRAM} {shorten(clean(hold.words), _LONGEST)}"
    doing = holding.life.value if holding.life is not Life.ALIVE else hold.phase.value
    back = ", bringing back what ran before" if hold.goal is Goal.RESTORE else ""
    yield f"{doing}{back}; begun {ago(hold.started, holding.now)}, {_beat(holding)}"
    if holding.unfit:
        yield "planned with another sites.yaml or stacks/ than the one given here"
    for unit, since in hold.down:
        yield f"{clean(str(unit))} has been down for {elapsed(max(0.0, holding.now - since))}"
    if holding.begun_by not in ("", hold.holder.owner):
        yield f"begun by {clean(holding.begun_by)}"
    if holding.unreadable:
        yield "its record cannot be read by this version of dtdeploy"
    if holding.refused is not None:
        yield clean(holding.refused.what)
    elif holding.expect:
        yield "nothing here vouches for its record: read what it does before you go on with it"


def _beat(holding: HeldRun) -> str:
    what = "stopped" if holding.life is Life.STOPPED else "last sign of life"
    return f"{what} {ago(holding.hold.beat, holding.now)}"


def ago(then: float, now: float) -> str:
    """Say how long ago something was; a clock that is ahead of ours is said to be."""
    return f"{elapsed(now - then)} ago" if now >= then else f"{elapsed(then - now)} ahead of us"


def render_holding(holding: HeldRun, width: int = 80) -> list[str]:
    """Return the notice as plain lines."""
    return plain(holding_view(holding), width)


def print_holding(holding: HeldRun, console: Console, manner: Manner = AS_IT_IS) -> None:
    """Print the notice that a run holds the lock; give it stderr's console."""
    show(console, holding_view(holding, manner))


def holding_view(holding: HeldRun, manner: Manner = AS_IT_IS) -> RenderableType:
    """Return the notice that a run holds the lock."""
    alive = holding.life is Life.ALIVE
    title = Text("LOCKED" if alive else "UNFINISHED", style="bold yellow" if alive else "bold red")
    run = f"run {clean(holding.hold.run)} of {next(said := facts(holding))}"
    rows: list[tuple[Text | str, Text | str]] = [(title, run), *(("", line) for line in said)]
    return stack_up([labelled(rows, indent=0), next_view(holding, manner)])


def next_view(holding: HeldRun, manner: Manner = AS_IT_IS) -> Text:
    """Return the line that says what to type next."""
    command = next_for(holding)
    if not command:
        seconds = math.ceil(holding.look_again_seconds or 0.0) + 1
        words = (
            f"   # in {seconds} s: if it died, this then says how to go on;"
            " if not, --lock-wait SECONDS waits for its end"
        )
        return whole("NEXT  ", (manner.fit(typed("lock")), "bold cyan"), (words, "dim"))
    if _hindered(holding):
        other = _better_with(holding)
        words = f"   # better: {_command(holding, 'resume')}, with {other}" if other else ""
        return whole("NEXT  ", (manner.fit(command), "bold cyan"), (words, "dim"))
    alone = holding.hold.goal is Goal.RESTORE or holding.life is Life.FROZEN
    other = "" if alone else f"   |   {_command(holding, 'rollback')}"
    return whole("NEXT  ", (manner.fit(command), "bold cyan"), (manner.fit(other), "cyan"))
