"""What services write, as values: which lines are asked for, and one line as it was read.

Times are nanoseconds since 1970 by the clock of the node that wrote the line. Clocks of nodes
disagree: lines of different nodes are ordered as well as their clocks allow.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.observed import Look, NodeState, Sight, contents
from orchestrator.fleet.unit import Unit

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_NANO = 1_000_000_000


class LogOf(Enum):
    """What lines are asked of."""

    SERVICE = "services"
    TASK = "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a task of a service runs or ran: its slot ("" if unknown) and its node's name."""

    slot: str = ""
    node: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Lines of one service, or of one task.

    `service` is its short name, `id` the service's or the task's. `tail` newest lines of each
    task; `since` in seconds since 1970, 0 for all. `follow`: go on with what is still to come.
    `places` tells the tasks that are known.
    """

    unit: Unit
    service: str
    id: str
    of: LogOf = LogOf.SERVICE
    tail: int = 100
    since: float = 0.0
    follow: bool = False
    places: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line that a task wrote, at `at`."""

    at: int
    unit: Unit
    service: str
    slot: str = ""
    task: str = ""
    node: str = ""
    stream: str = "stdout"
    text: str = ""


def queries(
    sight: Sight, units: frozenset[Unit], *, tail: int, since: float, follow: bool
) -> tuple[LogQuery, ...]:
    """Return a query for each service of `units` that a sight shows, by name."""
    names = {node.id: node.hostname for node in sight.nodes}
    found = []
    for unit in sorted(unit for unit in units if unit.site == sight.site):
        mine = contents(sight, unit.stack)
        for service in sorted(mine.services, key=lambda service: service.name):
            places = tuple(
                (
                    task.id,
                    # A global service's task has its node for a slot.
                    Place(slot=names.get(task.slot, task.slot), node=names.get(task.node_id, "")),
                )
                for task in mine.tasks
                if task.service_id == service.id
            )
            found.append(
                LogQuery(
                    unit=unit,
                    service=service.name.removeprefix(f"{unit.stack}_"),
                    id=service.id,
                    tail=tail,
                    since=since,
                    follow=follow,
                    places=places,
                )
            )
    return tuple(found)


def nanoseconds(stamp: str) -> int | None:
    """Return a time as Docker writes it before a line (RFC 3339, UTC); None if it is none."""
    found = _STAMP.fullmatch(stamp)
    if found is None:
        return None
    whole, fraction = found[1], (found[2] or "").ljust(9, "0")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return int(seconds) * _NANO + int(fraction)


def silent_nodes(looks: Iterable[Look], asked: Iterable[LogQuery]) -> tuple[Problem, ...]:
    """Return a problem for each node that holds tasks of what is asked and is not there.

    Docker leaves out what is on a node that it knows to be down, and does not say so (measured
    on 20.10).
    """
    wanted = {query.id for query in asked}
    return tuple(
        _silent(look.site, node.hostname, node.state)
        for look in looks
        if isinstance(look, Sight)
        for node in look.nodes
        if node.state is not NodeState.READY
        and any(t.node_id == node.id and t.service_id in wanted for t in look.tasks)
    )


def _silent(site: str, node: str, state: NodeState) -> Problem:
    return Problem(
        code="logs.incomplete",
        what=f"{node} is {state.value}: what its tasks wrote cannot be read",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site, node=node),
        fix=f"{typed('status', '--site', site)}; on its manager: docker node ls",
        runbook="site-unreachable",
    )
