"""A run that holds the lock, in words: whose it is, what it does, and what to type about it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.engine.keeper import BEAT_SECONDS
from orchestrator.procedures.hold import Goal, Hold, Phase
from orchestrator.ui.consoles import labelled, plain, show, stack_up, whole
from orchestrator.ui.next_line import next_line
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import elapsed

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

    `hindrances` say why it can be neither resumed nor rolled back from here, and what helps.
    """

    hold: Hold
    life: Life
    coordinator: str
    now: float
    hindrances: tuple[str, ...] = ()


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
    run = shlex.quote(clean(holding.hold.run))
    if holding.hindrances and holding.life is not Life.ALIVE:
        return f"dtdeploy lock break {run} --because TEXT"
    return {
        Life.ALIVE: "",
        Life.STOPPED: f"dtdeploy resume {run}",
        Life.DEAD: f"dtdeploy resume {run}",
        Life.FROZEN: f"kill -9 {holding.hold.holder.pid} && dtdeploy resume {run}",
        Life.SILENT: f"dtdeploy resume {run} --take-over",
    }[holding.life]


def facts(holding: HeldRun) -> Iterator[str]:
    """Yield what is known of a run, a line each, the most telling first."""
    hold = holding.hold
    yield f"{clean(str(hold.holder))}: dtdeploy {shorten(clean(hold.words), _LONGEST)}"
    doing = holding.life.value if holding.life is not Life.ALIVE else hold.phase.value
    back = ", bringing back what ran before" if hold.goal is Goal.RESTORE else ""
    yield f"{doing}{back}; begun {ago(hold.started, holding.now)}, {_beat(holding)}"
    for unit, since in hold.down:
        yield f"{clean(str(unit))} has been down for {elapsed(max(0.0, holding.now - since))}"
    yield from (shorten(clean(words), _LONGEST) for words in holding.hindrances)


def _beat(holding: HeldRun) -> str:
    what = "stopped" if holding.life is Life.STOPPED else "last sign of life"
    return f"{what} {ago(holding.hold.beat, holding.now)}"


def ago(then: float, now: float) -> str:
    """Say how long ago something was; a clock that is ahead of ours is said to be."""
    return f"{elapsed(now - then)} ago" if now >= then else f"{elapsed(then - now)} ahead of us"


def render_holding(holding: HeldRun, width: int = 80) -> list[str]:
    """Return the notice as plain lines."""
    return plain(holding_view(holding), width)


def print_holding(holding: HeldRun, console: Console) -> None:
    """Print the notice that a run holds the lock; give it stderr's console."""
    show(console, holding_view(holding))


def holding_view(holding: HeldRun) -> RenderableType:
    """Return the notice that a run holds the lock."""
    alive = holding.life is Life.ALIVE
    title = Text("LOCKED" if alive else "UNFINISHED", style="bold yellow" if alive else "bold red")
    run = f"run {clean(holding.hold.run)} of {next(said := facts(holding))}"
    rows: list[tuple[Text | str, Text | str]] = [(title, run), *(("", line) for line in said)]
    return stack_up([labelled(rows, indent=0), next_view(holding)])


def next_view(holding: HeldRun) -> Text:
    """Return the line that says what to type next."""
    command = next_for(holding)
    if not command:
        words = "nothing: somebody is at it (--lock-wait SECONDS waits for the end)"
        return whole("NEXT  ", (words, "dim"))
    if holding.hindrances:
        return next_line((next_for(replace(holding, hindrances=())), command), mended=True)
    alone = holding.hold.goal is Goal.RESTORE or holding.life is Life.FROZEN
    other = "" if alone else f"   |   {command.replace('dtdeploy resume', 'dtdeploy rollback')}"
    return whole("NEXT  ", (command, "bold cyan"), (other, "cyan"))
