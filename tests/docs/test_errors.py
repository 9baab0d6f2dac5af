import re

from orchestrator.swarm import problems
from tests.docs.codes import found
from tests.docs.pages import DOCS, RUNBOOKS, first_codes
from tests.inventory.rendering import CASES

PAGE = (DOCS / "errors.md").read_text(encoding="utf-8")
EXPLAINED = first_codes(PAGE)
GENERAL = {r"inventory\.[a-z-]+", r"source\.[a-z-]+", r"scenario\.[a-z-]+"}
"""Patterns of the helpers whose words are collected one by one."""


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


def test_the_runbook_beside_a_docker_code_is_the_one_the_code_names() -> None:
    for line in PAGE.splitlines():
        match = re.match(r"\| `((?:docker|swarm)\.[a-z-]+)` .*\| 11[^|]* \| (.*) \|$", line)
        if match and match[1] != "docker.too-old":
            runbook = problems.docker("kko", match[1]).runbook
            assert f"({RUNBOOKS.name}/{runbook}.md)".replace("(", "(../") in match[2], match[1]
