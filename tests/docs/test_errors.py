import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from orchestrator.swarm import problems
from tests.docs.codes import found
from tests.docs.literals import Literal, literals
from tests.docs.pages import DOCS, first_codes, links
from tests.inventory.rendering import CASES

PAGE = (DOCS / "errors.md").read_text(encoding="utf-8")
EXPLAINED = first_codes(PAGE)
GENERAL = {r"inventory\.[a-z-]+", r"source\.[a-z-]+", r"scenario\.[a-z-]+"}
"""Patterns of the helpers whose words are collected one by one."""
_ROW = re.compile(r"\| `(?P<code>[a-z.-]+)` \| (?P<exits>\d[\d, ]*) \|")


@dataclass(frozen=True)
class Said:
    """What the page says of a code besides its meaning."""

    exits: frozenset[str]
    runbooks: tuple[str, ...]


def rows_with_runbooks() -> Iterator[tuple[str, Said]]:
    """Yield each row's code; the runbook stands above its table."""
    runbooks: tuple[str, ...] = ()
    for part in PAGE.split("\n\n"):
        if part.startswith(("Runbook: ", "## ")):
            runbooks = tuple(link.split("/")[-1].removesuffix(".md") for link in links(part))
        for row in _ROW.finditer(part):
            yield row["code"], Said(frozenset(re.findall(r"\d+", row["exits"])), runbooks)


SAID = dict(rows_with_runbooks())


def test_every_code_that_can_be_reported_is_explained() -> None:
    assert not found().codes - set(EXPLAINED)


def test_every_pattern_of_codes_has_its_members_explained() -> None:
    for pattern in found().patterns - GENERAL:
        assert [code for code in EXPLAINED if re.fullmatch(pattern, code)], pattern


def test_nothing_is_explained_that_cannot_happen() -> None:
    seen = found()
    special = [re.compile(pattern) for pattern in seen.patterns - GENERAL]
    strange = {
        code
        for code in EXPLAINED
        if code not in seen.codes and not any(pattern.fullmatch(code) for pattern in special)
    }
    assert not strange


def test_no_code_is_explained_twice() -> None:
    assert sorted(set(EXPLAINED)) == sorted(EXPLAINED)


def test_codes_of_the_malformed_inventories_are_among_them() -> None:
    """The collector reads the code; these were really reported."""
    told = "\n".join(path.read_text("utf-8") for path in CASES.glob("*/expected.txt"))
    assert not set(re.findall(r"inventory\.[a-z0-9-]+(?=:)", told)) - set(EXPLAINED)


def test_problems_are_collected_that_are_written_out() -> None:
    """Else what follows would pass on nothing, or pass over a namespace that is new."""
    written = {literal.code for literal in literals()}
    assert {"lock.held", "lock.lost", "run.broke-later", "journal.damaged"} <= written
    assert {code for code in written if "." in code} <= set(EXPLAINED)


@pytest.mark.parametrize("literal", literals(), ids=lambda literal: literal.place)
def test_exit_code_and_runbook_are_those_that_the_code_names(literal: Literal) -> None:
    said = SAID.get(literal.code)
    if said is None:
        assert literal.code in EXPLAINED or "." not in literal.code
        return
    assert literal.exit_code is None or str(literal.exit_code) in said.exits
    assert literal.runbook is None or literal.runbook in (*said.runbooks, "")


@pytest.mark.parametrize("code", [c for c in EXPLAINED if c.startswith(("docker.", "swarm."))])
def test_the_runbook_beside_a_docker_code_is_the_one_the_code_names(code: str) -> None:
    if "11" in SAID[code].exits:
        assert problems.docker("kko", code).runbook in SAID[code].runbooks
