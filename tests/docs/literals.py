"""Problems as they stand in the code, where code, exit code and runbook are written out."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.errors import ExitCode
from tests.docs.pages import ROOT


@dataclass(frozen=True)
class Literal:
    """What one place in the code says of a problem; None for what it does not write out."""

    code: str
    exit_code: int | None
    runbook: str | None
    place: str


@cache
def literals() -> tuple[Literal, ...]:
    return tuple(
        literal
        for path in sorted((ROOT / "orchestrator").rglob("*.py"))
        for literal in _of(path, ast.parse(path.read_text(encoding="utf-8")))
    )


def _of(path: Path, tree: ast.Module) -> Iterator[Literal]:
    constants = dict(_constants(tree)) | dict(_imported(tree))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        code = _text(given.get("code"), constants)
        if code is not None:
            yield Literal(
                code=code,
                exit_code=_exit_code(given.get("exit_code")),
                runbook=_text(given.get("runbook"), constants),
                place=f"{path.relative_to(ROOT)}:{call.lineno}",
            )


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestrator."):
            path = ROOT / f"{(node.module or '').replace('.', '/')}.py"
            if path.is_file():
                theirs = dict(_constants(ast.parse(path.read_text(encoding="utf-8"))))
                names = {alias.name for alias in node.names}
                yield from ((name, theirs[name]) for name in names & theirs.keys())


def _text(node: ast.expr | None, constants: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def _exit_code(node: ast.expr | None) -> int | None:
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ExitCode":
        return ExitCode[node.attr].value
    return None
