"""The forms that a run's report is written in."""

import json
from collections.abc import Callable, Mapping
from enum import Enum

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.report.html_form import report_html
from orchestrator.report.json_form import report_json
from orchestrator.report.markdown_form import report_markdown
from orchestrator.report.timeline import Timeline


class Form(Enum):
    """How a report is written."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"

    @property
    def ending(self) -> str:
        """Return how the name of its file ends."""
        return ".md" if self is Form.MARKDOWN else f".{self.value}"


def written(run: Timeline, form: Form, manner: Manner = AS_IT_IS) -> str:
    """Return the report of a run in one form; `manner` is how commands have to be typed."""
    return _WRITERS[form](run, manner)


def _json(run: Timeline, manner: Manner) -> str:
    return json.dumps(report_json(run, manner), indent=1) + "\n"


_WRITERS: Mapping[Form, Callable[[Timeline, Manner], str]] = {
    Form.HTML: report_html,
    Form.MARKDOWN: report_markdown,
    Form.JSON: _json,
}
