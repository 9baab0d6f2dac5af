import re
from collections.abc import Callable

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.words.foreign import clean
from orchestrator.words.markdown import code, fenced, folded, prose, table
from tests.ui.hostile import HOSTILE

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_MENTION = re.compile(r"(?<!\w)[@#!]\w|GH-\d|://|www\.|\w@\w")
"""What GitHub or GitLab would make a mention, a reference or a link of."""


def inline(lines: list[str]) -> list[Token]:
    tokens = GITHUB.parse("\n".join(lines))
    return [child for token in tokens for child in token.children or ()]


def shown(tokens: list[Token]) -> str:
    return "".join(token.content for token in tokens if token.type in ("text", "text_special"))


def outside_code(tokens: list[Token]) -> str:
    words, inside = [], False
    for token in tokens:
        if token.type == "html_inline":
            inside = token.content == "<code>"
        elif token.type in ("text", "text_special") and not inside:
            words.append(token.content)
        words.append("\n" if inside else "")
    return "".join(words)


@given(HOSTILE)
@pytest.mark.parametrize("escape", [prose, code])
def test_foreign_words_are_shown_as_they_are_and_nothing_more(
    escape: Callable[[str], str], words: str
) -> None:
    tokens = inline([f"- {escape(words)} after"])
    assert shown(tokens).split() == [*clean(words).split(), "after"]
    assert {token.type for token in tokens} <= {"text", "text_special", "html_inline"}
    html = {token.content for token in tokens if token.type == "html_inline"}
    assert html <= {"<code>", "</code>"}
    assert not _MENTION.search(outside_code(tokens))


@given(HOSTILE)
def test_a_cell_stays_one_cell(words: str) -> None:
    tokens = GITHUB.parse("\n".join(table(("a", "b"), [(prose(words), code(words))])))
    assert sum(token.type == "td_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2


@given(HOSTILE, HOSTILE)
def test_a_fence_holds_all_that_is_in_it(one: str, two: str) -> None:
    lines = [clean(one), clean(two)]
    tokens = GITHUB.parse("\n".join([*fenced(lines), "after"]))
    assert tokens[0].type == "fence"
    assert tokens[0].content == "\n".join(lines) + "\n"
    assert shown(inline([*fenced(lines), "after"])) == "after"


def test_plain_prose_stays_readable() -> None:
    assert prose("datatrail@chime goes down, for everybody who uses it") == (
        "<code>datatrail&#64;chime</code> goes down, for everybody who uses it"
    )


def test_nothing_is_nothing() -> None:
    assert (prose(""), code("\x1b[2J")) == ("", "")


def test_what_is_folded_is_shown_by_its_summary() -> None:
    lines = folded("Order", ["- a"])
    assert lines[1] == "<summary>Order</summary>"
    assert "<li>a</li>" in GITHUB.render("\n".join(lines))
