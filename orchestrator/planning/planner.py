"""Desired and observed state in, plan out. Pure: the same values always give the same plan."""

from collections.abc import Iterator, Mapping

from orchestrator.fleet.observed import Look, Sight, Unseen, contents
from orchestrator.fleet.ownership import undeclared_stacks
from orchestrator.fleet.presence import Presence, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.plan import Action, Command, LeftOut, Plan, UnitPlan
from orchestrator.planning.scope import Scope, Scoped
from orchestrator.planning.selection import Request, dependencies, dependents
from orchestrator.planning.sharing import around
from orchestrator.planning.steps import plan_steps, verify_steps
from orchestrator.sources.model import Sourced
from orchestrator.sources.must_have import missing_must_have

_REMOVE_MARGIN_SECONDS = 30.0
"""Gossip delay, network clean-up and reaping, on top of the stop grace period."""
_HEALTHY_MARGIN_SECONDS = 120.0
"""Pulls on nodes that had no chance to pull before, scheduling, and a slow start."""
_DEFAULT_GRACE_SECONDS = 10.0


def make_plan(
    inventory: Inventory,
    *,
    command: Command,
    request: Request,
    scope: Scope,
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
) -> Plan:
    """Turn a scope into a plan.

    Args:
        inventory: everything that is declared.
        command: what was asked for.
        request: for which units, as typed.
        scope: what `make_scope` decided.
        looks: a look at every contacted site.
        sourced: desired state and release of each unit in `scope.to_read`.

    """
    units = tuple(
        _unit_plan(inventory, item, looks, sourced.get(item.unit)) for item in scope.acted
    )
    revisions = {item.release.revision for item in sourced.values()}
    steps = (
        verify_steps(inventory, units)
        if command is Command.VERIFY
        else plan_steps(inventory, units, without=frozenset(request.without))
    )
    return Plan(
        command=command,
        selection=str(request),
        coordinator=inventory.coordinator,
        revisions=tuple(sorted(revisions)),
        units=units,
        steps=steps,
        untouched=scope.untouched,
        dangers=(
            *_left_out_dangers(scope.left_out),
            *_dangers(inventory, units, looks),
        ),
        unseen=tuple(_unseen({step.site for step in steps}, looks)),
        left_out=scope.left_out,
        because=request.because.strip(),
        uses=around(inventory, (item.unit for item in units)),
    )


def _unseen(involved: set[str], looks: Mapping[str, Look]) -> list[str]:
    """Say which sites cannot be seen, of those that the plan has to see."""
    blind = [look for look in looks.values() if isinstance(look, Unseen)]
    return [f"{look.site}: {look.problem.what}" for look in blind if look.site in involved]


def remove_seconds(spec: UnitSpec, look: Look) -> float:
    """Return how long a removal may take: by policy, or what runs now plus a margin."""
    if spec.policy.remove_seconds:
        return spec.policy.remove_seconds
    services = contents(look, spec.unit.stack).services if isinstance(look, Sight) else ()
    grace = max((service.grace_seconds for service in services), default=_DEFAULT_GRACE_SECONDS)
    return grace + _REMOVE_MARGIN_SECONDS


def healthy_seconds(spec: UnitSpec, sourced: Sourced, *, in_place: bool = False) -> float:
    """Return how long a deploy may take to become healthy.

    Over what runs a Swarm replaces the tasks of a service one after the other.
    """
    if spec.policy.healthy_seconds:
        return spec.policy.healthy_seconds
    desired = sourced.desired
    seconds = desired.start_seconds
    if in_place:
        tasks = max((service.replicas for service in desired.services), default=1)
        seconds = tasks * (desired.start_seconds + desired.grace_seconds)
    return seconds + _HEALTHY_MARGIN_SECONDS


def _unit_plan(
    inventory: Inventory, item: Scoped, looks: Mapping[str, Look], sourced: Sourced | None
) -> UnitPlan:
    spec = inventory.spec(item.unit)
    removes = item.action.removes
    return UnitPlan(
        unit=item.unit,
        action=item.action,
        reason=item.reason,
        before=item.before,
        after=sourced.release.revision if sourced else None,
        compose=spec.compose,
        services=tuple(s.name for s in sourced.desired.services) if sourced else (),
        dependents=tuple(sorted(dependents(inventory, frozenset({item.unit})))),
        dependencies=tuple(sorted(dependencies(inventory, frozenset({item.unit})))),
        commands=tuple(_docker_words(spec, item.action)),
        remove_seconds=remove_seconds(spec, looks[item.unit.site]) if removes else 0.0,
        healthy_seconds=(
            healthy_seconds(spec, sourced, in_place=item.action is Action.UPDATE)
            if sourced
            else 0.0
        ),
        dangers=tuple(_unit_dangers(spec, item, sourced)),
        release=sourced.release.digest if sourced else "",
    )


