"""How far a run has come, by what is seen now: the Swarm is the truth, the record is memory."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import Enum

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight, Unseen, contents
from orchestrator.fleet.presence import Presence, blindness, whereabouts
from orchestrator.fleet.running import LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import Action, Before, Plan, StepKind, UnitPlan
from orchestrator.planning.scope import look_before

_NO_WAY_BACK = "rollback: there is nothing to bring back, it only ends the run"


class Mark(Enum):
    """Where a unit stands in a run that is to be resumed."""

    DONE = "done"
    TODO = "not done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What of a lock's labels is believed where nothing that is seen speaks for it.

    `labels`: all that they say, since they are signed. `done` are steps of which something else
    says that they are done.
    """

    labels: bool = False
    done: frozenset[str] = frozenset()


NOTHING = Believed()
"""Of labels that anybody may have written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitProgress:
    """A unit's part of a run: what is done of it, and why that is believed."""

    unit: Unit
    mark: Mark
    words: str
    done: frozenset[str]
    """Ids of its steps that need not be done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All units of a plan, and every step that need not be done again.

    `touched`: the run may have removed or deployed something, and nothing that is seen denies it.
    """

    units: tuple[UnitProgress, ...]
    done: frozenset[str]
    touched: bool


def progress(
    plan: Plan,
    run: str,
    looks: Mapping[str, Look],
    *,
    recorded: AbstractSet[str],
    touched: bool,
    announced: bool,
    believed: Believed = NOTHING,
) -> Progress:
    """Judge how far a run has come: by what is seen, since anybody may have written the labels.

    Args:
        plan: the run's plan.
        run: its id, which is on every service that it deployed.
        looks: a look at every site of the plan.
        recorded: ids of the steps that the run's lock says are done.
        touched: whether its labels say that it may have removed or deployed anything at all.
        announced: whether there is a receipt for what had to be announced.
        believed: what of the labels counts though nothing that is seen agrees.

    """
    known_done = recorded if touched else frozenset()
    judged = tuple(
        (item, _unit_progress(item, run, looks[item.unit.site], known_done, believed))
        for item in plan.units
        if item.action is not Action.KEEP
    )
    units = _undone(judged, looks)
    # Nothing is touched before preflight and preparation are through at every site. While nothing
    # is seen to be down or deployed, both cost little and hurt nobody. What is prepared needs no
    # registry to be prepared again.
    through: tuple[StepKind, ...] = ()
    surely = touched and (believed.labels or _seen_touched(plan, run, looks))
    if surely:
        through = (StepKind.EXAMINE, StepKind.PREPARE, StepKind.GATE)
        through += (StepKind.ANNOUNCE,) if announced else ()
    elif is_prepared(plan, recorded & believed.done):
        through = (StepKind.PREPARE,)
    passed = [step.id for step in plan.steps if step.kind in through]
    known = {step.id for step in plan.steps}
    return Progress(
        units=units,
        touched=surely or (touched and not all(map(_seen_whole, looks.values()))),
        done=frozenset(passed) | frozenset(i for u in units for i in u.done if i in known),
    )


def _seen_touched(plan: Plan, run: str, looks: Mapping[str, Look]) -> bool:
    """Whether a run is seen to have removed or deployed anything: whoever wrote its labels."""
    return any(
        _ours(item, run, look) or _less_of(item, look)
        for item in plan.units
        if item.action is not Action.KEEP
        and isinstance(look := looks[item.unit.site], Sight)
        and _seen_whole(look)
    )


def _seen_whole(look: Look) -> bool:
    return isinstance(look, Sight) and not blindness(look)


def is_prepared(plan: Plan, done: AbstractSet[str]) -> bool:
    """Whether every site has its releases and images, by the ids of the steps that are done."""
    return all(step.id in done for step in plan.steps if step.kind is StepKind.PREPARE)


