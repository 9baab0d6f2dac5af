"""How golden files write problems down.

After a wanted change of words, `python -m tests.inventory.rendering` writes every expected.txt
anew; read the difference before committing it.
"""

from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import InventoryError, Problem
from orchestrator.inventory.load import load_inventory

CASES = Path(__file__).parent / "cases"


def rendered(problems: Iterable[Problem], root: Path) -> str:
    """Return each problem as two lines, with paths relative to `root`."""
    lines = (f"{p.where} {p.code}: {p.what}\n    fix: {p.fix}\n" for p in problems)
    return "".join(lines).replace(f"{root}/", "")


def told(case: Path) -> tuple[Problem, ...]:
    """Return what loading the inventory in folder `case` complains about."""
    try:
        load_inventory(case / "sites.yaml")
    except InventoryError as error:
        return error.problems
    return ()


if __name__ == "__main__":
    for folder in CASES.iterdir():
        (folder / "expected.txt").write_text(rendered(told(folder), folder), encoding="utf-8")
