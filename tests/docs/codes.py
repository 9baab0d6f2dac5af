"""The codes of all problems that the code can report, read from the code itself.

A code is a dotted word in one of the namespaces below, or the first plain word that is given
to a helper which puts the namespace before it. One that is put together while the program runs
is a pattern.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs.pages import ROOT

NAMESPACES = (
    *(
        "announce",
        "answer",
        "audit",
        "deploy",
        "docker",
        "inventory",
        "journal",
        "lock",
        "logs",
        "owed",
        "plan",
    ),
    *(
        "freeze",
        "guard",
        "preflight",
        "registry",
        "release",
        "removal",
        "restore",
        "rollback",
        "run",
    ),
    *(
        "freeze",
        "guard",
        "scenario",
        "selection",
        "site",
        "source",
        "ssh",
        "swarm",
        "usage",
        "variables",
        "without",
    ),
)
_HELPERS = {
    "inventory": {"complaint", "complain", "refuse", "_rule"},
    "sources": {"add", "_problem", "_error"},
}
_PREFIX = {"inventory": "inventory", "sources": "source"}
_LOGS = {"debug", "info", "warning", "error"}
_DOTTED = re.compile(rf"({'|'.join(NAMESPACES)})\.[a-z0-9]+(-[a-z0-9]+)*")
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TRANSLATED = 3
"""diagnostics.py turns pydantic's findings into (code, what, fix)."""


@dataclass(frozen=True)
class Found:
    """Codes as they stand in the code, and patterns of those that are put together."""

    codes: frozenset[str]
    patterns: frozenset[str]


@cache
def found() -> Found:
    codes: set[str] = set()
    patterns: set[str] = set()
    for path in sorted((ROOT / "orchestrator").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        codes |= set(_dotted(tree)) | set(_given(tree, path))
        patterns |= set(_patterns(tree))
    return Found(frozenset(codes), frozenset(patterns))


def _dotted(tree: ast.Module) -> Iterator[str]:
    logged = {id(call.args[0]) for call in _calls(tree) if call.args and _name(call) in _LOGS}
    for node in ast.walk(tree):
        word = node.value if isinstance(node, ast.Constant) else None
        if isinstance(word, str) and _DOTTED.fullmatch(word) and id(node) not in logged:
            yield word


def _given(tree: ast.Module, path: Path) -> Iterator[str]:
    folder = path.relative_to(ROOT / "orchestrator").parts[0]
    helpers = _HELPERS.get(folder, set())
    for call in _calls(tree):
        words = list(_words(call.args))
        if _name(call) in helpers and words and not _adds_elsewhere(call):
            yield f"{_PREFIX[folder]}.{words[0]}"
        for keyword in call.keywords:
            if keyword.arg == "custom_error_type":
                yield from (f"{_PREFIX[folder]}.{word}" for word in _words([keyword.value]))
    for value in _assigned(tree, {"AMBIGUOUS", "_CODES"}):
        yield from (f"{_PREFIX[folder]}.{word}" for word in _words(ast.walk(value)))
    if path.name == "diagnostics.py":
        triples = (n for n in ast.walk(tree) if isinstance(n, ast.Tuple))
        for triple in triples:
            if len(triple.elts) == _TRANSLATED:
                yield from (f"inventory.{word}" for word in _words(triple.elts[:1]))


def _patterns(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z-]+"
                for part in node.values
            ]
            pattern = "".join(parts)
            if re.match(rf"({'|'.join(NAMESPACES)})\\\.", pattern) and "/" not in pattern:
                yield pattern


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _adds_elsewhere(call: ast.Call) -> bool:
    """Whether this is `add` of something else than findings."""
    return _name(call) == "add" and "findings" not in ast.unparse(call.func)


def _words(nodes: "Iterator[ast.AST] | list[ast.expr]") -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _PLAIN.fullmatch(node.value):
                yield node.value
        elif isinstance(node, ast.Call) and _name(node) == "get":
            yield from _words(node.args)


def _assigned(tree: ast.Module, names: set[str]) -> Iterator[ast.expr]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if targets & names:
                yield node.value
