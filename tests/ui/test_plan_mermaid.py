import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.ui.plan_mermaid import mermaid_text, plan_mermaid
from tests.ui.golden import assert_golden
from tests.ui.hostile import HOSTILE, planted
from tests.ui.test_plan_view import PLANS

_TEXT = r"(?:[^\W_]|[-.,()/ ]|#[0-9]+;)+"
_GRAMMAR = re.compile(
    rf'  (?:n\d+(?:\["{_TEXT}"\]|\("{_TEXT}"\)|{{{{"{_TEXT}"}}}})'
    r"|n\d+ --> n\d+"
    r"|classDef [a-z]+ fill:#[0-9a-f]{3},stroke:#[0-9a-f]{3},color:#000"
    r"|class n\d+(?:,n\d+)* [a-z]+)"
)
"""The part of Mermaid's flowchart syntax that is used; its own parser needs Node.js."""


def assert_well_formed(lines: list[str]) -> None:
    assert lines[0] == "flowchart LR"
    for line in lines[1:]:
        assert _GRAMMAR.fullmatch(line), line


@pytest.mark.parametrize("name", ["restart-all", "twenty-five", "nothing-to-do", "down-server"])
def test_graphs_read_well(name: str) -> None:
    assert_golden(f"plan-{name}-mermaid", plan_mermaid(PLANS[name]))


@given(HOSTILE)
def test_nothing_that_others_wrote_becomes_syntax(words: str) -> None:
    assert_well_formed(plan_mermaid(planted(words)))


@given(st.lists(HOSTILE, min_size=1, max_size=60))
def test_not_even_the_name_of_a_site_does(names: list[str]) -> None:
    assert_well_formed(plan_mermaid(strange(names)))


@given(HOSTILE)
def test_a_label_says_what_it_was_given(words: str) -> None:
    back = re.sub(r"#([0-9]+);", lambda found: chr(int(found[1])), mermaid_text(words))
    assert back == words


def strange(names: list[str]) -> Plan:
    """Return a plan of sites that no inventory would let through."""
    steps = [
        Step(id=f"{number} {name}", kind=StepKind.EXAMINE, site=name)
        for number, name in enumerate(names)
    ]
    gate = Step(
        id=f"gate: {names[0]}",
        kind=StepKind.GATE,
        site="chime",
        needs=tuple(step.id for step in steps),
    )
    plan = PLANS["nothing-to-do"]
    return Plan(
        command=plan.command,
        selection=plan.selection,
        coordinator=plan.coordinator,
        revisions=(),
        units=(),
        steps=(*steps, gate),
    )
