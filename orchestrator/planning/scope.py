"""Which units a command acts on, what it does to each, and why: before any file is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.errors import Problem, RefusedError
from orchestrator.fleet.health import Health, Verdict, judge
from orchestrator.fleet.history import recall
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.running import as_running, origin
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.deploying import Changed, decide
from orchestrator.planning.dragging import dragged_in
from orchestrator.planning.in_use import in_use
from orchestrator.planning.leaving_out import leave_out
from orchestrator.planning.plan import Action, Before, Command, LeftOut, Untouched
from orchestrator.planning.selection import Request, dependencies, select
from orchestrator.planning.sharing import told

_ACTIONS = {
    Command.RESTART: Action.RESTART,
    Command.UP: Action.UP,
    Command.DOWN: Action.DOWN,
    Command.VERIFY: Action.KEEP,
    Command.ROLLBACK: Action.KEEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """A unit a command acts on (or, with KEEP, looked at and left alone)."""

    unit: Unit
    action: Action
    reason: str
    before: Before


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything a command acts on, and what it leaves alone and why."""

    acted: tuple[Scoped, ...]
    untouched: tuple[Untouched, ...]
    to_read: tuple[Unit, ...]
    """The units whose compose files are needed."""
    left_out: tuple[LeftOut, ...] = ()


def look_before(unit: Unit, spec: UnitSpec, look: Look) -> Before:
    """Judge what is there of a unit now: presence, health, revision."""
    there = whereabouts(unit, look)
    if not isinstance(look, Sight):
        return Before(presence=there.presence, words=there.evidence)
    if there.gone:
        return Before(presence=there.presence)
    health = running_health(unit, spec, look)
    running = as_running(unit, look).services
    came = origin(unit, look)
    unsure = there.presence is Presence.UNKNOWN
    return Before(
        presence=there.presence,
        verdict=health.verdict,
        running=health.running,
        expected=health.expected,
        revision=came.revision,
        finished=health.finished,
        services=tuple(service.name for service in running),
        images=tuple((service.name, service.image) for service in running),
        words=there.evidence if unsure else tuple(str(reason) for reason in health.reasons),
        release=came.release,
    )


def make_scope(
    inventory: Inventory,
    command: Command,
    request: Request,
    looks: Mapping[str, Look],
    pins: Mapping[str, Revision],
    *,
    found: Mapping[Unit, Changed] = MappingProxyType({}),
) -> Scope:
    """Decide which units `command` acts on.

    Args:
        inventory: everything that is declared.
        command: restart and down drag in all that depends on the selected units; up drags in
            what they depend on and is not healthy; deploy does either for what it changes.
        request: what was typed.
        looks: a look at every contacted site.
        pins: the revision each repository is pinned to ({} for down, which needs none).
        found: of a deploy, what has changed of each selected unit.

    Raises:
        UsageError, RefusedError: see `select`, `leave_out`, `decide` and `in_use`.

    """
    chosen = select(inventory, request)
    before = {
        spec.unit: look_before(spec.unit, spec, looks[spec.unit.site])
        for spec in inventory.units
        if inventory.state(spec.unit) is not SiteState.PLANNED
    }
    if command is Command.DEPLOY:
        actions = _deployed(inventory, request, frozenset(chosen), before, found)
    else:
        actions = _acted(inventory, command, request, frozenset(chosen), before=before, pins=pins)
    reasons = {unit: why for unit, (_, why) in actions.items()}
    removed = frozenset(unit for unit, (action, _) in actions.items() if action.removes)
    left_out = leave_out(inventory, request, reasons, before, looks, removed=removed)
    reasons = {unit: why for unit, why in reasons.items() if unit.site not in request.without}
    acted = tuple(
        Scoped(unit=unit, action=actions[unit][0], reason=reasons[unit], before=before[unit])
        for unit in before
        if unit in reasons
    )
    going = removed & reasons.keys()
    if used := [
        problem for look in looks.values() for problem in _used(inventory, look, command, going)
    ]:
        raise RefusedError(used)
    return Scope(
        acted=acted,
        untouched=_untouched(inventory, reasons, before, request),
        left_out=left_out,
        to_read=tuple(
            item.unit for item in acted if item.action.deploys or command is Command.VERIFY
        ),
    )


