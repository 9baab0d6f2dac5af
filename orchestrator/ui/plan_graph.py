"""A plan's graph for drawing: alike steps as one node, no arrow that says what others say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.planning.graph import waves
from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.words.foreign import clean, shorten

_MOST_NODES = 40
"""With more steps than this, those of a stack that are of one kind share a node."""
_LONGEST = 60
_VERBS = {
    StepKind.EXAMINE: "check",
    StepKind.PREPARE: "prepare",
    StepKind.ANNOUNCE: "announce",
    StepKind.REMOVE: "down",
    StepKind.DEPLOY: "up",
    StepKind.SETTLE: "watch",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box: `key` is made here and harmless, `label` is foreign text made fit to show."""

    key: str
    kind: StepKind
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Boxes, and arrows from the key of what comes first to the key of what waits for it.

    `waves` are the same boxes, those that may be done side by side together.
    """

    nodes: tuple[Node, ...]
    arrows: tuple[tuple[str, str], ...]
    waves: tuple[tuple[Node, ...], ...]


def graph_of(plan: Plan) -> Graph:
    """Return the graph of a plan's steps."""
    groups = _groups(plan.steps)
    keys = {name: f"n{number}" for number, name in enumerate(groups)}
    of_step = {step.id: keys[name] for name, steps in groups.items() for step in steps}
    nodes = {
        keys[name]: Node(key=keys[name], kind=steps[0].kind, label=_label(steps))
        for name, steps in groups.items()
    }
    needs = {keys[name]: _needed(steps, of_step, keys[name]) for name, steps in groups.items()}
    return Graph(
        nodes=tuple(nodes.values()),
        arrows=tuple(_arrows(needs)),
        waves=tuple(tuple(nodes[key] for key in wave) for wave in waves(needs)),
    )


def _groups(steps: tuple[Step, ...]) -> dict[str, list[Step]]:
    if len(steps) <= _MOST_NODES:
        return {step.id: [step] for step in steps}
    groups: dict[str, list[Step]] = {}
    for step in steps:
        name = step.id if step.kind is StepKind.GATE else _kin(step)
        groups.setdefault(name, []).append(step)
    return groups


def _kin(step: Step) -> str:
    return f"{step.kind.value} {step.unit.stack if step.unit else ''}"


def _label(steps: list[Step]) -> str:
    first = steps[0]
    if first.kind is StepKind.GATE:
        return shorten(clean(first.id.removeprefix("gate: ")), _LONGEST)
    what = first.unit or first.site
    if len(steps) > 1:
        what = f"{first.unit.stack} at {len(steps)} sites" if first.unit else f"{len(steps)} sites"
    return shorten(clean(f"{_VERBS[first.kind]} {what}"), _LONGEST)


def _needed(steps: Iterable[Step], of_step: Mapping[str, str], own: str) -> tuple[str, ...]:
    keys = (of_step[need] for step in steps for need in step.needs if need in of_step)
    return tuple(key for key in dict.fromkeys(keys) if key != own)


def _arrows(needs: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Leave out every arrow that a longer way implies."""
    above: dict[str, frozenset[str]] = {}
    for wave in waves(needs):
        for key in wave:
            direct = needs[key]
            above[key] = frozenset(direct).union(*(above[need] for need in direct))
    return [
        (need, key)
        for key, direct in needs.items()
        for need in direct
        if not any(need in above[other] for other in direct)
    ]
