"""From what was asked for to lines on the screen: look, read side by side, print in order."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.cli.wiring import World
from orchestrator.engine.gather import look_at
from orchestrator.engine.log_flow import collect, follow
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.fleet.logs import LogLine, LogQuery, queries, silent_nodes
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.unit import Unit
from orchestrator.planning.log_selection import Meant, select_logs
from orchestrator.planning.selection import Request

_TAIL = 100
_MOST = 10_000
"""Lines read of each task where it is not their number that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: `since` in seconds since 1970 (0: any), the newest `tail` of each service."""

    since: float
    tail: int | None
    grep: re.Pattern[str] | None
    follow: bool

    @property
    def most(self) -> int:
        """How many lines of a service are shown at first."""
        if self.tail is not None:
            return self.tail
        return _MOST if self.since else _TAIL

    @property
    def read(self) -> int:
        """How many lines of each task are read to find them; one more tells that there are."""
        return max(self.most, _MOST) if self.grep else self.most + (not self.follow)

    def keeps(self, line: LogLine) -> bool:
        """Whether a line is one of those asked for."""
        return self.grep is None or self.grep.search(line.text) is not None


def show_logs(world: World, request: Request, wanted: Wanted) -> ExitCode:
    """Show the lines that are asked for.

    Raises:
        UsageError: a site, unit or service is unknown.

    """
    meant = select_logs(world.inventory, request)
    looks = look_at(world.backend, sorted({unit.site for unit in meant.units}))
    asked = _asked(meant, looks.values(), wanted)
    problems = [look.problem for look in looks.values() if isinstance(look, Unseen)]
    problems += silent_nodes(looks.values(), asked)
    for unit in sorted(_without_services(meant, looks.values(), asked)):
        world.talk.say(f"{unit}: no service of it runs, so there is nothing to read")
    if wanted.follow:
        _tell(world, problems)
        return _followed(world, asked, wanted, problems)
    problems += _printed(world, asked, wanted)
    _tell(world, problems)
    return worst(problems)


def _asked(meant: Meant, looks: Iterable[Look], wanted: Wanted) -> tuple[LogQuery, ...]:
    return meant.services(
        query
        for look in looks
        if isinstance(look, Sight)
        for query in queries(
            look, meant.units, tail=wanted.read, since=wanted.since, follow=wanted.follow
        )
    )


def _without_services(meant: Meant, looks: Iterable[Look], asked: Sequence[LogQuery]) -> set[Unit]:
    seen = {look.site for look in looks if isinstance(look, Sight)}
    return {u for u in meant.units if u.site in seen} - {query.unit for query in asked}


def _printed(world: World, asked: Sequence[LogQuery], wanted: Wanted) -> tuple[Problem, ...]:
    found = collect(world.logs, asked, wanted.keeps, wanted.most)
    show = world.talk.log_lines({query.unit for query in asked})
    for line in found.lines:
        show(line)
    if found.cut and wanted.tail is None:
        names = ", ".join(f"{query.unit}/{query.service}" for query in found.cut[:3])
        more = f" and {len(found.cut) - 3} more" if len(found.cut) > 3 else ""  # noqa: PLR2004
        world.talk.say(f"the newest {wanted.most} lines each; older ones: --tail N ({names}{more})")
    return found.problems


def _followed(
    world: World, asked: Sequence[LogQuery], wanted: Wanted, problems: list[Problem]
) -> ExitCode:
    """Show what comes until all streams have ended, or until Ctrl-C, which is the usual end."""
    show = world.talk.log_lines({query.unit for query in asked})
    try:
        for item in follow(world.logs, asked, wanted.keeps, world.backend.now):
            if isinstance(item, Problem):
                problems.append(item)
                _tell(world, [item])
            else:
                show(item)
    except KeyboardInterrupt:
        world.talk.say("")
    return worst(problems)


def _tell(world: World, problems: Sequence[Problem]) -> None:
    if problems:
        world.talk.problems(problems)
