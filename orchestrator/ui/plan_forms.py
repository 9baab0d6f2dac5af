"""The forms that a plan can be written in, besides what is meant for a terminal."""

from collections.abc import Sequence
from typing import Literal, assert_never

from orchestrator.errors import Problem
from orchestrator.planning.plan import Plan
from orchestrator.ui.form import Form
from orchestrator.ui.plan_markdown import plan_markdown
from orchestrator.ui.plan_mermaid import plan_mermaid
from orchestrator.ui.plan_svg import plan_svg
from orchestrator.ui.saved_view import SavedHead


def plan_lines(
    plan: Plan,
    form: Literal[Form.MARKDOWN, Form.MERMAID, Form.SVG],
    saved: SavedHead | None = None,
    refused: Sequence[Problem] = (),
) -> list[str]:
    """Return the lines of a plan in `form`.

    `saved` is its file, `refused` what a run of it would be refused for: a drawing has neither.
    """
    match form:
        case Form.MARKDOWN:
            return plan_markdown(plan, saved, refused)
        case Form.MERMAID:
            return plan_mermaid(plan)
        case Form.SVG:
            return plan_svg(plan)
        case _:
            assert_never(form)