def _undone(
    judged: tuple[tuple[UnitPlan, UnitProgress], ...], looks: Mapping[str, Look]
) -> tuple[UnitProgress, ...]:
    """Take down once more what depends on a unit that has to go down once more.

    That is so where somebody deployed a unit by hand after this run had: what this run deployed
    on top of it would keep it up for ever.
    """
    again = {
        other
        for item, far in judged
        if item.action.removes and f"remove {item.unit}" not in far.done
        for other in item.dependents
    }
    return tuple(
        replace(far, mark=Mark.TODO, words="to go down again with what it needs", done=frozenset())
        if far.unit in again
        and item.action.removes
        and far.done
        and not whereabouts(far.unit, looks[far.unit.site]).gone
        else far
        for item, far in judged
    )


def rest_of(plan: Plan, done: AbstractSet[str]) -> Plan:
    """Return the plan with nothing but the steps that are still to be done."""
    left = tuple(step for step in plan.steps if step.id not in done)
    return replace(
        plan,
        steps=tuple(
            replace(step, needs=tuple(need for need in step.needs if need not in done))
            for step in left
        ),
    )


def at_sites_away(plan: Plan, looks: Mapping[str, Look]) -> tuple[str, ...]:
    """Say what a resume does at each site that cannot be seen, of a plan's remaining steps."""
    return tuple(
        f"{site} cannot be seen now ({look.problem.what}): it is tried once more when its turn"
        f" comes, beside the others; {_then(plan, site)}"
        for site, look in looks.items()
        if isinstance(look, Unseen) and any(step.site == site for step in plan.steps)
    )


def _then(plan: Plan, site: str) -> str:
    here = [step for step in plan.steps if step.site == site]
    if any(step.kind is StepKind.EXAMINE for step in here):
        return "nothing is touched before preflight has seen it"
    removed = [step.unit for step in here if step.kind is StepKind.REMOVE and step.unit]
    if removed:
        units = ", ".join(map(str, removed))
        return f"nobody can tell then whether {units} is gone: what it needs stays as it is"
    deployed = [step.unit for step in here if step.kind is StepKind.DEPLOY and step.unit]
    units = ", ".join(map(str, deployed)) or "what is there"
    return f"if it is away still, {units} becomes owed, and the run ends without it"


def deployed_badly(
    inventory: Inventory, plan: Plan, looks: Mapping[str, Look], run: str
) -> tuple[Unit, ...]:
    """Return the units that a run deployed and that are not healthy now."""
    return tuple(
        item.unit
        for item in plan.units
        if isinstance(look := looks[item.unit.site], Sight)
        and _ours(item, run, look)
        and look_before(item.unit, inventory.spec(item.unit), look).verdict is not Verdict.HEALTHY
    )


def which_way(bad: tuple[Unit, ...], *, touched: bool) -> tuple[str, ...]:
    """Say which of resume and rollback fits an unfinished run, and why.

    Args:
        bad: what it deployed and is not healthy now.
        touched: whether it may have removed or deployed anything at all.

    """
    if not touched:
        return ("resume: nothing was touched yet, it begins from the start", _NO_WAY_BACK)
    if bad:
        units = ", ".join(map(str, bad))
        return (
            f"resume, if {units} needs but time, or its cause is mended: deployed, and not healthy",
            "rollback, if the new revision is to blame for that",
        )
    return (
        "resume: all that this run deployed is healthy, it goes on where it stopped",
        "rollback, if the new revision is not wanted: it brings back what ran before",
    )


