"""No command to type is written by hand: `typed` builds it, and it is one that can be typed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import cli
from orchestrator.command_line import VERBS
from tests.docs.pages import ROOT
from tests.docs.typed import parse

_BEGINS = re.compile(rf"\bdtdeploy (?:{{}}|(?:{'|'.join(VERBS)})\b)")
SOURCES = sorted((ROOT / "orchestrator").rglob("*.py"))
BY_HAND = {
    "engine/findings.py": "evidence: what the run that holds the lock was begun with",
    "procedures/announcement.py": "a message to people says what was typed",
    "report/markdown_form.py": "the title says what was typed",
    "ui/plan_markdown.py": "the title says what was typed",
    "cli/telling.py": "the name of a span, and of an annotation",
    "ui/ci.py": "the title of an annotation",
}
"""Where the program's name stands before something that is no command to type, and why."""


def _docstrings(tree: ast.Module) -> set[int]:
    """Return the ids of docstrings: help pages, checked as pages are."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every text, with `{}` for what is put into it."""
    skipped = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
            yield node.lineno, "".join(map(str, parts))
            skipped |= {id(value) for value in node.values}
        elif isinstance(node, ast.Call):
            skipped |= {id(word.value) for word in node.keywords if word.arg == "help"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            yield node.lineno, str(node.value)


def by_hand(path: Path) -> list[str]:
    """Return where a command is written out, or pasted together."""
    found = _texts(ast.parse(path.read_text(encoding="utf-8")))
    return [f"{path}:{line}: {text}" for line, text in found if _BEGINS.search(text)]


def test_no_command_is_written_by_hand() -> None:
    found = {
        str(path.relative_to(ROOT / "orchestrator")): lines
        for path in SOURCES
        if (lines := by_hand(path))
    }
    unknown = {name: lines for name, lines in found.items() if name not in BY_HAND}
    assert unknown == {}, "build it with orchestrator.command_line.typed"
    assert set(BY_HAND) == set(found)


@pytest.mark.parametrize(
    "text",
    [
        'x = "dtdeploy up --all"',
        'x = f"dtdeploy {words}"',
        'f(fix=f"{a}, then dtdeploy status")',
    ],
)
def test_one_that_is_would_be_found(tmp_path: Path, text: str) -> None:
    path = tmp_path / "new.py"
    path.write_text(text)
    assert by_hand(path)


def _offered() -> Iterator[tuple[str, ...]]:
    """Yield the words of every call of `typed`; a name stands for a unit, whatever it is."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "typed":
                yield tuple(map(_word, node.args))


def _word(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "x@y"


UNSAID = {"x@y", "..."}
"""Instead of a command's name: it is put in, or left to the reader."""


@pytest.mark.parametrize(
    "words", sorted({w for w in _offered() if not UNSAID & {*w[:2]} or len(w) > 2})
)
def test_what_is_offered_can_be_typed(words: tuple[str, ...]) -> None:
    if words[0] in UNSAID:
        pytest.skip("the command is put in")
    try:
        parse(cli, words)
    except (click.MissingParameter, click.BadParameter):
        pytest.skip("a value is put in")
