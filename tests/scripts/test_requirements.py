"""The pins: complete, hashed, and in step with what the project says it needs."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: +--hash=\S+.*\n)*)", re.MULTILINE
)

# Where the name that is imported is not the name that is asked for; pydantic documents
# `pydantic_core` as its own interface and pins it exactly, Jinja documents `markupsafe` likewise.
_INSTALLED_AS = {
    "click_man": "click-man",
    "git": "gitpython",
    "markupsafe": "jinja2",
    "opentelemetry": "opentelemetry-sdk",
    "pydantic_core": "pydantic",
    "ruamel": "ruamel-yaml",
    "yaml": "pyyaml",
}


def pins(name: str) -> dict[str, Version]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {canonicalize_name(pin["name"]): Version(pin["version"]) for pin in _PIN.finditer(text)}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def optional() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in extras for line in lines]


def wanted_for_checking() -> list[Requirement]:
    lines = (ROOT / "requirements" / "dev.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def imported(folder: str) -> Iterator[str]:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    found = list(_PIN.finditer(text))
    assert len(found) == len(re.findall(r"^[^\s#].*==", text, re.MULTILINE)) > 0
    for pin in found:
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", pin["hashes"])
        assert hashes, pin["name"]


def test_pins_are_what_the_project_asks_for() -> None:
    pinned = pins("runtime.txt")
    for requirement in declared():
        version = pinned[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, f"{requirement} is pinned at {version}"


def test_what_builds_the_project_is_pinned_with_it() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    for requirement in map(Requirement, build["requires"]):
        assert pins("runtime.txt")[requirement.name] in requirement.specifier


def test_what_checks_and_tests_is_pinned() -> None:
    assert {canonicalize_name(each.name) for each in wanted_for_checking()} <= set(pins("dev.txt"))


def test_a_library_has_one_version() -> None:
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert {name: runtime[name] for name in runtime.keys() & dev.keys()} == {
        name: dev[name] for name in runtime.keys() & dev.keys()
    }


@pytest.mark.parametrize("folder", ["orchestrator", "lab"])
def test_what_is_imported_is_declared(folder: str) -> None:
    """Relying on what another library happens to bring breaks when that one changes."""
    ours = {"orchestrator", "lab"} | sys.stdlib_module_names
    foreign = {_INSTALLED_AS.get(name, name) for name in set(imported(folder)) - ours}
    assert foreign
    assert foreign <= {canonicalize_name(each.name) for each in (*declared(), *optional())}
