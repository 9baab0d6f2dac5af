import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli.main import cli
from orchestrator.ui.man_pages import man_pages


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(man_pages(click.Context(cli, info_name="dtdeploy"), "1.2.3"))


def read(page: str) -> str:
    """What a reader sees; every warning of groff is an error."""
    words = ["groff", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u"]
    done = subprocess.run(words, input=page, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return " ".join(done.stdout.split())


def test_there_is_a_page_for_every_command(pages: dict[str, str]) -> None:
    names = cli.list_commands(click.Context(cli))
    assert {"dtdeploy", "dtdeploy-lock-break", *(f"dtdeploy-{n}" for n in names)} <= set(pages)


def test_groff_reads_every_page_and_no_option_is_lost(pages: dict[str, str]) -> None:
    """groff-base is installed by scripts/test, as other programs are."""
    assert shutil.which("groff")
    for name, page in pages.items():
        shown = read(page).replace("\u2010 ", "").replace("\u2010", "-")
        context = found(name)
        for option in (p for p in context.command.params if isinstance(p, click.Option)):
            assert option.opts[-1] in shown, (name, option.opts)


def found(name: str) -> click.Context:
    context = click.Context(cli, info_name="dtdeploy")
    rest = name.removeprefix("dtdeploy").lstrip("-")
    while rest:
        assert isinstance(context.command, click.Group)
        names = context.command.list_commands(context)
        word = max((n for n in names if f"{rest}-".startswith(f"{n}-")), key=len)
        below = context.command.get_command(context, word)
        assert below is not None
        context = click.Context(below, info_name=word, parent=context)
        rest = rest.removeprefix(word).lstrip("-")
    return context


def test_examples_keep_their_lines(pages: dict[str, str]) -> None:
    text = pages["dtdeploy-restart"].splitlines()
    begin = text.index(".nf")
    assert text[begin + 1].endswith("dtdeploy restart \\-\\-all")
    assert ".fi" in text[begin:]


def test_what_troff_would_take_for_itself_is_escaped() -> None:
    """A dot in front is a request, a backslash an escape."""

    @click.command()
    @click.option("--path", help=".hidden or C:\\new")
    def odd(path: str) -> None:
        """'quoted first

        \b
        .profile
        """

    page = dict(man_pages(click.Context(odd, info_name="odd"), "1"))["odd"]
    shown = read(page)
    assert "'quoted first" in shown
    assert ".profile" in shown
    assert ".hidden or C:\\new" in shown


def test_the_same_program_writes_the_same_pages(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["man", str(tmp_path)], prog_name="dtdeploy", standalone_mode=False
    )
    assert done.return_value == 0
    written = {p.stem: p.read_text("utf-8") for p in (tmp_path / "man1").iterdir()}
    again = CliRunner().invoke(
        cli, ["man", str(tmp_path)], prog_name="dtdeploy", standalone_mode=False
    )
    assert again.return_value == 0
    assert written == {p.stem: p.read_text("utf-8") for p in (tmp_path / "man1").iterdir()}
    assert "dtdeploy-restart" in written


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "man1").write_text("in the way")
    with pytest.raises(click.UsageError, match="cannot be written"):
        CliRunner().invoke(
            cli, ["man", str(tmp_path)], standalone_mode=False, catch_exceptions=False
        )
