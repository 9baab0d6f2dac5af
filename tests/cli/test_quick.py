"""What a shell asks for while somebody types must not import what only a run needs."""

import os
import subprocess
import sys

import pytest

from orchestrator.cli.main import _COMMANDS
from tests.docs.pages import ROOT

SLOW = ("paramiko", "docker", "git", "pydantic", "requests", "apprise", "structlog", "rich.console")
PROGRAM = (
    "import sys\n"
    "from orchestrator.cli.main import cli\n"
    "try:\n"
    "    cli(args=[], prog_name='dtdeploy')\n"
    "except SystemExit:\n"
    "    pass\n"
    "print('IMPORTED', *sys.modules)\n"
)
HELPS = (
    "import sys\n"
    "from orchestrator.cli.main import cli\n"
    "for command in sys.argv[1:]:\n"
    "    print('HELP')\n"
    "    try:\n"
    "        cli(args=[command, '--help'], prog_name='dtdeploy')\n"
    "    except SystemExit:\n"
    "        pass\n"
    "    print('IMPORTED', *sys.modules)\n"
)
COMMANDS = sorted({*_COMMANDS} - {"inventory"})


def asked(typed: str) -> tuple[str, set[str]]:
    """Return what a shell is offered, and every module that this took."""
    environment = os.environ | {
        "_DTDEPLOY_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said, _, imported = done.stdout.partition("IMPORTED ")
    return said, set(imported.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("dtdeploy re", "plain,restart"),
        ("dtdeploy restart --on", "plain,--on-failure"),
        ("dtdeploy restart --site k", "plain,kko"),
        ("dtdeploy restart datatrail-c", "plain,datatrail-client@kko"),
        ("dtdeploy plan --stack ", "plain,datatrail-daemons"),
        ("dtdeploy status --site g", "plain,gbo"),
        ("dtdeploy logs datatrail@", "plain,datatrail@chime"),
        ("dtdeploy lock b", "plain,break"),
        ("dtdeploy explain lock.h", "plain,lock.held"),
    ],
)
def test_completion_offers_it_without_what_a_run_needs(typed: str, offered: str) -> None:
    said, imported = asked(typed)
    assert offered in said.splitlines()
    assert imported & set(SLOW) == set()


@pytest.fixture(scope="module")
def helps() -> dict[str, tuple[str, set[str]]]:
    """Every command's help, and every module that it took: asked for in one process, in turn."""
    words = [sys.executable, "-c", HELPS, *COMMANDS]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    parts = (part.partition("IMPORTED ") for part in done.stdout.split("HELP\n")[1:])
    told = [(said, set(imported.split())) for said, _, imported in parts]
    return dict(zip(COMMANDS, told, strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_printed_without_what_a_run_needs(
    helps: dict[str, tuple[str, set[str]]], command: str
) -> None:
    said, imported = helps[command]
    assert said.startswith(f"Usage: dtdeploy {command}")
    assert imported & set(SLOW) == set()
