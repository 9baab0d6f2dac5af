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
    "    cli(args=sys.argv[1:], prog_name='dtdeploy')\n"
    "except SystemExit:\n"
    "    pass\n"
    "print('IMPORTED', *sys.modules)\n"
)


def asked(typed: str, *words: str) -> tuple[str, set[str]]:
    """Return what is printed, and every module that this took."""
    environment = os.environ | (
        {
            "_DTDEPLOY_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
        }
        if typed
        else {}
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
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


@pytest.mark.parametrize("command", sorted({*_COMMANDS} - {"inventory"}))
def test_help_is_printed_without_what_a_run_needs(command: str) -> None:
    said, imported = asked("", command, "--help")
    assert said.startswith("Usage: dtdeploy")
    assert imported & set(SLOW) == set()
