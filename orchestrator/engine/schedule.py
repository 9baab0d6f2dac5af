"""Which steps start now, and which never will. Pure; knows order, not meaning."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from orchestrator.planning.plan import Step


class State(Enum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    """Left in the middle because the run was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A step that can no longer run, and the failed step it is because of."""

    step: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now: steps to start, steps to skip."""

    start: tuple[str, ...] = ()
    skip: tuple[Skip, ...] = ()


_ENDED_BADLY = frozenset({State.FAILED, State.STOPPED})


def schedule(
    steps: tuple[Step, ...],
    states: Mapping[str, State],
    causes: Mapping[str, str],
    *,
    stopping: bool,
) -> Decision:
    """Decide what starts and what is skipped.

    Args:
        steps: the plan's graph.
        states: where each step stands; ones not named are WAITING.
        causes: for each skipped step, the failed one it is because of.
        stopping: nothing starts any more.

    """
    start: list[str] = []
    skip: list[Skip] = []
    blamed = dict(causes)
    skipped: AbstractSet[str] = {name for name, state in states.items() if state is State.SKIPPED}
    for step in steps:
        if states.get(step.id, State.WAITING) is not State.WAITING:
            continue
        cause = _cause(step, states, skipped, blamed)
        if cause:
            skip.append(Skip(step=step.id, because=cause))
            blamed[step.id] = cause
            skipped = skipped | {step.id}
        elif not stopping and all(states.get(need) is State.DONE for need in step.needs):
            start.append(step.id)
    return Decision(start=tuple(start), skip=tuple(skip))


def _cause(
    step: Step, states: Mapping[str, State], skipped: AbstractSet[str], blamed: Mapping[str, str]
) -> str:
    for need in step.needs:
        if states.get(need) in _ENDED_BADLY:
            return need
        if need in skipped:
            return blamed.get(need, need)
    return ""
