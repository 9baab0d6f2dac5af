"""Asking a person before anything is changed."""

import click

from orchestrator.cli.wiring import somebody_is_there
from orchestrator.command_line import typed, words_of
from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.words.foreign import clean


def somebody_must_be_there(
    words: str, *, yes: bool, dry_run: bool, left: str = "nothing was contacted"
) -> None:
    """Raise UsageError when the command `words` would ask, and nobody could answer."""
    if yes or dry_run or somebody_is_there():
        return
    command = words.partition(" ")[0]
    raise UsageError(
        Problem(
            code="usage.nobody-to-ask",
            what=f"{command} asks before it acts, and there is no terminal to ask at",
            exit_code=ExitCode.USAGE,
            fix=f"{typed(*words_of(words), '--yes')}   # or --dry-run to see what it would do",
            state_left=left,
        )
    )


def ask(words: str, *, yes: bool) -> None:
    """Ask whether to do it (click.Abort if not)."""
    if not yes:
        click.confirm(f"\n{clean(words)}?", abort=True, err=True)
