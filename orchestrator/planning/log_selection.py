"""Which services' logs are meant: units as everywhere, and names of services behind a slash."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from rapidfuzz import process

from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.fleet.logs import LogQuery
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.selection import Request, select_seen

Patterns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Units, and of some of them only services that one of their patterns matches."""

    units: frozenset[Unit]
    patterns: Mapping[Unit, tuple[str, ...]]

    def services(self, queries: Iterable[LogQuery]) -> tuple[LogQuery, ...]:
        """Return those of `queries` that are meant.

        Raises:
            UsageError: a pattern matches no service of its unit, whose services are all known.

        """
        known = tuple(queries)
        seen = {query.unit for query in known}
        problems = [
            _unknown(unit, pattern, [query.service for query in known if query.unit == unit])
            for unit, patterns in sorted(self.patterns.items())
            for pattern in patterns
            if unit in seen
            and not any(_fits(query, pattern) for query in known if query.unit == unit)
        ]
        if problems:
            raise UsageError(problems)
        return tuple(query for query in known if self._means(query))

    def _means(self, query: LogQuery) -> bool:
        if query.unit not in self.units:
            return False
        patterns = self.patterns.get(query.unit)
        return patterns is None or any(_fits(query, pattern) for pattern in patterns)


def select_logs(inventory: Inventory, request: Request) -> Meant:
    """Return what `request` means; its units may be written stack@site/service.

    A service goes by the name in its compose file, by its full name, or by a pattern of these
    with `*`, `?` and `[..]`. Nothing asked for is everything.

    Raises:
        UsageError: a site, stack or unit is unknown, or nothing that is contacted is meant.

    """
    pairs = [name.partition("/") for name in request.units]
    names = tuple(dict.fromkeys(unit for unit, _, _ in pairs))
    units = frozenset(select_seen(inventory, replace(request, units=names)))
    by_name: dict[str, list[str]] = {}
    whole = {unit for unit, _, pattern in pairs if not pattern}
    for unit, _, pattern in pairs:
        if unit not in whole:
            by_name.setdefault(unit, []).append(pattern)
    patterns = {unit: tuple(by_name[str(unit)]) for unit in units if str(unit) in by_name}
    return Meant(units=units, patterns=patterns)


def _fits(query: LogQuery, pattern: str) -> bool:
    full = f"{query.unit.stack}_{query.service}"
    return fnmatchcase(query.service, pattern) or fnmatchcase(full, pattern)


def _unknown(unit: Unit, pattern: str, names: Sequence[str]) -> Problem:
    found = process.extractOne(pattern, names, score_cutoff=60)
    known = f"known are: {', '.join(names)}"
    return Problem(
        code="selection.unknown-service",
        what=f"{unit} has no service called {pattern!r}",
        exit_code=ExitCode.USAGE,
        fix=f"did you mean {unit}/{found[0]}?" if found else known,
    )
