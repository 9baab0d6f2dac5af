"""The plan's docker commands, each kind said once: names that vary become STACK and SITE."""

import re
from collections.abc import Iterable

from orchestrator.planning.plan import UnitPlan


def commands_once(units: Iterable[UnitPlan]) -> tuple[str, ...]:
    """Return the commands of all `units` without saying the same thing twice.

    A command that several stacks share is said with STACK, one that a stack's sites share
    with SITE, any other as it is; in the order of their first appearance.
    """
    every = [(item, command) for item in units for command in item.commands]
    stacks: dict[str, set[str]] = {}
    sites: dict[str, set[str]] = {}
    for item, command in every:
        stacks.setdefault(_anywhere(item, command), set()).add(item.unit.stack)
        sites.setdefault(_at_any_site(item, command), set()).add(command)
    said = []
    for item, command in every:
        if len(stacks[_anywhere(item, command)]) > 1:
            said.append(_anywhere(item, command))
        elif len(sites[_at_any_site(item, command)]) > 1:
            said.append(_at_any_site(item, command))
        else:
            said.append(command)
    return tuple(dict.fromkeys(said))


def _at_any_site(item: UnitPlan, command: str) -> str:
    name = re.escape(item.unit.site)
    return re.sub(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", "SITE", command)


def _anywhere(item: UnitPlan, command: str) -> str:
    name = re.escape(item.unit.stack)
    stackless = re.sub(rf"(?<![\w-]){name}(?![\w-])", "STACK", command)
    return _at_any_site(item, stackless)
