import re
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode
from tests.inventory.rendering import CASES, rendered, told

FOLDERS = sorted(CASES.iterdir())
POSITION = re.compile(r"^(sites|stacks/[\w-]+)\.yaml:[1-9]\d*:[1-9]\d* inventory\.[a-z0-9-]+: \S")


def test_there_are_enough_cases() -> None:
    assert len(FOLDERS) >= 45


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_malformed_inventory_is_told_as_expected(case: Path) -> None:
    """Every golden gives file, line and column, what is wrong and what to write instead."""
    expected = (case / "expected.txt").read_text(encoding="utf-8")

    problems = told(case)

    assert rendered(problems, case) == expected
    heads, fixes = expected.splitlines()[::2], expected.splitlines()[1::2]
    assert heads
    assert all(POSITION.match(head) for head in heads)
    assert all(re.match(r"    fix: \S", fix) for fix in fixes)
    assert {problem.exit_code for problem in problems} == {ExitCode.INVENTORY_INVALID}
    assert {problem.runbook for problem in problems} == {"inventory-invalid"}


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_position_lies_within_the_file(case: Path) -> None:
    for problem in told(case):
        text = Path(problem.where.file).read_bytes().decode("utf-8", errors="replace")
        lines = text.split("\n")
        assert problem.where.line <= len(lines)
        assert problem.where.column <= len(lines[problem.where.line - 1]) + 1


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_no_secret_is_repeated(case: Path) -> None:
    """`hunter2` and 1234567890 stand in the cases where an operator's secret would."""
    words = rendered(told(case), case)
    assert "hunter2" not in words
    assert "1234567890" not in words
