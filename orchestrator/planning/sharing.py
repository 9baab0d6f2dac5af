"""What units use of each other, and so depend on, although no `depends_on` says so. Pure.

What runs, the Swarm tells: which services refer to whose networks, configs and secrets. What is to
run, the compose files tell: what one unit makes and another one at the same site calls external.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, SourceError, Where
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use, makers_seen, usages
from orchestrator.inventory.model import Inventory
from orchestrator.planning.graph import path, reachable
from orchestrator.sources.model import Sourced

_BY_WHAT_RUNS = "by what runs"
Thing = tuple[str, str, str]
"""Site, kind and full name of a network, config, secret or volume."""


def seen_uses(inventory: Inventory, looks: Mapping[str, Look]) -> tuple[Use, ...]:
    """Return what declared units that run use of other declared ones, by what was seen."""
    found = (
        Use(
            user=Unit(stack=usage.stack, site=site),
            maker=Unit(stack=usage.maker, site=site),
            kind=usage.kind,
            name=usage.name,
        )
        for site, look in looks.items()
        if isinstance(look, Sight)
        for usage in usages(look)
    )
    return tuple(use for use in found if {use.user, use.maker} <= inventory.needs.keys())


def declared_uses(
    inventory: Inventory,
    users: Mapping[Unit, Sourced],
    makers: Mapping[Unit, Sourced],
    looks: Mapping[str, Look],
) -> tuple[Use, ...]:
    """Return what `users` call external in their compose files and another unit makes.

    Args:
        inventory: everything that is declared.
        users: what is to run, of the units asked about.
        makers: what is to run, of every unit whose file was read.
        looks: what has been made by units whose files were not read.

    """
    made = _made_there(inventory, looks) | _made(makers)
    return tuple(
        Use(user=unit, maker=maker, kind=kind, name=name, at=places.get((kind, name), ""))
        for unit, source in users.items()
        for places in (dict(source.desired.external_at),)
        for kind, name in source.desired.external
        for maker in made.get((unit.site, kind, name), ())
        if maker != unit
    )


def unmet(
    users: Mapping[Unit, Sourced], makers: Mapping[Unit, Sourced], looks: Mapping[str, Look]
) -> frozenset[Thing]:
    """Return what `users` call external, and neither `makers` make nor a stack has made."""
    wanted = {(u.site, *thing) for u, source in users.items() for thing in source.desired.external}
    there = {
        (site, *thing)
        for site, look in looks.items()
        if isinstance(look, Sight)
        for thing in makers_seen(look)
    }
    return frozenset(wanted - there - _made(makers).keys())


def with_uses(inventory: Inventory, uses: Iterable[Use]) -> tuple[Inventory, tuple[Use, ...]]:
    """Return the inventory in which users depend on makers, and the uses that close a circle.

    Those are left out of it, so that there is an order in any case.
    """
    needs, kept, closing = dict(inventory.needs), dict.fromkeys(inventory.uses), []
    for use in dict.fromkeys(uses):
        if use in kept or not {use.user, use.maker} <= needs.keys():
            continue
        if use.user in reachable(needs, frozenset({use.maker})):
            closing.append(use)
            continue
        kept[use] = None
        needs[use.user] = (*needs[use.user], use.maker)
    return replace(inventory, uses=tuple(kept)), tuple(closing)


def with_declared_uses(
    inventory: Inventory,
    users: Mapping[Unit, Sourced],
    makers: Mapping[Unit, Sourced],
    looks: Mapping[str, Look],
) -> Inventory:
    """Return the inventory in which `users` depend on makers, as their compose files say.

    Arguments as for `declared_uses`.

    Raises:
        SourceError: units need each other, so that there is no order.

    """
    wider, closing = with_uses(inventory, declared_uses(inventory, users, makers, looks))
    if closing:
        raise SourceError(circle(wider, use) for use in closing)
    return wider


def with_all_uses(
    inventory: Inventory,
    planned: Iterable[Use],
    looks: Mapping[str, Look],
    sourced: Mapping[Unit, Sourced],
) -> Inventory:
    """Return the inventory that knows all that is used: now, in a former plan, and hereafter.

    What would close a circle is left out, what runs being heeded first: for bringing back what
    ran before, there has to be an order.

    Args:
        inventory: everything that is declared.
        planned: what was used when the plan was made that is undone.
        looks: what runs.
        sourced: what is to run instead.

    """
    hereafter = declared_uses(inventory, sourced, sourced, looks)
    return with_uses(inventory, (*seen_uses(inventory, looks), *planned, *hereafter))[0]


def inferred(inventory: Inventory) -> tuple[Use, ...]:
    """Return the uses that no `depends_on` covers."""
    declared = {spec.unit: spec.depends_on for spec in inventory.units}
    return tuple(
        use for use in inventory.uses if use.maker not in reachable(declared, frozenset({use.user}))
    )


def around(inventory: Inventory, units: Iterable[Unit]) -> tuple[Use, ...]:
    """Return the uses among and around `units` that no `depends_on` covers."""
    near = frozenset(units)
    return tuple(use for use in inferred(inventory) if {use.user, use.maker} & near)


def told(inventory: Inventory) -> dict[tuple[Unit, Unit], str]:
    """Return, by user and maker, what is used of each other, in words; as `inferred`."""
    found: dict[tuple[Unit, Unit], list[str]] = {}
    for use in inferred(inventory):
        found.setdefault((use.user, use.maker), []).append(str(use))
    return {pair: "; ".join(words) for pair, words in found.items()}


def unsaid_uses(inventory: Inventory) -> tuple[Problem, ...]:
    """Return a warning for every use that no `depends_on` covers; alike at many sites, one."""
    alike: dict[tuple[str, str, str], list[Use]] = {}
    for use in inferred(inventory):
        alike.setdefault((use.user.stack, use.maker.stack, use.at), []).append(use)
    return tuple(_unsaid(inventory, uses) for uses in alike.values())


def _unsaid(inventory: Inventory, uses: list[Use]) -> Problem:
    first, others = uses[0], len(uses) - 1
    sites = {stack: set[str]() for stack in (first.user.stack, first.maker.stack)}
    for spec in inventory.units:
        sites.setdefault(spec.unit.stack, set()).add(spec.unit.site)
    beside = sites[first.user.stack] <= sites[first.maker.stack]
    # A stack file speaks for its stack at every site, and the maker need not be at each.
    maker = f"{first.maker.stack}@{{site}}" if beside else str(first.maker)
    more = f" (and {others} more likewise)" if others else ""
    return Problem(
        code="inventory.unsaid-use",
        what=f"{first.user} {first}, and no depends_on says so{more}",
        exit_code=ExitCode.DONE,
        where=_place(first),
        fix=f"it is heeded all the same; to let everybody see it, add {maker}"
        f" to depends_on in stacks/{first.user.stack}.yaml",
    )


def _place(use: Use) -> Where:
    """Return the place in a compose file, if that is where it is said."""
    file, line, column = use.at.rsplit(":", 2) if use.at else ("", 0, 0)
    return Where(
        site=use.user.site, stack=use.user.stack, file=file, line=int(line), column=int(column)
    )


def circle(inventory: Inventory, use: Use) -> Problem:
    """Say that units need each other: `use`, which `with_uses` left out, would close the circle.

    What a compose file asks for can never be deployed so; what runs already cannot be taken down
    one after the other.
    """
    ring = (use.user, *path(inventory.needs, use.maker, use.user))
    steps = tuple(_step(inventory, user, on, use) for user, on in pairwise(ring))
    words = f"units need each other: {' -> '.join(map(str, ring))}"
    if not use.at:
        stacks = shlex.join(unit.stack for unit in ring[:-1])
        return Problem(
            code="removal.circle",
            what=words,
            exit_code=ExitCode.SAFETY_REFUSED,
            where=_place(use),
            evidence=steps,
            fix=f"docker stack rm {stacks}   # on {use.user.site}'s manager, twice; then:"
            f"\n{typed('up', *ring[:-1])}",
            state_left="nothing was touched",
            runbook="stack-does-not-go-away",
        )
    units = ring[:-1]
    anew = f"{typed('down', *units)} && {typed('up', *units)}; if that is refused too, "
    first = anew if any(_BY_WHAT_RUNS in step for step in steps) else ""
    return Problem(
        code="source.circle",
        what=words,
        exit_code=ExitCode.SOURCE_FAILED,
        where=_place(use),
        evidence=steps,
        fix=f"{first}let one unit make it and the other call it external, or delete a depends_on",
        state_left="nothing was touched",
        runbook="git-source-failed",
    )


def _step(inventory: Inventory, user: Unit, on: Unit, closing: Use) -> str:
    for use in (closing, *inventory.uses):
        if (use.user, use.maker) == (user, on):
            return f"{user} {use} ({use.at or _BY_WHAT_RUNS})"
    return f"{user} depends on {on} (depends_on)"


def _made(makers: Mapping[Unit, Sourced]) -> dict[Thing, tuple[Unit, ...]]:
    made: dict[Thing, tuple[Unit, ...]] = {}
    for unit, source in makers.items():
        for thing in source.desired.makes:
            key = (unit.site, *thing)
            made[key] = (*made.get(key, ()), unit)
    return made


def _made_there(inventory: Inventory, looks: Mapping[str, Look]) -> dict[Thing, tuple[Unit, ...]]:
    return {
        (site, *thing): (unit,)
        for site, look in looks.items()
        if isinstance(look, Sight)
        for thing, stack in makers_seen(look).items()
        if (unit := Unit(stack=stack, site=site)) in inventory.needs
    }