def _docker_words(spec: UnitSpec, action: Action) -> list[str]:
    stack = spec.unit.stack
    remove = [
        f"docker service rm $(docker service ls -q -f label=com.docker.stack.namespace={stack})",
        f"docker stack ps {stack}   # until no task runs any more",
        f"docker stack rm {stack}",
    ]
    deploy = [f"docker stack deploy -c {spec.compose} --with-registry-auth {stack}"]
    return {
        Action.RESTART: remove + deploy,
        Action.DOWN: remove,
        Action.UP: deploy,
        Action.UPDATE: [
            f"docker stack deploy -c {spec.compose} --prune --with-registry-auth {stack}"
        ],
        Action.KEEP: [],
    }[action]


def _unit_dangers(spec: UnitSpec, item: Scoped, sourced: Sourced | None) -> list[str]:
    dangers = []
    if item.before.presence is Presence.UNKNOWN:
        dangers.append(f"cannot be seen now: {'; '.join(item.before.words)}")
    if sourced is not None and (missing := missing_must_have(spec, sourced.desired)):
        dangers.append(f"{spec.compose} lacks {', '.join(missing)}, which operators rely on")
    if sourced is not None:
        dangers += [f"{spec.compose}, {remark}" for remark in sourced.remarks]
        if item.action is Action.UPDATE:
            dangers += _needs_room(sourced)
    return dangers


def _needs_room(sourced: Sourced) -> Iterator[str]:
    """Name services whose update may never end: the new task starts before the old one stops.

    A port of the host is free then on another node only, and so is a place where no more than
    one task may be (moby#40797, #36934).
    """
    for service in sourced.desired.services:
        known = {(fact.kind, fact.item): fact.value for fact in service.facts}
        if known.get(("update", "order")) != "start-first":
            continue
        ports = [str(port.port) for port in service.ports if port.mode == "host"]
        if ports:
            yield (
                f"{service.name} starts new tasks first: each needs another node, where port "
                f"{', '.join(ports)} is free"
            )
        elif ("replicas per node", "") in known:
            yield f"{service.name} starts new tasks first: each needs a node with room for it"


def _dangers(
    inventory: Inventory,
    units: tuple[UnitPlan, ...],
    looks: Mapping[str, Look],
) -> list[str]:
    dangers = []
    for planned in units:
        dangers += _in_place_danger(planned, looks)
    going = {planned.unit: planned for planned in units if planned.action is not Action.KEEP}
    for spec in inventory.units:
        goes = going.get(spec.unit)
        if goes and spec.announce and goes.action.removes:
            present = goes.before.presence is not Presence.GONE
            dangers += [f"{spec.unit} goes down, for everybody who uses it"] if present else []
        if inventory.state(spec.unit) is SiteState.WATCHED:
            dangers += _watched_danger(spec, units)
    for site, look in looks.items():
        known = inventory.declared_at(site)
        found = undeclared_stacks(look, ownership=inventory.ownership, declared=known)
        dangers += [
            f"stack {name} runs at {site} and no inventory line declares it" for name in found
        ]
    return dangers


def _in_place_danger(planned: UnitPlan, looks: Mapping[str, Look]) -> list[str]:
    if planned.action is not Action.UPDATE:
        return []
    running = [
        str(other)
        for other in planned.dependents
        if other.site in looks and not whereabouts(other, looks[other.site]).gone
    ]
    if not running:
        return []
    return [f"{planned.unit} changes in place while {', '.join(running)}, which need it, run"]


def _left_out_dangers(left_out: tuple[LeftOut, ...]) -> list[str]:
    return [
        f"{item.unit} may run on while what it needs goes down: nobody can tell"
        for item in left_out
        if item.accepted
    ]


def _watched_danger(spec: UnitSpec, units: tuple[UnitPlan, ...]) -> list[str]:
    blocked = [str(p.unit) for p in units if p.action.removes and spec.unit in p.dependents]
    if not blocked:
        return []
    return [f"{spec.unit} is watched: while it runs, {', '.join(blocked)} will not be removed"]
