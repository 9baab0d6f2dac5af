import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from orchestrator.fleet.unit import Unit
from orchestrator.ui.plan_markdown import MARKER, plan_markdown
from orchestrator.ui.saved_view import SavedHead
from tests.ui.golden import assert_golden
from tests.ui.hostile import HOSTILE, planted
from tests.ui.test_plan_view import PLANS
from tests.ui.values import plan_of, unit_plan
from tests.words.test_markdown import GITHUB, inline

_OWN_BLOCKS = re.compile(r"<!-- dtdeploy plan -->|</?details>|<summary>[A-Za-z', ]+</summary>|\s+")
_OWN_TOKENS = {"text", "text_special", "html_inline", "strong_open", "strong_close"}


@pytest.mark.parametrize("name", PLANS)
def test_plans_read_well(name: str) -> None:
    assert_golden(f"plan-{name}-markdown", plan_markdown(PLANS[name]))


@given(HOSTILE)
@settings(max_examples=300)
def test_nothing_that_others_wrote_becomes_markdown_or_html(words: str) -> None:
    lines = plan_markdown(planted(words))
    for token in GITHUB.parse("\n".join(lines)):
        if token.type == "html_block":
            assert _OWN_BLOCKS.sub("", token.content) == ""
    tokens = [token for token in inline(lines) if token.type != "softbreak"]
    assert {token.type for token in tokens} <= _OWN_TOKENS
    html = {token.content for token in tokens if token.type == "html_inline"}
    assert html <= {"<code>", "</code>"}


@given(HOSTILE)
def test_the_shape_is_the_same_whatever_others_wrote(words: str) -> None:
    harmless = [t.type for t in GITHUB.parse("\n".join(plan_markdown(planted("words"))))]
    tokens = [t.type for t in GITHUB.parse("\n".join(plan_markdown(planted(f"words {words}"))))]
    assert tokens == harmless


def test_a_job_finds_its_own_comment_by_the_first_line() -> None:
    assert plan_markdown(PLANS["restart-all"])[0] == MARKER


def test_the_price_stands_right_under_the_title() -> None:
    lines = plan_markdown(PLANS["restart-all"])
    assert lines[3].startswith("- **RISK** <code>datatrail&#64;chime</code> down for 14 s")
    assert lines[4].startswith("- **GOES DOWN** <code>datatrail&#64;chime")


def test_secrets_are_hidden() -> None:
    text = "\n".join(plan_markdown(planted("https://bot:hunter2@git.example DB_PASSWORD=hunter2")))
    assert "hunter2" not in text


def test_a_plan_that_is_too_long_for_a_comment_says_so() -> None:
    """GitHub refuses a comment of more than 65,536 characters."""
    many = [Unit(stack="datatrail-client", site=f"s{number}") for number in range(2000)]
    units = (unit_plan(u, reason=f"why {u}" * 5, dangers=(f"danger {u}",)) for u in many)
    lines = plan_markdown(plan_of(*units))
    assert sum(len(line) + 1 for line in lines) < 65_536
    assert lines[-1] == "*2 parts of the plan would not fit; see the log.*"


def test_a_saved_plan_is_named_by_its_hash_and_how_it_is_applied() -> None:
    made = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    head = SavedHead(
        file="a.plan", sha256="ab" * 32, id="i", creator="x", created=made, expires=made
    )
    lines = plan_markdown(PLANS["restart-all"], head)
    assert lines[3] == f"- **PLAN** <code>{'ab' * 32}</code>, good until 2026-11-22 03:00 UTC"
    apply = f"dtdeploy apply a&#46;plan --expect {'ab' * 32}"
    assert lines[4] == f"- **APPLY** <code>{apply}</code>"


def test_commits_and_changes_are_folded_but_there() -> None:
    text = "\n".join(plan_markdown(planted("the subject")))
    assert "<summary>What differs, and which commits come</summary>" in text
    assert "the subject" in text
