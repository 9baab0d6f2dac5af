import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode
from orchestrator.swarm import problems
from tests.docs.codes import found
from tests.docs.pages import (
    DOCS,
    PAGES,
    ROOT,
    RUNBOOKS,
    anchors,
    blocks,
    links,
    name,
    prose,
    rows,
    sections,
    spans,
)

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
SWARM = (DOCS / "swarm.md").read_text(encoding="utf-8")
RUNBOOK_PAGES = tuple(sorted(RUNBOOKS.glob("*.md")))
_LONGEST_RUNBOOK = 130
_LONGEST_LINE = 100
_TRACKED = re.compile(r"(?<![\w#])#\d+|\bissue \d+", re.IGNORECASE)
_UPWARDS = re.compile(r"(?<![\w/.])(?:\.\./)+[\w./-]*")


def named_in_code() -> Iterator[str]:
    """Yield every runbook that the code names."""
    for path in (ROOT / "orchestrator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "runbook":
                yield from _word(node.value)
            if isinstance(node, ast.Assign):
                targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
                if targets & {"runbook", "RUNBOOK"}:
                    yield from _word(node.value)
    for code in found().codes:
        if code.startswith("docker."):
            yield problems.docker("kko", code).runbook


def _word(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


def test_every_runbook_that_the_code_names_exists() -> None:
    named = set(named_in_code())
    assert {"site-unreachable", "add-a-site", "inventory-invalid"} <= named
    assert named <= {page.stem for page in RUNBOOK_PAGES}


def test_every_runbook_is_in_the_readme() -> None:
    linked = {link for link in links(README) if link.startswith("runbooks/")}
    assert linked == {name(page) for page in RUNBOOK_PAGES}


@pytest.mark.parametrize("page", RUNBOOK_PAGES, ids=name)
def test_a_runbook_says_when_one_is_there_what_to_type_and_whom_to_wake(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    title, blank, first = text.splitlines()[:3]
    assert title.startswith("# ")
    assert blank == ""
    assert first.startswith("You are here if ")
    assert re.search(r"^## Wake someone when\n", text, re.MULTILINE)
    assert len(text.splitlines()) <= _LONGEST_RUNBOOK


@pytest.mark.parametrize("page", RUNBOOK_PAGES, ids=name)
def test_codes_that_a_runbook_names_exist(page: Path) -> None:
    seen = found()
    patterns = [pattern for pattern in seen.patterns if not pattern.endswith("\\.[a-z-]+")]
    for word in spans(page.read_text(encoding="utf-8")):
        if re.fullmatch(r"(?!docs|sites)[a-z]+\.[a-z]+-?[a-z-]*", word) and "/" not in word:
            namespace = word.split(".")[0]
            if any(code.startswith(f"{namespace}.") for code in seen.codes):
                known = word in seen.codes or any(re.fullmatch(p, word) for p in patterns)
                assert known, word


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_speaks_of_the_project_only(page: Path) -> None:
    """No tracker's numbers, but those of other projects (moby#29293); no path out of it."""
    text = page.read_text(encoding="utf-8")
    assert _TRACKED.findall(text) == []
    for path in _UPWARDS.findall(text):
        assert (page.parent / path).resolve().is_relative_to(ROOT), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_lines_can_be_read_in_a_terminal(page: Path) -> None:
    """Recordings are as wide as they must be."""
    text = prose(page.read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > _LONGEST_LINE] == []


def test_commands_of_runbooks_are_shell() -> None:
    lines = [
        line.removeprefix("    ")
        for page in RUNBOOK_PAGES
        for line in prose(page.read_text(encoding="utf-8")).splitlines()
        if line.startswith("    ")
    ]
    shell = ["bash", "-n"]
    checked = subprocess.run(shell, input="\n".join(lines), text=True, check=False, timeout=10)
    assert lines
    assert checked.returncode == 0


def test_the_readme_begins_with_the_two_commands() -> None:
    first = blocks(README)[0].body.splitlines()
    assert [line.split()[0] for line in first] == ["scripts/try", "scripts/test"]
    assert all((ROOT / line.split()[0]).stat().st_mode & 0o100 for line in first)


def test_the_readme_shows_a_recorded_plan_and_run() -> None:
    opened = re.findall(r"^<!-- recording: (\w+)[^>]*-->\n```text\n", README, re.MULTILINE)
    closed = re.findall(r"^```\n<!-- end of recording -->$", README, re.MULTILINE)
    assert opened == ["plan", "run"]
    assert len(closed) == len(opened)


def test_exit_codes_are_those_of_the_code() -> None:
    said = [int(row[0]) for row in rows(sections(README)["Exit codes"])]
    assert said == [code.value for code in ExitCode]


def test_the_layers_are_those_that_are_held() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert f" {' > '.join(layers)} " in " ".join(ARCHITECTURE.split())


def test_every_folder_is_described() -> None:
    folders = {path.parent.name for path in (ROOT / "orchestrator").glob("*/__init__.py")}
    described = re.findall(r"^      (\w+)/ ", ARCHITECTURE, re.MULTILINE)
    assert sorted(described) == sorted(folders)


@pytest.mark.parametrize("text", [SWARM, ARCHITECTURE], ids=["swarm", "architecture"])
def test_code_that_is_pointed_to_is_there(text: str) -> None:
    """In docs/swarm.md it stands behind an arrow; before it are other projects' files."""
    told = "\n".join(re.findall(r"→(.*?)(?:\n\n|\Z)", text, re.DOTALL)) if "→" in text else text
    paths = {word for word in spans(told) if re.fullmatch(r"[\w]+/[\w]+\.py", word)}
    assert paths
    assert {path for path in paths if not (ROOT / "orchestrator" / path).is_file()} == set()


@pytest.mark.parametrize("text", [SWARM, ARCHITECTURE], ids=["swarm", "architecture"])
def test_names_that_are_said_to_be_in_a_file_are_in_it(text: str) -> None:
    for word, path in re.findall(r"`(\w+)(?:\([^`]*\))?`\s+in\s+`(\w+/\w+\.py)`", prose(text)):
        code = (ROOT / "orchestrator" / path).read_text(encoding="utf-8")
        assert re.search(rf"\b{word}\b", code), (word, path)
