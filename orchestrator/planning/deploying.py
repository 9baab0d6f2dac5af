"""What a deploy does to each unit: bring there what has changed, and leave the rest alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.errors import ExitCode, Problem, RefusedError, Retry, Where
from orchestrator.fleet.drift import Change, How
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight, contents
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import origin
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, Strategy, UnitSpec
from orchestrator.planning.differences import differing
from orchestrator.planning.dragging import dragged_in
from orchestrator.planning.plan import Action, Before
from orchestrator.planning.selection import Request, dependents
from orchestrator.sources.model import Sourced

_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What is not as declared of a unit; nothing means that a deploy would change nothing.

    `data`: files of its configs or secrets are others, which no Swarm changes in place.
    """

    words: tuple[str, ...] = ()
    data: bool = False

    def __bool__(self) -> bool:
        return bool(self.words) or self.data

    def __str__(self) -> str:
        words = [*self.words, *(["files of its configs or secrets"] if self.data else [])]
        more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
        return f"{', '.join(words[:_MOST])}{more}"


def changed(
    inventory: Inventory, sourced: Sourced, look: Look, digests: Mapping[str, str]
) -> Changed:
    """Hold what a unit should be against what is seen of it, as `differing` does."""
    unit = sourced.desired.unit
    if not isinstance(look, Sight) or not contents(look, unit.stack).services:
        return Changed()
    found = differing(inventory, sourced, look, digests)
    ran = origin(unit, look)
    # What dtdeploy did not deploy says nothing of its files.
    known = bool(ran.release) and ran.release != sourced.release.digest
    return Changed(
        words=tuple(str(change) for change in found if not _left_over(change)),
        data=known and ran.data != sourced.data_digest,
    )


def _left_over(change: Change) -> bool:
    """Whether it is a network, config or secret that nothing needs any more: no deploy removes it.

    A deploy in place prunes services only (docker/cli command/stack/swarm), and for a leftover
    nothing is taken down.
    """
    return not change.service and change.how is How.EXTRA


def decide(
    inventory: Inventory,
    request: Request,
    chosen: frozenset[Unit],
    before: Mapping[Unit, Before],
    found: Mapping[Unit, Changed],
) -> dict[Unit, tuple[Action, str]]:
    """Return what happens to each unit of a deploy, and why.

    Args:
        inventory: everything that is declared.
        request: what was typed; its strategy takes the place of the declared ones.
        chosen: the units that it selects.
        before: what was seen of each unit.
        found: what has changed of each of `chosen`.

    Raises:
        RefusedError: a strategy was asked for under which something would be changed while
            units that depend on it run on, and its stack file does not say that this is fine.

    """
    actions = {
        unit: _action(inventory.spec(unit), before[unit], found.get(unit, Changed()), request)
        for unit in chosen
    }
    recreated = frozenset(unit for unit, (action, _) in actions.items() if action.removes)
    dragged = dragged_in(inventory, recreated, before)
    actions |= {unit: (Action.RESTART, why) for unit, why in dragged.items()}
    _refuse_updates(inventory, actions, before)
    return actions


def _action(spec: UnitSpec, before: Before, found: Changed, request: Request) -> tuple[Action, str]:
    if before.presence is Presence.UNKNOWN:
        return Action.RESTART, f"selected by {request}"
    if not before.services:
        return Action.UP, "does not run"
    if not found:
        return Action.KEEP, _unchanged(before)
    strategy = request.strategy or spec.strategy
    if strategy is Strategy.UPDATE and not found.data:
        return Action.UPDATE, f"changed: {found}"
    return Action.RESTART, f"changed: {found}"


def _unchanged(before: Before) -> str:
    if before.verdict is Verdict.HEALTHY:
        return "nothing of it has changed"
    return "nothing of it has changed, and it is not healthy: a restart would start it anew"


def _refuse_updates(
    inventory: Inventory,
    actions: Mapping[Unit, tuple[Action, str]],
    before: Mapping[Unit, Before],
) -> None:
    problems = []
    for unit, (action, _) in actions.items():
        if action is not Action.UPDATE or inventory.spec(unit).strategy is Strategy.UPDATE:
            continue
        above = dependents(inventory, frozenset({unit}))
        running = [other for other in above if before[other].presence is not Presence.GONE]
        problems += [_not_in_place(unit, sorted(running))] if running else []
    if problems:
        raise RefusedError(problems)


def _not_in_place(unit: Unit, running: list[Unit]) -> Problem:
    return Problem(
        code="deploy.not-in-place",
        what=f"{unit} would be changed while units that depend on it run",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=unit.site, stack=unit.stack),
        evidence=tuple(str(other) for other in running),
        fix=f"drop --strategy update, or say `strategy: update` in stacks/{unit.stack}.yaml if"
        " they can do without it for a moment",
        state_left="nothing was touched",
        runbook="restart-everything",
        retry=Retry(drops=(("--strategy", "update"),), never=True),
    )
