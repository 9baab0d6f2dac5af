"""The page of who can do what: whatever is said to be stopped is shown by a test that there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, sections

PAGE = (DOCS / "security.md").read_text("utf-8")
_ITEM = re.compile(r"^- (?P<text>.*(?:\n  .*)*)$", re.MULTILINE)
_FILE = re.compile(r"  `(tests/[\w/]+\.py)`:")
_TEST = re.compile(r"  `(test_\w+)`")
ITEMS = tuple(item["text"] for item in _ITEM.finditer(PAGE))


def shown(text: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the name of each test that is named."""
    file = ""
    for line in text.splitlines():
        if named := _FILE.fullmatch(line):
            file = named[1]
        elif named := _TEST.fullmatch(line):
            yield file, named[1]


SHOWN = tuple(shown(PAGE))


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "test"), SHOWN)
def test_a_test_that_is_named_is_there(file: str, test: str) -> None:
    assert file
    assert test in names_in(ROOT / file)


def test_whatever_stops_somebody_is_shown_by_a_test_or_is_open() -> None:
    assert ITEMS
    for item in ITEMS:
        assert item.startswith("Open: ") != bool([*shown(item)]), item


def test_every_test_on_the_page_is_read() -> None:
    assert len(SHOWN) == PAGE.count("`test_")


def test_everybody_has_something_said_of_them() -> None:
    for head, text in list(sections(PAGE).items())[1:]:
        assert _ITEM.search(text), head
