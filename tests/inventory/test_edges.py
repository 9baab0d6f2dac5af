"""Random dependency graphs: a cycle is found exactly when there is one."""

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inventory.rendering import told
from tests.inventory.writing import APP, SITES, write

NAMES = ("app-a", "app-b", "app-c", "app-d", "app-e")
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]


def reaches(edges: frozenset[tuple[str, str]], start: str, end: str) -> bool:
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        news = {to for origin, to in edges if origin == here} - found
        found, todo = found | news, [*todo, *news]
    return end in found


def load(edges: frozenset[tuple[str, str]]) -> list[str]:
    """Return the circles that are told."""
    stacks = {
        name.replace("-", "_"): APP
        + "depends_on: ["
        + ", ".join(f'"{to}@{{site}}"' for origin, to in sorted(edges) if origin == name)
        + "]\n"
        for name in NAMES
    }
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "x", SITES.replace("[app]", f"[{', '.join(NAMES)}]"), **stacks)
        problems = told(Path(folder) / "x")
    assert {problem.code for problem in problems} <= {"inventory.cycle"}
    return [problem.what.rpartition(": ")[2] for problem in problems]


@settings(max_examples=60)
@given(st.frozensets(st.sampled_from(PAIRS), max_size=9))
def test_circles_are_told_exactly_where_they_are(edges: frozenset[tuple[str, str]]) -> None:
    circular = {name for name, to in edges if reaches(edges, to, name)}

    circles = load(edges)

    assert bool(circles) == bool(circular)
    for circle in circles:
        units = circle.split(" -> ")
        names = [unit.removesuffix("@hub") for unit in units]
        assert names[0] == names[-1]
        assert set(pairwise(names)) <= edges
        assert set(names) <= circular
