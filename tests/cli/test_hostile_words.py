"""What moves the cursor, in every word that any command takes: the screen shows none of it.

The commands and their options are those that there are, so a new one is tried as well.
"""

import io
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import cli, run
from orchestrator.command_line import words_of
from orchestrator.errors import ExitCode

ROOT = Path(__file__).parent.parent.parent
TITLE = "\x1b]0;owned"
HOSTILE = f"x{TITLE}\x07\x1b[2J\u202e\x9b5mY\x08Z\nW"
RAW = (TITLE, "\x07", "\x1b[2J", "\u202e", "\x9b", "\x08")
"""None of these is anything that our own screens are made of."""
ANSWERS = ("--all", "--yes")


class Screen(io.StringIO):
    """A terminal, as far as click and rich can tell: neither takes anything out."""

    def isatty(self) -> bool:
        return True


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command


def lines_of(
    path: tuple[str, ...], command: click.Command, hostile: str = HOSTILE
) -> Iterator[tuple[str, ...]]:
    """Yield the command with `hostile` in each place that takes a word, and where none is taken."""
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    needed = ("x",) * sum(argument.required for argument in arguments)
    taken = {name for parameter in command.params for name in parameter.opts}
    answered = tuple(word for word in ANSWERS if word in taken)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield (*path, hostile)
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            yield (*path, *needed, f"{parameter.opts[0]}={hostile}")
        else:
            yield (*path, *needed, parameter.opts[0], hostile)
            yield (*path, *answered, parameter.opts[0], hostile)
    yield (*path, *needed, f"--{hostile}")
    yield (*path, *needed, hostile, hostile)


def shown(*words: str) -> tuple[int, str]:
    out, err = Screen(), Screen()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(list(words))
    return code, out.getvalue() + err.getvalue()


def raw_in(text: str) -> set[str]:
    return {piece for piece in RAW if piece in text}


@pytest.fixture
def well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for folder in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{folder}_HOME", str(tmp_path / folder))
    monkeypatch.setenv("TERM", "dumb")
    shutil.copy(ROOT / "sites.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "well.yaml").write_text("description: all is well\n")
    return "well.yaml"


@pytest.mark.parametrize(
    ("path", "command"),
    [pytest.param(path, command, id=" ".join(path)) for path, command in commands(cli)],
)
def test_no_command_repeats_what_moves_the_cursor(
    well: str, path: tuple[str, ...], command: click.Command
) -> None:
    for words in lines_of(path, command):
        for before in ((), ("--json",)):
            _, text = shown(*before, "--simulate", well, *words)
            assert raw_in(text) == set(), (words, text)


@pytest.mark.parametrize("number", ["9" * 400, "nan", "1e999"])
@pytest.mark.parametrize(
    ("path", "command"),
    [pytest.param(path, command, id=" ".join(path)) for path, command in commands(cli)],
)
def test_no_command_falls_over_a_number_without_an_end(
    well: str, path: tuple[str, ...], command: click.Command, number: str
) -> None:
    for words in lines_of(path, command, number):
        code, text = shown("--simulate", well, *words)
        assert isinstance(code, int)
        assert "Traceback" not in text
        assert "-inf" not in text


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("-i", HOSTILE, "status"),
        ("-i", f"{'x' * 400}.yaml", "status"),
        ("--simulate", HOSTILE, "status"),
        ("status", "--site", HOSTILE),
    ],
)
@pytest.mark.usefixtures("well")
def test_neither_does_what_stands_before_a_command(words: tuple[str, ...]) -> None:
    code, text = shown(*words)
    assert code != ExitCode.DONE
    assert raw_in(text) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("inventory", "check"),
        ("inventory", "show"),
        ("plan", "--all", "--out", "new.plan"),
        ("up", "--all", "--yes"),
        ("resume", "--yes"),
        ("lock",),
        ("status",),
    ],
)
def test_neither_does_an_inventory_in_a_folder_of_such_a_name(
    well: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = tmp_path / HOSTILE
    folder.mkdir()
    shutil.copy(tmp_path / "sites.yaml", folder)
    shutil.copytree(tmp_path / "stacks", folder / "stacks")
    (folder / well).write_text("description: all is well\n")
    inventory, scenario = f"{HOSTILE}/sites.yaml", f"{HOSTILE}/{well}"
    _, text = shown("-i", inventory, "--simulate", scenario, *words)
    assert text
    assert raw_in(text) == set(), text


def test_a_plan_in_a_file_of_such_a_name_is_applied_by_the_line_that_is_printed(
    well: str, tmp_path: Path
) -> None:
    _, text = shown("--simulate", well, "plan", "--all", "--out", HOSTILE)
    (line,) = (line for line in text.splitlines() if " apply " in line)
    asked = subprocess.run(
        ["bash", "-c", line.replace("dtdeploy ", "printf '%s\\0' ", 1)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    words = asked.stdout.decode().split("\0")[:-1]
    assert HOSTILE in words
    assert words == [*words_of(line)[1:]]
    code, text = shown(*words, "--yes")
    assert code == ExitCode.DONE, text
