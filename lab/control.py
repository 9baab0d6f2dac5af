"""The operators' machines: the only places from which the lab is reached as production would be.

There are two, of which each has a name, an address, a home folder and a key of its own, so that
what was begun on one can be gone on with on the other.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lab import paths, state
from lab.daemons import channel
from lab.packages import program
from lab.topology import OPERATOR, Host

# They would lead to the machine that runs the lab, or from one operator to the other.
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
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)


def home(machine: Host = OPERATOR) -> Path:
    """Locate the operator's home folder at a machine, the same seen from inside and outside."""
    return paths.host_folder(machine.name) / "home"


def ops(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
    machine: Host = OPERATOR,
) -> subprocess.CompletedProcess[str]:
    """Run a command as the operator and return what it said."""
    return subprocess.run(
        words(command, cwd=cwd, machine=machine),
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(env, machine=machine),
        timeout=timeout,
        check=False,
    )


def start(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    machine: Host = OPERATOR,
) -> subprocess.Popen[str]:
    """Start a command as the operator: its pid and its signals are the command's own."""
    return subprocess.Popen(
        words(command, cwd=cwd, machine=machine),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        env=environment(env, machine=machine),
    )


def become(command: Sequence[str], *, machine: Host = OPERATOR) -> NoReturn:
    """Turn this process into the operator's command."""
    full = words(command or ("bash", "-i"), machine=machine)
    env = environment(machine=machine)
    os.execve(full[0], full, env)  # noqa: S606 - signals must reach the command


def words(
    command: Sequence[str], *, cwd: Path | None = None, machine: Host = OPERATOR
) -> list[str]:
    """Give a command line in which each program becomes the next, so signals reach the command."""
    target = str(state.init_pid(machine))
    enter = [program("nsenter"), "-t", target, "-n", "-m", "-u", f"--wdns={cwd or Path.cwd()}"]
    return [*enter, "--", *command]


def environment(
    extra: Mapping[str, str] | None = None, *, machine: Host = OPERATOR
) -> dict[str, str]:
    """Mix the caller's environment with the operator's identity."""
    kept = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    kept |= {
        channel.VARIABLE: channel.URL,
        "HOME": str(home(machine)),
        "USER": "root",
        "LOGNAME": "root",
    }
    scripts = str(Path(sys.executable).parent)
    search = kept.get("PATH", os.defpath)
    if scripts not in search.split(":"):
        kept["PATH"] = f"{scripts}:{search}"
    return kept | dict(extra or {})
