"""The engines that are said to be tried are those that the lab has."""

import re

from lab.suites import ENGINES
from orchestrator.procedures.inspection import TRIED_ENGINES
from tests.docs.pages import DOCS

_ROW = re.compile(r"^\| (?:none given|\d+) \| .* \| (?P<version>[\d.]+)\b.*\|$", re.MULTILINE)


def test_the_range_is_that_of_the_labs_page() -> None:
    page = (DOCS / "lab.md").read_text("utf-8")
    versions = [row["version"] for row in _ROW.finditer(page)]
    oldest, newest = TRIED_ENGINES
    assert len(versions) == len(ENGINES) + 1
    assert versions[0].startswith(f"{oldest}.")
    assert versions[-1].startswith(f"{newest}.")


def test_the_newest_is_the_newest_that_the_lab_can_get() -> None:
    assert max(map(int, ENGINES)) == int(TRIED_ENGINES[1])


def test_what_differs_is_said_of_each() -> None:
    page = (DOCS / "swarm.md").read_text("utf-8")
    head = f"| what | {TRIED_ENGINES[0]} | " + " | ".join(sorted(ENGINES)) + " |"
    assert head in page
