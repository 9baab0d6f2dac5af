"""The page of libraries: those that are pinned, their licences, and when each is really loaded."""

import json
import os
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lib.sbom import libraries
from tests.docs.pages import DOCS, ROOT, rows, sections

PAGE = (DOCS / "dependencies.md").read_text("utf-8")
PINNED = {each.name: each for each in libraries((ROOT / "requirements/runtime.txt").read_text())}
DIRECT = {
    canonicalize_name(Requirement(line).name)
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
}
_LOADED = """
import importlib.metadata as known, json, sys
from orchestrator.cli.main import run
found = known.packages_distributions()
seen = set()
def new():
    tops = {name.split(".")[0] for name in sys.modules} - {"_distutils_hack", "setuptools"}
    now = {dist for top in tops for dist in found.get(top, ())}
    more = sorted(now - seen)
    seen.update(now)
    return more
told = {}
well = ["--simulate", "scenarios/datatrail.yaml"]
for name, words in {
    "start": ["--help"],
    "work": ["inventory", "check"],
    "git": [*well, "plan", "--all"],
    "run": [*well, "restart", "--all", "--yes"],
    "man": ["man", "man-pages"],
}.items():
    code = run(words)
    assert code == 0, (words, code)
    told[name] = new()
from orchestrator.notify.channel import unusable
assert unusable({"URL": "json://localhost"}) == ()
told["announce"] = new()
print("LOADED" + json.dumps(told))
"""


def told_rows(head: str) -> dict[str, tuple[str, ...]]:
    """Return the cells of a section's table by what the first one names."""
    return {row[0].strip("`"): row[1:] for row in rows(sections(PAGE)[head])}


OURS = told_rows("Asked for by dtdeploy")
THEIRS = told_rows("Asked for by those")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return by which of a few commands, typed one after another, each library is loaded first."""
    folder = tmp_path_factory.mktemp("folder")
    for name in ("sites.yaml", "stacks", "scenarios"):
        (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        [sys.executable, "-c", _LOADED],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.rpartition("LOADED")[2])
    return {canonicalize_name(library): name for name, news in told.items() for library in news}


def test_every_library_that_is_pinned_has_its_row_and_no_other() -> None:
    assert OURS.keys() == DIRECT
    assert THEIRS.keys() == PINNED.keys() - DIRECT


def test_licences_are_those_of_what_is_installed() -> None:
    said = {name: cells[0] for name, cells in (OURS | THEIRS).items()}
    assert said == {name: library.licence for name, library in PINNED.items()}


def test_who_asks_for_it_is_said_of_what_dtdeploy_does_not_ask_for() -> None:
    for name, cells in THEIRS.items():
        via = [who for who in PINNED[name].via if not who.startswith("-r ")]
        assert cells[1] == ", ".join(via or ["what builds dtdeploy"]), name


def test_each_is_loaded_when_the_page_says(loaded: dict[str, str]) -> None:
    said = {name: cells[2].strip("`") for name, cells in (OURS | THEIRS).items()}
    assert said == {name: loaded.get(name, "never") for name in PINNED}


def test_nothing_but_click_is_loaded_for_help(loaded: dict[str, str]) -> None:
    assert {name for name, when in loaded.items() if when == "start"} == {"click", "dtdeploy"}


def test_a_reason_is_said_of_each_that_dtdeploy_asks_for() -> None:
    for name, cells in OURS.items():
        assert cells[1].endswith("."), name
