"""The edge to git: a command run, its failure in git's own words."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from git import Git
from git.exc import GitCommandNotFound

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.sources.address import ALLOWED_PROTOCOLS, shown

LOCAL_SECONDS = 60.0
"""How long a git command may take that touches no network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a git command ended: its exit status, its output, what it said about it."""

    status: int
    out: str
    said: str

    @property
    def ok(self) -> bool:
        """Whether git was content."""
        return self.status == 0

    @property
    def killed(self) -> bool:
        """Whether the deadline ended it; these are GitPython's words (git/cmd.py, execute)."""
        return self.said.startswith("Timeout: the command")

    @property
    def evidence(self) -> tuple[str, ...]:
        """What git said, line by line, passwords taken out."""
        lines = tuple(shown(line) for line in self.said.splitlines() if line.strip())
        return lines or (f"git ended with status {self.status} and said nothing",)


def git_environment(environment: Mapping[str, str], connect_seconds: float) -> dict[str, str]:
    """Return what git gets to see: `environment`, and no way to ask or to run a helper.

    ssh still reads ~/.ssh/config, but never asks, never accepts an unknown host key, and never
    leaves a shared connection behind that would outlive the deadline. `ssh` ignores BatchMode
    for the jump hosts it starts itself, so there is no one to answer them either.
    """
    given = environment.get("GIT_SSH_COMMAND") or shlex.quote(environment.get("GIT_SSH") or "ssh")
    program, *arguments = shlex.split(given)
    options = (
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=yes",
        f"-oConnectTimeout={max(1, int(connect_seconds))}",
        "-oControlMaster=no",
    )
    # ssh takes the first value it is given for an option, so ours come before the operator's.
    return {
        **environment,
        "GIT_SSH_COMMAND": shlex.join([program, *options, *arguments]),
        "GIT_ALLOW_PROTOCOL": ALLOWED_PROTOCOLS,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "force",
    }


def git_at(mirror: Path, environment: Mapping[str, str]) -> Git:
    """Return git bound to a mirror, whatever GIT_DIR the operator's environment holds."""
    git = Git(str(mirror))
    git.update_environment(**{**environment, "GIT_DIR": str(mirror)})
    return git


def run(git: Git, *words: str, seconds: float = LOCAL_SECONDS) -> Ran:
    """Run a git command; it and its children are killed after `seconds`.

    Raises:
        SourceError: exit code 14, if there is no git to run.

    """
    try:
        status, out, said = git.execute(
            ["git", *words],
            kill_after_timeout=seconds,
            with_extended_output=True,
            with_exceptions=False,
            strip_newline_in_stdout=False,
        )
    except GitCommandNotFound as error:
        raise SourceError(
            Problem(
                code="source.git-missing",
                what="git is not installed on this machine",
                exit_code=ExitCode.SOURCE_FAILED,
                fix="apt-get install git",
                runbook="set-up-a-control-machine",
            )
        ) from error
    return Ran(status=status, out=out, said=said)
