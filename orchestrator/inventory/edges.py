"""Which unit depends on which, and what is wrong with that."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from orchestrator.errors import Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.inventory import placeholders
from orchestrator.inventory.declared import Declared
from orchestrator.inventory.document import complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`unit` depends on `on`, because line `index` of its stack's depends_on says so."""

    unit: Unit
    on: Unit
    index: int

    @property
    def line(self) -> tuple[str, int]:
        """The entry of a stack file that this edge comes from."""
        return self.unit.stack, self.index


def edges(declared: Declared) -> tuple[Edge, ...]:
    """Return every dependency with its placeholders filled, whether its target exists or not."""
    texts = declared.stack_texts
    return tuple(
        Edge(unit=unit, on=_target(text, unit.site, declared.sites.coordinator), index=index)
        for unit in (declaration.unit for declaration in declared.declarations)
        if unit.stack in texts
        for index, text in enumerate(texts[unit.stack].depends_on)
    )


def edge_problems(declared: Declared) -> Iterator[Problem]:
    """Yield dependencies that cannot be met: absent, planned, on itself, in a circle."""
    if declared.sites.coordinator not in declared.sites.sites:
        return  # said elsewhere; {coordinator} means nothing now
    found = edges(declared)
    for line, group in _by_line(found).items():
        yield from _line_problems(declared, line, group)
    yield from _cycles(declared, [edge for edge in found if edge.unit != edge.on])


def _target(text: str, site: str, coordinator: str) -> Unit:
    values = {placeholders.SITE: site, placeholders.COORDINATOR: coordinator}
    stack, place = placeholders.fill(text, values).split("@")
    return Unit(stack, place)


def _by_line(found: Iterable[Edge]) -> Mapping[tuple[str, int], list[Edge]]:
    lines: dict[tuple[str, int], list[Edge]] = {}
    for edge in found:
        lines.setdefault(edge.line, []).append(edge)
    return lines


def _line_problems(
    declared: Declared, line: tuple[str, int], group: list[Edge]
) -> Iterator[Problem]:
    where = _where(declared, line)
    itself = [edge for edge in group if edge.unit == edge.on]
    if itself:
        what = f"depends_on: {itself[0].unit} would depend on itself{_more(itself)}"
        yield complaint("self-dependency", what, where, fix="delete this line")
    absent = [edge for edge in group if _is_absent(declared, edge.on)]
    if absent:
        stack, site = absent[0].on.stack, absent[0].on.site
        what = f"depends_on: {absent[0].unit} needs {absent[0].on}, which is not declared"
        fix = f"add {stack} to the stacks of {site} in sites.yaml, or name another unit here"
        yield complaint("undeclared-unit", what + _more(absent), where, fix=fix)
    planned = [edge for edge in group if _is_too_early(declared, edge)]
    if planned:
        what = f"depends_on: {planned[0].unit} needs {planned[0].on}, whose site is only planned"
        fix = f"make {planned[0].on.site} active, or {planned[0].unit.site} planned as well"
        yield complaint("planned-dependency", what + _more(planned), where, fix=fix)


def _is_absent(declared: Declared, unit: Unit) -> bool:
    site = declared.sites.sites.get(unit.site)
    if site is None or unit.stack not in (declared.stacks or {}):
        return False  # said elsewhere
    if any(trail[:2] == ("sites", unit.site) for trail in declared.document.incomplete):
        return False  # it may stand in the part that was dropped
    return unit.stack not in site.stacks


def _is_too_early(declared: Declared, edge: Edge) -> bool:
    here, there = (declared.sites.sites.get(unit.site) for unit in (edge.unit, edge.on))
    return bool(here and there and here.state == "active" and there.state == "planned")


def _more(group: list[Edge]) -> str:
    others = len(group) - 1
    return f" (and {others} more unit{'s' if others > 1 else ''} likewise)" if others else ""


def _cycles(declared: Declared, found: list[Edge]) -> Iterator[Problem]:
    """Yield each circle once: after one is found, the line that closes it is left out."""
    while cycle := _cycle(found):
        closing = next(e for e in found if e.unit == cycle[0] and e.on == cycle[1])
        what = f"depends_on: a circle: {' -> '.join(str(unit) for unit in cycle)}"
        fix = "delete one of these dependencies: nothing could ever start"
        yield complaint("cycle", what, _where(declared, closing.line), fix=fix)
        found = [edge for edge in found if edge.line != closing.line]


def _cycle(found: Iterable[Edge]) -> tuple[Unit, ...]:
    """Return units, each depending on the next, the first one again at the end; () if none."""
    graph: dict[Unit, set[Unit]] = {}
    for edge in found:
        graph.setdefault(edge.unit, set()).add(edge.on)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # Each unit in args[1] is a predecessor of the next one: the next one depends on it.
        ring: list[Unit] = list(reversed(error.args[1]))[:-1]
        first = ring.index(min(ring))
        return (*ring[first:], *ring[:first], ring[first])
    return ()


def _where(declared: Declared, line: tuple[str, int]) -> Where:
    stack, index = line
    files = declared.stacks or {}
    return files[stack].document.at(("depends_on", index))
