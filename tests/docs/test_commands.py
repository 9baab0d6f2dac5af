from pathlib import Path

import click
import pytest
from click.core import ParameterSource

from lab.cli.main import cli as lab
from orchestrator.cli.main import cli as dtdeploy
from orchestrator.inventory.load import load_inventory
from tests.docs.pages import DOCS, PAGES, ROOT, RUNBOOKS, name
from tests.docs.typed import commands, parse

INVENTORY = load_inventory(ROOT / "sites.yaml")
KNOWN = {
    "sites": {site.name for site in INVENTORY.sites},
    "stacks": {spec.unit.stack for spec in INVENTORY.units},
    "units": {str(spec.unit) for spec in INVENTORY.units},
    "refs": {repo.name for repo in INVENTORY.repos},
}
KNOWN |= {"without": KNOWN["sites"], "accept_unknown": KNOWN["units"]}
IN_NEED = ("lock", "lock break", "resume", "rollback", "restart", "up", "down")
"""What somebody types once something has gone wrong: all of it must be in a runbook."""
EVERYWHERE = {"help", "sites", "stacks", "everything"}
LAB_PAGES = (DOCS / "lab.md", ROOT / "lab" / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_dtdeploy_command_can_be_typed(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8"), "dtdeploy"):
        context = parse(dtdeploy, words)
        for kind, known in KNOWN.items():
            named = {str(item) for item in context.params.get(kind, ())}
            assert {item for item in named if not item.isupper()} <= known, words


@pytest.mark.parametrize("page", [*PAGES, ROOT / "lab" / "README.md"], ids=name)
def test_every_lab_command_can_be_typed(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8"), "python -m lab"):
        parse(lab, [word for word in words if word != "CMD..."])


def test_every_dtdeploy_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = {words[0] for words in commands(text, "dtdeploy")}
    assert set(dtdeploy.list_commands(click.Context(dtdeploy))) <= shown


@pytest.mark.parametrize("typed", IN_NEED)
def test_a_runbook_shows_every_option_that_one_needs_in_trouble(typed: str) -> None:
    """Shown with some command: an option means the same wherever it stands."""
    shown = {
        option
        for page in RUNBOOKS.glob("*.md")
        for words in commands(page.read_text(encoding="utf-8"), "dtdeploy")
        for option in given(words)
    }
    options = {p.name for p in found(typed).params if isinstance(p, click.Option)}
    assert options - shown - EVERYWHERE == set()


def given(words: tuple[str, ...]) -> set[str]:
    """Return the names of the options that `words` give a value to, after the commands' names."""
    context = parse(dtdeploy, words)
    return {
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def found(typed: str) -> click.Command:
    command: click.Command = dtdeploy
    for word in typed.split():
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), word)
        assert inner is not None, typed
        command = inner
    return command


@pytest.mark.parametrize("typed", IN_NEED)
def test_a_runbook_shows_every_command_that_one_needs_in_trouble(typed: str) -> None:
    begin = tuple(typed.split())
    assert [
        words
        for page in RUNBOOKS.glob("*.md")
        for words in commands(page.read_text(encoding="utf-8"), "dtdeploy")
        if words[: len(begin)] == begin
    ]


def test_every_lab_command_and_fault_is_explained() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in LAB_PAGES)
    shown = commands(text, "python -m lab")
    assert set(lab.commands) <= {words[0] for words in shown}
    fault = lab.commands["fault"]
    assert isinstance(fault, click.Group)
    assert set(fault.commands) <= {words[1] for words in shown if words[0] == "fault"}


def test_pages_show_commands_at_all() -> None:
    """Else all of the above would pass on nothing."""
    for page in (ROOT / "README.md", *RUNBOOKS.glob("*.md")):
        assert commands(page.read_text(encoding="utf-8"), "dtdeploy"), name(page)


@pytest.mark.parametrize(
    "words",
    [
        ("apply",),
        ("status", "--json"),
        ("inventory", "chekc"),
        ("restart", "--all", "--forec"),
        ("plan", "--for", "rollback"),
        ("up", "--ref", "main"),
        ("up", "--owing"),
        ("restart", "--all", "--on-failure", "retry"),
        ("restart", "--all", "--lock-wait", "long"),
        ("restart", "--all", "--without"),
        ("down", "--all", "--on-failure", "restore"),
        ("resume", "--all"),
        ("resume", "RUN", "OTHER"),
        ("rollback",),
        ("rollback", "RUN", "--ref", "datatrail=main"),
        ("lock", "brake", "RUN"),
        ("lock", "break", "--because", "TEXT"),
        ("lock", "break", "RUN"),
    ],
)
def test_what_cannot_be_typed_is_noticed(words: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        parse(dtdeploy, words)


def test_a_command_on_two_lines_is_one() -> None:
    text = "    dtdeploy restart --all \\\n        --without gbo\n"
    assert commands(text, "dtdeploy") == (("restart", "--all", "--without", "gbo"),)
