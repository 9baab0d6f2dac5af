import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def survivors() -> ModuleType:
    """The script as a module: it stands in no package."""
    spec = importlib.util.spec_from_file_location("survivors", ROOT / "scripts/lib/survivors.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    sys.modules["survivors"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("orchestrator.procedures.remove.x__guarded__mutmut_23", "procedures.remove._guarded"),
        ("orchestrator.planning.graph.x_waves__mutmut_1", "planning.graph.waves"),
        ("orchestrator.engine.keeper.xǁKeeperǁ__init____mutmut_9", "engine.keeper.Keeper.__init__"),
        ("orchestrator.engine.keeper.xǁKeeperǁask__mutmut_2", "engine.keeper.Keeper.ask"),
    ],
)
def test_a_mutant_is_named_by_its_function(survivors: ModuleType, name: str, where: str) -> None:
    assert survivors.where(name) == where


def test_a_diff_is_told_by_what_its_line_says_then(survivors: ModuleType) -> None:
    head = "# x: survived\n--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n same\n"
    assert survivors.says(f"{head}-    gone = 0\n+    gone = 1\n") == "gone = 1"
    assert survivors.says(f"{head}-    where=here,\n") == "without where=here,"


RESULTS = (
    "    m.x_a__mutmut_1: killed\n    m.x_a__mutmut_2: survived\n    m.x_b__mutmut_1: no tests\n"
)


def test_each_mutants_end_is_read(survivors: ModuleType) -> None:
    assert survivors.statuses(RESULTS) == {
        "m.x_a__mutmut_1": "killed",
        "m.x_a__mutmut_2": "survived",
        "m.x_b__mutmut_1": "no tests",
    }


PAGE = """
| Where | What it says then | Why |
|---|---|---|
| `a.b.c` | `x: int \\| None = ""` | It is never asked. |
| `a.b.d` | `y = 2` | |
"""


def test_a_row_explains_only_with_a_reason(survivors: ModuleType) -> None:
    assert survivors.explained(PAGE) == {survivors.Survivor("a.b.c", 'x: int | None = ""')}


def test_what_survives_unexplained_is_wrong(survivors: ModuleType) -> None:
    one = survivors.Survivor("a.b.c", "x = 1")
    assert survivors.verdict(set(), {one}, {"a.b.c"}) == ["survived unexplained: a.b.c: x = 1"]
    assert survivors.verdict({one}, {one}, {"a.b.c"}) == []


def test_what_is_explained_for_nothing_is_wrong_where_it_was_tried(survivors: ModuleType) -> None:
    one = survivors.Survivor("a.b.c", "x = 1")
    words = "explained, but did not survive: a.b.c: x = 1"
    assert survivors.verdict({one}, set(), {"a.b.other"}) == [words]
    assert survivors.verdict({one}, set(), {"a.z.c"}) == []


def test_a_run_that_changed_nothing_shows_nothing(survivors: ModuleType) -> None:
    assert survivors.verdict(set(), set(), set()) == ["nothing was changed"]