def not_back(
    inventory: Inventory,
    plan: Plan,
    looks: Mapping[str, Look],
    run: str,
    *,
    recorded: AbstractSet[str],
) -> tuple[Unit, ...]:
    """Return the units that a run, given up where it stands, leaves not up and well.

    A unit with probes that the run deployed, and never saw healthy, is one of them though all its
    tasks run: no look at a Swarm tells what its probes would say.

    Args:
        inventory: everything that is declared.
        plan: the run's plan; what it takes down on purpose does not count.
        looks: a look at every site of the plan.
        run: the run's id, which is on every service that it deployed.
        recorded: ids of the steps that the run's lock says are done.

    """

    def is_back(item: UnitPlan) -> bool:
        spec, look = inventory.spec(item.unit), looks[item.unit.site]
        if not _is_up(item, look_before(item.unit, spec, look)):
            return False
        begun = isinstance(look, Sight) and bool(_ours(item, run, look))
        return not (spec.probes and begun and f"deploy {item.unit}" not in recorded)

    return tuple(item.unit for item in plan.units if item.action.deploys and not is_back(item))


def _is_up(item: UnitPlan, now: Before) -> bool:
    wanted = set(item.before.services or item.services)
    return now.verdict is Verdict.HEALTHY and wanted <= set(now.services)


def _unit_progress(
    item: UnitPlan, run: str, look: Look, recorded: AbstractSet[str], believed: Believed
) -> UnitProgress:
    steps = _step_ids(item)
    if not isinstance(look, Sight) or blindness(look):
        removed = frozenset({f"remove {item.unit}"}) & recorded & believed.done
        words = "cannot be seen" + (", was seen gone" if removed else "")
        return UnitProgress(unit=item.unit, mark=Mark.UNKNOWN, words=words, done=removed)
    done = _done(item, run, look, recorded)
    mark = Mark.DONE if steps <= done else Mark.TODO
    return UnitProgress(unit=item.unit, mark=mark, words=_words(item, run, look, done), done=done)


def _done(item: UnitPlan, run: str, sight: Sight, recorded: AbstractSet[str]) -> frozenset[str]:
    remove, deploy, settle = (f"{kind} {item.unit}" for kind in ("remove", "deploy", "settle"))
    ours = _ours(item, run, sight)
    gone = whereabouts(item.unit, sight).gone
    done: set[str] = set()
    if gone or (ours and item.action is not Action.DOWN):
        done.add(remove)
    if deploy in recorded and ours >= frozenset(item.services):
        done.add(deploy)
        done |= {settle} & recorded
    return frozenset(done)


def _ours(item: UnitPlan, run: str, sight: Sight) -> frozenset[str]:
    """Return the short names of the unit's services that this run deployed."""
    prefix = f"{item.unit.stack}_"
    return frozenset(
        service.name.removeprefix(prefix)
        for service in contents(sight, item.unit.stack).services
        if service.label(LABEL_RUN) == run
    )


def _less_of(item: UnitPlan, sight: Sight) -> bool:
    """Whether a service of the unit that ran before the run is not there any more, or all of it."""
    prefix = f"{item.unit.stack}_"
    found = contents(sight, item.unit.stack).services
    left = {service.name.removeprefix(prefix) for service in found}
    was = item.before.presence is Presence.PRESENT
    return bool(set(item.before.services) - left) or (was and whereabouts(item.unit, sight).gone)


def _step_ids(item: UnitPlan) -> frozenset[str]:
    kinds = {
        Action.RESTART: ("remove", "deploy", "settle"),
        Action.UP: ("deploy", "settle"),
        Action.UPDATE: ("deploy", "settle"),
        Action.DOWN: ("remove",),
        Action.KEEP: (),
    }[item.action]
    return frozenset(f"{kind} {item.unit}" for kind in kinds)


def _words(item: UnitPlan, run: str, sight: Sight, done: frozenset[str]) -> str:
    if f"deploy {item.unit}" in done:
        return "deployed" if f"settle {item.unit}" in done else "deployed, to be watched"
    if _ours(item, run, sight):
        return "deploy begun, to be finished"
    if f"remove {item.unit}" in done:
        return "gone" if item.action is Action.DOWN else "gone, to be deployed"
    if not item.action.removes:
        return "to be updated" if item.action is Action.UPDATE else "to be deployed"
    return "still there, to be removed"
