from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.ui.plan_graph import graph_of
from orchestrator.ui.plan_svg import plan_svg
from orchestrator.words.foreign import clean
from tests.ui.golden import assert_golden
from tests.ui.hostile import HOSTILE, planted
from tests.ui.test_plan_mermaid import strange
from tests.ui.test_plan_view import PLANS

SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = {f"{SVG}{name}" for name in ("svg", "title", "desc", "rect", "path", "text")}


def read(lines: list[str]) -> ET.Element:
    return ET.fromstring("\n".join(lines))  # noqa: S314 - read is what was just written


@pytest.mark.parametrize("name", ["one-unit", "nothing-to-do"])
def test_drawings_stay_as_they_are(name: str) -> None:
    assert_golden(f"plan-{name}-svg", plan_svg(PLANS[name]))


def test_a_reader_who_sees_nothing_is_told_the_order() -> None:
    root = read(plan_svg(PLANS["restart-all"]))
    assert root.get("role") == "img"
    named = [root.find(f"{SVG}{name}") for name in (root.get("aria-labelledby") or "").split()]
    title, described = (element.text for element in named if element is not None)
    assert title == "Plan of restart --all"
    assert "9 waves, one after the other. 1: check chime," in (described or "")


def test_every_step_stands_in_a_box_of_its_own() -> None:
    plan = PLANS["restart-all"]
    root = read(plan_svg(plan))
    labels = {text.text for text in root.iter(f"{SVG}text")}
    assert labels == {node.label for node in graph_of(plan).nodes}
    boxes = [(r.get("x"), r.get("y")) for r in root.iter(f"{SVG}rect") if r.get("rx")]
    assert len(set(boxes)) == len(plan.steps)


@given(HOSTILE)
def test_nothing_that_others_wrote_is_drawn(words: str) -> None:
    root = read(plan_svg(planted(words)))
    assert {element.tag for element in root.iter()} <= _DRAWN
    assert (root.findtext(f"{SVG}title") or "").split() == f"Plan of restart {clean(words)}".split()


@given(st.lists(HOSTILE, min_size=1, max_size=60))
def test_not_even_the_name_of_a_site_is(names: list[str]) -> None:
    assert {element.tag for element in read(plan_svg(strange(names))).iter()} <= _DRAWN
