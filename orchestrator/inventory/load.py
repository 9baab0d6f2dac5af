"""sites.yaml and its stack files -> Inventory, or all that is wrong with them at once."""

import re
from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import InventoryError, Problem, Where
from orchestrator.inventory.build import build_inventory
from orchestrator.inventory.crosscheck import sites_problems, sites_warnings
from orchestrator.inventory.declared import (
    Declared,
    StackFile,
    declarations_of,
    parse_sites,
    parse_stack,
)
from orchestrator.inventory.document import Document, complaint
from orchestrator.inventory.edges import edge_problems
from orchestrator.inventory.files import read_document, stack_files, stray_files
from orchestrator.inventory.model import Inventory
from orchestrator.inventory.quoting import quoted
from orchestrator.inventory.stackcheck import stack_problems
from orchestrator.inventory.tree import AMBIGUOUS
from orchestrator.inventory.words import STACK_NAME


def load_inventory(path: Path) -> Inventory:
    """Read the inventory at `path` (sites.yaml) and the stack files beside it.

    Raises:
        InventoryError: something is wrong; it carries every problem that could be found, in
            the order of files and lines.

    """
    document = read_document(path)
    text, found = parse_sites(document)
    folder = path.parent / text.stacks
    stacks, in_stacks = _read_stacks(folder, document)
    declared = Declared(
        document=document, sites=text, stacks=stacks, declarations=declarations_of(text)
    )
    problems = [*document.problems, *found, *in_stacks, *_cross_problems(declared)]
    if problems:
        raise InventoryError(_in_order(_settled(problems), first=document.file))
    warnings = [*sites_warnings(declared), *stray_files(folder)]
    return build_inventory(declared, _in_order(warnings, first=document.file))


def _cross_problems(declared: Declared) -> list[Problem]:
    return [
        *sites_problems(declared),
        *stack_problems(declared),
        *edge_problems(declared),
    ]


def _read_stacks(
    folder: Path, sites: Document
) -> tuple[dict[str, StackFile] | None, list[Problem]]:
    """Return the stack files by name (None where the folder cannot be listed)."""
    try:
        paths = stack_files(folder)
    except OSError as error:
        return None, _no_folder(folder, error, sites)
    stacks: dict[str, StackFile] = {}
    problems: list[Problem] = []
    for path in paths:
        document = read_document(path)
        stacks[path.stem], found = parse_stack(document)
        problems += [*_bad_name(path), *document.problems, *found]
    return stacks, problems


def _no_folder(folder: Path, error: OSError, sites: Document) -> list[Problem]:
    if not sites.usable:
        return []  # sites.yaml may name another folder
    what = f"the folder of stack files {quoted(folder.name)} cannot be listed ({error.strerror})"
    fix = "name the right folder with the key `stacks`, relative to this file"
    return [complaint("no-stacks-folder", what, sites.at(("stacks",)), fix=fix)]


def _bad_name(path: Path) -> list[Problem]:
    if re.fullmatch(STACK_NAME, path.stem):
        return []
    what = f"{quoted(path.stem)} is no stack name"
    fix = "rename the file as the stack is called in Docker: letters, digits, - and _"
    return [complaint("bad-name", what, Where(file=str(path), line=1, column=1), fix=fix)]


def _settled(problems: list[Problem]) -> list[Problem]:
    """Return `problems` without doubts about words that are wrong anyhow, in either reading."""
    doubt = f"inventory.{AMBIGUOUS}"
    wrong = {problem.where for problem in problems if problem.code != doubt}
    return [p for p in problems if p.code != doubt or p.where not in wrong]


def _in_order(problems: Iterable[Problem], *, first: str) -> tuple[Problem, ...]:
    """Return each problem once, by file and line, those of the file `first` before others."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda p: (p.where.file != first, p.where.file, p.where.line, p.where.column),
        )
    )
