"""Who would lose what a unit makes if it went down, and is not to go down itself. Pure."""

from collections.abc import Iterable

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.observed import Sight
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import VOLUME, Usage, usages
from orchestrator.planning.plan import Command

_MOST = 5


def in_use(
    sight: Sight,
    command: Command,
    removed: frozenset[str],
    declared: frozenset[str],
    *,
    ssh: str,
) -> tuple[Problem, ...]:
    """Return why stacks cannot go down at a site: others use their networks, configs or secrets.

    Volumes stay where they are when a stack goes.

    Args:
        sight: the latest sight of the site.
        command: what was asked for.
        removed: the stacks that are taken down there.
        declared: those that the inventory declares there.
        ssh: what ssh is told to reach the manager that was asked.

    """
    found: dict[str, list[Usage]] = {}
    for usage in usages(sight):
        if usage.kind != VOLUME and usage.maker in removed and usage.stack not in removed:
            found.setdefault(usage.maker, []).append(usage)
    return tuple(
        _problem(Unit(stack=stack, site=sight.site), command, users, declared, ssh)
        for stack, users in found.items()
    )


def _problem(
    unit: Unit, command: Command, users: list[Usage], declared: frozenset[str], ssh: str
) -> Problem:
    ours = sorted({usage.stack for usage in users} & declared)
    others = [usage for usage in users if usage.stack not in declared]
    ways = []
    if ours:
        units = (Unit(stack=stack, site=unit.site) for stack in ours)
        verb = Command.DOWN if command is Command.DOWN else Command.RESTART
        ways.append(typed(verb.value, unit, *units))
    if others:
        ways.append("look, and stop first what is not dtdeploy's:")
        ways += dict.fromkeys(usage.look(ssh) for usage in others[:_MOST])
    return Problem(
        code="removal.in-use",
        what=f"{unit} cannot go down: {_named(usage.by for usage in users)} would lose what it"
        " makes",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=unit.site, stack=unit.stack),
        evidence=tuple(dict.fromkeys(map(str, users))),
        fix="\n".join(ways),
        state_left="nothing was touched",
        runbook="stack-does-not-go-away",
    )


def _named(names: Iterable[str]) -> str:
    every = tuple(dict.fromkeys(names))
    more = f" and {len(every) - _MOST} more" if len(every) > _MOST else ""
    return f"{', '.join(every[:_MOST])}{more}"
