"""The lock's labels: who holds it, since when, what it is doing. Text there, a value here.

The lock is the Docker config `dtdeploy.run` on the coordinator's Swarm. Its data never changes;
its labels are written anew at every heartbeat, each time by compare-and-swap.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import LostNode, LostTask, Step
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.told import Told, read_told, told_labels

LOCK = "dtdeploy.run"
_FORMAT = "1"
_DOWN = "dtdeploy.down."
_OUTAGE = "dtdeploy.outage."
_LOST = "dtdeploy.lost."
_BECAUSE = "dtdeploy.because"
_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
"""What a run's id is made of; it names the run's journal, too."""


class Phase(Enum):
    """What a run is doing, in words for whoever reads the lock."""

    PREFLIGHT = "preflight"
    PREPARING = "preparing"
    ANNOUNCING = "announcing"
    REMOVING = "removing"
    DEPLOYING = "deploying"
    WATCHING = "watching"
    STOPPED = "stopped"
    """Its holder left on purpose: it may be resumed at once, by anybody."""


class Goal(Enum):
    """Where a run is heading: to its plan's end, or back to what ran before."""

    FORWARD = "forward"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock. `session` is new for every process that ever holds it."""

    owner: str
    host: str
    pid: int
    session: str

    def __str__(self) -> str:
        return f"{self.owner}@{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The state of a run as its lock tells it. Times are seconds since 1970, the holder's clock.

    `words` is the command as it was typed. `done` are the ids of finished steps. `touched`: it
    may have removed or deployed something. `down` are units that others depend on, or whose
    downtime is announced, and that it took down, each with since when; `outages` are those that
    it brought back, each with the seconds that it was down. `told` is what it announced. `lost`
    are nodes that somebody answers for who resumed it, `because` why; those that were answered for
    before it began are in its plan.
    """

    run: str
    words: str
    holder: Holder
    started: float
    beat: float
    beats: int = 0
    phase: Phase = Phase.PREFLIGHT
    goal: Goal = Goal.FORWARD
    touched: bool = False
    done: frozenset[str] = frozenset()
    down: tuple[tuple[Unit, float], ...] = ()
    outages: tuple[tuple[Unit, float], ...] = ()
    told: tuple[Told, ...] = ()
    lost: tuple[LostNode, ...] = ()
    because: str = ""


def answering(hold: Hold, nodes: Iterable[LostNode], because: str) -> Hold:
    """Return `hold` with more nodes that somebody answers for, and why.

    A node that died again is there once, with all the tasks that were answered for.
    """
    known = {node.name: node for node in hold.lost}
    for node in nodes:
        before = known[node.name].tasks if node.name in known else ()
        known[node.name] = replace(node, tasks=tuple(dict.fromkeys((*before, *node.tasks))))
    return replace(hold, lost=tuple(known.values()), because=joined(hold.because, because))


def joined(*reasons: str) -> str:
    """Return all the reasons that there are, each once."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def to_labels(hold: Hold, steps: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    """Return the labels that say `hold`; finished steps as a bitmap over the plan's steps."""
    return (
        ("dtdeploy.format", _FORMAT),
        ("dtdeploy.run", hold.run),
        ("dtdeploy.words", hold.words),
        ("dtdeploy.owner", hold.holder.owner),
        ("dtdeploy.host", hold.holder.host),
        ("dtdeploy.pid", str(hold.holder.pid)),
        ("dtdeploy.session", hold.holder.session),
        ("dtdeploy.started", _written(hold.started)),
        ("dtdeploy.beat", _written(hold.beat)),
        ("dtdeploy.beats", str(hold.beats)),
        ("dtdeploy.phase", hold.phase.value),
        ("dtdeploy.goal", hold.goal.value),
        ("dtdeploy.touched", "yes" if hold.touched else "no"),
        ("dtdeploy.done", _bitmap(hold.done, steps)),
        *((f"{_DOWN}{unit}", _written(since)) for unit, since in hold.down),
        *((f"{_OUTAGE}{unit}", f"{seconds:.3f}") for unit, seconds in hold.outages),
        *told_labels(hold.told),
        *((f"{_LOST}{node.name}", _tasks_written(node)) for node in hold.lost),
        *(((_BECAUSE, hold.because),) if hold.because else ()),
    )


