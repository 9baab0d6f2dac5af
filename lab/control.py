"""The operator's machine: the only place from which the lab is reached as production would be."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lab import paths, state
from lab.packages import program
from lab.topology import OPERATOR

# They would lead to the machine that runs the lab instead of the lab.
_NOT_INHERITED = (
    "SSH_AUTH_SOCK",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)


def home() -> Path:
    """Locate the operator's home folder, the same seen from inside and outside."""
    return paths.host_folder(OPERATOR.name) / "home"


def ops(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command as the operator and return what it said."""
    return subprocess.run(
        words(command, cwd=cwd),
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(env),
        timeout=timeout,
        check=False,
    )


def start(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a command as the operator: its pid and its signals are the command's own."""
    return subprocess.Popen(
        words(command, cwd=cwd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(env),
    )


def become(command: Sequence[str]) -> NoReturn:
    """Turn this process into the operator's command."""
    full = words(command or ("bash", "-i"))
    os.execve(full[0], full, environment())  # noqa: S606 - signals must reach the command


def words(command: Sequence[str], *, cwd: Path | None = None) -> list[str]:
    """Give a command line in which each program becomes the next, so signals reach the command."""
    target = str(state.init_pid(OPERATOR))
    enter = [program("nsenter"), "-t", target, "-n", "-m", "-u", f"--wdns={cwd or Path.cwd()}"]
    return [*enter, "--", *command]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Mix the caller's environment with the operator's identity."""
    kept = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    kept |= {"HOME": str(home()), "USER": "root", "LOGNAME": "root"}
    scripts = str(Path(sys.executable).parent)
    search = kept.get("PATH", os.defpath)
    if scripts not in search.split(":"):
        kept["PATH"] = f"{scripts}:{search}"
    return kept | dict(extra or {})
