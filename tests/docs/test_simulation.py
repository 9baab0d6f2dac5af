from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import pytest

from orchestrator.inventory.load import load_inventory
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.build import build_fleet
from orchestrator.simulation.faults import UNDONE_BY, FaultKind
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.registry import Access
from orchestrator.simulation.scenario import (
    BehaviourText,
    FaultText,
    Scenario,
    SiteText,
    load_scenario,
)
from tests.docs.pages import DOCS, ROOT, blocks, first_codes, rows, sections, spans

PAGE = (DOCS / "simulation.md").read_text(encoding="utf-8")
SECTIONS = sections(PAGE)
EXAMPLES = tuple(block.body for block in blocks(PAGE) if block.info == "yaml scenario")


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("The file", Scenario.model_fields),
        ("A site", SiteText.model_fields),
        ("A behaviour", BehaviourText.model_fields),
        ("A fault", FaultText.model_fields),
    ],
)
def test_every_key_is_explained_and_no_other(section: str, keys: Mapping[str, object]) -> None:
    assert sorted(first_codes(SECTIONS[section])) == sorted(keys)


@pytest.mark.parametrize(("section", "kinds"), [("Kinds", Kind), ("Kinds of faults", FaultKind)])
def test_every_kind_is_explained_and_no_other(section: str, kinds: type[Enum]) -> None:
    assert sorted(first_codes(SECTIONS[section])) == sorted(kind.value for kind in kinds)


@pytest.mark.parametrize(("key", "words"), [("link", LinkState), ("registry", Access)])
def test_every_word_that_a_key_may_hold_is_named(key: str, words: type[Enum]) -> None:
    row = next(row for row in rows(SECTIONS["A site"]) if row[0] == f"`{key}`")
    assert {word.value for word in words} <= set(spans(row[1]))


def test_what_undoes_a_fault_is_said_as_it_is() -> None:
    said = {row[0].strip("`"): row[2].strip("`") for row in rows(SECTIONS["Kinds of faults"])}
    done = {kind.value: undo.value for kind, undo in UNDONE_BY.items()}
    assert {kind: undo for kind, undo in said.items() if undo} == done


def test_defaults_of_plain_values_are_said_as_they_are() -> None:
    for section, model in (("A behaviour", BehaviourText), ("A site", SiteText)):
        for key, _, default in rows(SECTIONS[section]):
            value = model.model_fields[key.strip("`")].default
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(default) == value, key


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_scenario_for_the_production_inventory(
    example: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(example, encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.description
    build_fleet(load_inventory(ROOT / "sites.yaml"), scenario, 1)


def test_there_are_examples() -> None:
    assert EXAMPLES