def from_labels(config: StoredConfig, steps: Sequence[Step] = ()) -> Hold | Problem:
    """Read a lock's labels.

    Args:
        config: the lock.
        steps: the plan's, without which no step counts as finished.

    Returns:
        A Problem when they are not what this version of dtdeploy writes.

    """
    labels = dict(config.labels)
    try:
        if labels["dtdeploy.format"] != _FORMAT:
            return _unreadable(f"its format is {labels['dtdeploy.format']}, not {_FORMAT}")
        return _hold(labels, steps)
    except (KeyError, TypeError, ValueError) as error:
        return _unreadable(f"{type(error).__name__}: {error}")


def session_of(config: StoredConfig) -> str:
    """Return whose process holds the lock, "" if it does not say."""
    return config.label("dtdeploy.session")


def _hold(labels: Mapping[str, str], steps: Sequence[Step]) -> Hold:
    if not _RUN.fullmatch(labels["dtdeploy.run"]):
        raise ValueError("its run has no id that dtdeploy gives")
    return Hold(
        run=labels["dtdeploy.run"],
        words=labels["dtdeploy.words"],
        holder=Holder(
            owner=labels["dtdeploy.owner"],
            host=labels["dtdeploy.host"],
            pid=int(labels["dtdeploy.pid"]),
            session=labels["dtdeploy.session"],
        ),
        started=_read(labels["dtdeploy.started"]),
        beat=_read(labels["dtdeploy.beat"]),
        beats=int(labels["dtdeploy.beats"]),
        phase=Phase(labels["dtdeploy.phase"]),
        goal=Goal(labels["dtdeploy.goal"]),
        touched=labels["dtdeploy.touched"] == "yes",
        done=_from_bitmap(labels["dtdeploy.done"], steps),
        down=tuple((unit, _read(value)) for unit, value in _units(labels, _DOWN)),
        outages=tuple((unit, float(value)) for unit, value in _units(labels, _OUTAGE)),
        told=read_told(labels),
        lost=tuple(_lost(name, value) for name, value in _about(labels, _LOST)),
        because=labels.get(_BECAUSE, ""),
    )


def _about(labels: Mapping[str, str], prefix: str) -> Iterable[tuple[str, str]]:
    for name, value in sorted(labels.items()):
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def _units(labels: Mapping[str, str], prefix: str) -> Iterable[tuple[Unit, str]]:
    return ((_unit(name), value) for name, value in _about(labels, prefix))


def _unit(text: str) -> Unit:
    stack, _, site = text.rpartition("@")
    return Unit(stack=stack, site=site)


def _tasks_written(node: LostNode) -> str:
    tasks = [[task.id, str(task.unit), task.name] for task in node.tasks]
    return json.dumps({"state": node.state, "tasks": tasks})


def _lost(name: str, text: str) -> LostNode:
    found = json.loads(text)
    tasks = (LostTask(id=id_, unit=_unit(unit), name=what) for id_, unit, what in found["tasks"])
    return LostNode(name=name, state=found["state"], tasks=tuple(tasks), accepted=True)


def _bitmap(done: frozenset[str], steps: Sequence[Step]) -> str:
    bits = sum(1 << index for index, step in enumerate(steps) if step.id in done)
    return f"{bits:x}"


def _from_bitmap(text: str, steps: Sequence[Step]) -> frozenset[str]:
    bits = int(text, 16)
    return frozenset(step.id for index, step in enumerate(steps) if bits >> index & 1)


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _read(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _unreadable(why: str) -> Problem:
    return Problem(
        code="lock.unreadable",
        what="there is a lock that this version of dtdeploy cannot read",
        exit_code=ExitCode.LOCK_HELD,
        evidence=(why,),
        fix=f"docker config inspect {LOCK}   # on the coordinator's manager: use the version that"
        f" made it; if nobody is at it, docker config rm {LOCK}",
        state_left="nothing was touched",
        runbook="lock-held",
    )