def _used(
    inventory: Inventory, look: Look, command: Command, going: frozenset[Unit]
) -> tuple[Problem, ...]:
    if not isinstance(look, Sight):
        return ()
    here = frozenset(unit.stack for unit in going if unit.site == look.site)
    declared = inventory.declared_at(look.site)
    ssh = inventory.site(look.site).ssh(look.via)
    return in_use(look, command, here, declared, ssh=ssh) if here else ()


def _acted(
    inventory: Inventory,
    command: Command,
    request: Request,
    chosen: frozenset[Unit],
    *,
    before: Mapping[Unit, Before],
    pins: Mapping[str, Revision],
) -> dict[Unit, tuple[Action, str]]:
    reasons = dict.fromkeys(chosen, f"selected by {request}")
    if command is Command.UP:
        reasons |= _needed_below(inventory, chosen, before)
    elif command is not Command.VERIFY:
        reasons |= dragged_in(inventory, chosen, before)
    return {
        unit: _action(inventory.spec(unit), command, why, before[unit], pins)
        for unit, why in reasons.items()
    }


def _deployed(
    inventory: Inventory,
    request: Request,
    chosen: frozenset[Unit],
    before: Mapping[Unit, Before],
    found: Mapping[Unit, Changed],
) -> dict[Unit, tuple[Action, str]]:
    actions = decide(inventory, request, chosen, before, found)
    acting = frozenset(u for u, (a, _) in actions.items() if a.deploys)
    below = _needed_below(inventory, acting, before)
    return actions | {u: (Action.UP, why) for u, why in below.items() if u not in acting}


def _action(
    spec: UnitSpec, command: Command, reason: str, before: Before, pins: Mapping[str, Revision]
) -> tuple[Action, str]:
    if command is Command.UP and _serves(before):
        return Action.KEEP, f"{reason}; {_healthy_at(before, pins.get(spec.repo))}"
    if command is Command.RESTART and before.presence is Presence.GONE:
        # Nothing is there to take down.
        return Action.UP, reason
    return _ACTIONS[command], reason


def _healthy_at(before: Before, pin: Revision | None) -> str:
    state = "healthy" if before.expected else "finished"
    if pin is None or before.revision == pin.sha:
        return f"{state} already"
    return f"{state} already, though not at {pin.short}: a restart would bring it there"


def running_health(unit: Unit, spec: UnitSpec, sight: Sight) -> Health:
    """Judge what runs of a unit by what the Swarm holds, and by what operators rely on.

    Of one look: how long something is so, the tasks themselves tell.
    """
    desired = as_running(unit, sight, relied_on=spec.must_have)
    return judge(desired, sight, recall(unit.stack, sight), spec.policy)


def _needed_below(
    inventory: Inventory, chosen: frozenset[Unit], before: Mapping[Unit, Before]
) -> dict[Unit, str]:
    uses = told(inventory)
    return {
        unit: f"needed by {', '.join(str(u) for u in sorted(chosen) if _needs(inventory, u, unit))}"
        + "".join(f" ({user} {said})" for (user, maker), said in uses.items() if maker == unit)
        for unit in dependencies(inventory, chosen)
        if inventory.state(unit) is SiteState.ACTIVE and not _serves(before[unit])
    }


def _serves(before: Before) -> bool:
    done = before.expected > 0 or before.finished
    return before.verdict is Verdict.HEALTHY and bool(done)


def _needs(inventory: Inventory, unit: Unit, other: Unit) -> bool:
    return other in dependencies(inventory, frozenset({unit}))


def _untouched(
    inventory: Inventory,
    reasons: Mapping[Unit, str],
    before: Mapping[Unit, Before],
    request: Request,
) -> tuple[Untouched, ...]:
    planned = [site for site in inventory.sites if site.state is SiteState.PLANNED]
    left = [u for u in before if u not in reasons and u.site not in request.without]
    return (
        *(Untouched(name=str(unit), reason=_why_left(inventory, unit, before)) for unit in left),
        *(
            Untouched(name=site.name, reason=f"planned: {site.note}".rstrip(": "))
            for site in planned
        ),
    )


def _why_left(inventory: Inventory, unit: Unit, before: Mapping[Unit, Before]) -> str:
    if inventory.state(unit) is SiteState.WATCHED:
        return f"watched, never changed ({before[unit].presence.value} now)"
    return f"not selected ({before[unit].presence.value} now)"
