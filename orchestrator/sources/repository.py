"""The edge to git: a command run, its failure in git's own words."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from git import Git
from git.exc import GitCommandNotFound

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.secrecy import hide_secrets
from orchestrator.sources.address import ALLOWED_PROTOCOLS, Login, shown
from orchestrator.sources.child import MOST_BYTES, Cut, end_family, heard

LOCAL_SECONDS = 60.0
"""How long a git command may take that touches no network."""

_PROGRAM = re.compile(r"""\s*(?:\w+=\S*\s+)*(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+""")
"""The first word of a shell command, settings before it (`A=b ssh ...`) included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a git command ended: its exit status, its output, what it said about it."""

    status: int
    out: str
    said: str
    cut: Cut | None = None
    """Why it was killed, if it was."""

    @property
    def killed(self) -> bool:
        """Whether it was killed before it ended by itself."""
        return self.cut is not None

    @property
    def late(self) -> bool:
        """Whether its deadline ended it."""
        return self.cut is Cut.LATE

    @property
    def ok(self) -> bool:
        """Whether git was content."""
        return self.status == 0

    @property
    def evidence(self) -> tuple[str, ...]:
        """What git said, line by line, secrets taken out."""
        said = self.said.splitlines()
        lines = tuple(hide_secrets(shown(line)) for line in said if line.strip())
        return lines or (f"git ended with status {self.status} and said nothing",)


def git_environment(environment: Mapping[str, str], connect_seconds: float) -> dict[str, str]:
    """Return what git gets to see: `environment`, and no way to ask or to run a helper.

    An operator's own GIT_SSH_COMMAND or `core.sshCommand` stays, made unable to ask.
    """
    given = environment.get("GIT_SSH_COMMAND") or _configured_ssh(environment)
    return {
        **environment,
        "GIT_SSH_COMMAND": ssh_command(given, connect_seconds),
        "GIT_ALLOW_PROTOCOL": ALLOWED_PROTOCOLS,
        "GIT_TERMINAL_PROMPT": "0",
        # Empty, it is not run at all: its command line would hold the user's name (git, prompt.c).
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "force",
    }


_USER, _PASSWORD = "DTDEPLOY_GIT_USER", "DTDEPLOY_GIT_PASSWORD"
_HELPER = (
    f"!says() {{ test \"$1\" != get || printf 'username=%s\\npassword=%s\\n'"
    f' "${_USER}" "${_PASSWORD}"; }}; says'
)
"""Read by git's shell (gitcredentials(7)); the names of the variables are all that it shows."""


def with_login(environment: Mapping[str, str], login: Login | None) -> dict[str, str]:
    """Return `environment` with what lets git log in without a word on its command line.

    Settings of the operator's for all hosts still count where the URL names a user alone: their
    helpers are asked for the password.
    """
    if login is None:
        return dict(environment)
    of = f"credential.{login.origin}"
    if login.password is None:
        return _configured(environment, (f"{of}.username", login.user))
    known = {**environment, _USER: login.user, _PASSWORD: login.password}
    return _configured(known, (f"{of}.helper", ""), (f"{of}.helper", _HELPER))


def _configured(environment: Mapping[str, str], *settings: tuple[str, str]) -> dict[str, str]:
    """Add settings for git by its environment, behind those that are there (git-config(1))."""
    given = environment.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    added = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, start=first):
        added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**environment, **added}


def ssh_command(given: str, connect_seconds: float) -> str:
    """Return the shell command `given` for ssh, unable to ask or to wait for ever.

    ssh still reads ~/.ssh/config, but never asks, never accepts an unknown host key, and never
    leaves a shared connection behind that would outlive the deadline. Our options stand right
    behind the program's name: ssh takes the first value that it is given for an option.
    """
    options = (
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=yes",
        f"-oConnectTimeout={max(1, int(connect_seconds))}",
        "-oControlMaster=no",
    )
    program = _PROGRAM.match(given)
    end = program.end() if program else len(given)
    return " ".join([given[:end], *options, given[end:].strip()]).rstrip()


def _configured_ssh(environment: Mapping[str, str]) -> str:
    """Return what git would use without GIT_SSH_COMMAND, which ours overrules."""
    git = Git()
    git.update_environment(**environment)
    asked = run(git, "config", "--global", "--includes", "--get", "core.sshCommand")
    return asked.out.strip() if asked.ok else shlex.quote(environment.get("GIT_SSH", "ssh"))


def git_at(mirror: Path, environment: Mapping[str, str]) -> Git:
    """Return git bound to a mirror, whatever GIT_DIR the operator's environment holds."""
    git = Git(str(mirror))
    git.update_environment(**{**environment, "GIT_DIR": str(mirror)})
    return git


def run(git: Git, *words: str, seconds: float = LOCAL_SECONDS) -> Ran:
    """Run a git command; it and its children are killed after `seconds`, or MOST_BYTES of words.

    Raises:
        SourceError: exit code 14, if there is no git to run.

    """
    try:
        started = git.execute(["git", *words], as_process=True)
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
    process = cast("subprocess.Popen[bytes]", started.proc)
    ended = heard(process, seconds=seconds, end=end_family)
    out, said = (part.decode("utf-8", "surrogateescape") for part in (ended.out, ended.err))
    if ended.cut is Cut.LATE:
        said = f"git was killed after {seconds:g} s"
    elif ended.cut is Cut.LONG:
        said = f"git was killed: it wrote more than {MOST_BYTES} bytes"
    return Ran(status=ended.status, out=out, said=said.rstrip("\n"), cut=ended.cut)
