import pytest

from orchestrator.ui.form import Form
from orchestrator.ui.plan_forms import plan_lines
from tests.ui.test_plan_view import PLANS


@pytest.mark.parametrize(
    ("form", "first"),
    [
        (Form.MARKDOWN, "<!-- dtdeploy plan -->"),
        (Form.MERMAID, "flowchart LR"),
        (Form.SVG, "<svg "),
    ],
)
def test_each_form_begins_as_its_readers_expect(form: Form, first: str) -> None:
    assert plan_lines(PLANS["restart-all"], form)[0].startswith(first)  # type: ignore[arg-type] # the three written forms
