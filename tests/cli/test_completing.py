from pathlib import Path

import pytest

from orchestrator.cli.completing import complete
from orchestrator.inventory.load import load_inventory
from tests.docs.pages import ROOT


def test_the_quick_names_are_those_of_the_inventory() -> None:
    inventory = load_inventory(ROOT / "sites.yaml")
    assert complete(ROOT / "sites.yaml", "site") == [site.name for site in inventory.sites]
    assert complete(ROOT / "sites.yaml", "stack") == sorted({s.unit.stack for s in inventory.units})
    assert complete(ROOT / "sites.yaml", "unit") == [str(spec.unit) for spec in inventory.units]


@pytest.mark.parametrize(
    "text",
    ["", "sites: [a]", "sites: {a: b}", "a: [", "[]", "sites: {a: {stacks: 3}}", "\x00", "é: 1"],
)
def test_a_broken_inventory_completes_what_it_can_and_never_fails(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "sites.yaml"
    file.write_bytes(text.encode("latin-1"))
    assert complete(file, "unit") == []


def test_a_site_without_stacks_is_a_site(tmp_path: Path) -> None:
    file = tmp_path / "sites.yaml"
    file.write_text("sites: {a: {manager: x}, b: {stacks: {c: {}}}}")
    assert complete(file, "site") == ["a", "b"]
    assert complete(file, "unit") == ["c@b"]


def test_no_inventory_completes_nothing(tmp_path: Path) -> None:
    assert complete(tmp_path / "none.yaml", "site") == []
