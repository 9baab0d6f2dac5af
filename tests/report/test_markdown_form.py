from markdown_it import MarkdownIt

from orchestrator.report.markdown_form import report_markdown
from tests.report.journals import killed_and_resumed, read, simulated_failure, whole_restart
from tests.report.test_html_form import FAILED

MARKDOWN = MarkdownIt("commonmark").enable("table")


def test_it_says_how_it_ended_and_what_to_type() -> None:
    text = report_markdown(FAILED)
    assert text.startswith("# <code>dtdeploy restart --all</code>: failed\n")
    assert "```\ndtdeploy up --owed\n```" in text
    assert "| <code>" in report_markdown(read(*whole_restart()))


def test_words_of_others_are_nothing_but_words() -> None:
    for run in (FAILED, killed_and_resumed(), simulated_failure()):
        html = MARKDOWN.render(report_markdown(run))
        assert "<script>" not in html
        assert "<b>" not in html


def test_a_run_in_several_lives_tells_of_each() -> None:
    text = report_markdown(killed_and_resumed())
    assert "begun by <code>ann&#64;desk</code>, no end written" in text
    assert "resumed by <code>ann&#64;desk</code>, exit code 0" in text
