"""Doing things on a host of the running lab."""

import os
import subprocess
from pathlib import Path
from typing import Any, NoReturn

from lab import engine, paths, processes, state
from lab.errors import LabError
from lab.namespaces import CLEAN_ENVIRONMENT
from lab.packages import program
from lab.topology import Host

_DEFAULT_SECONDS = 120.0


def find(word: str) -> Host:
    """Find the host of that name, or the manager of the site of that alias."""
    return state.current().shape.find(word)


def words_to_enter(host: Host, *command: str) -> list[str]:
    """Give the command line that runs a command on a host."""
    target = str(state.init_pid(host))
    return [program("nsenter"), "-t", target, "-n", "-m", "-u", "-p", "--", *command]


def run(
    word: str,
    *command: str,
    check: bool = True,
    stdin: str | None = None,
    timeout: float = _DEFAULT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a command on a host as root, in its home."""
    done = subprocess.run(
        words_to_enter(find(word), "env", "-C", "/root", *command),
        input=stdin,
        capture_output=True,
        text=True,
        env=CLEAN_ENVIRONMENT,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        message = f"{word}: {' '.join(command)} failed with {done.returncode}: {done.stderr}"
        raise LabError(message)
    return done


def docker(
    word: str, *arguments: str, check: bool = True, timeout: float = _DEFAULT_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run docker beside the daemon, without SSH."""
    return run(word, "docker", *arguments, check=check, timeout=timeout)


def spawn(host: Host, *command: str, log: Path) -> None:
    """Start a daemon on a host; the host's first process becomes its parent."""
    words = words_to_enter(host, program("setsid"), "--fork", *command)
    with log.open("a") as output:
        subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=CLEAN_ENVIRONMENT,
            timeout=_DEFAULT_SECONDS,
            check=True,
        )


def docker_socket(host: Host) -> Path:
    """Locate the daemon's socket, reached from outside the host's mount namespace."""
    return Path(f"/proc/{state.init_pid(host)}/root/run/docker.sock")


def api(
    host: Host,
    method: str,
    target: str,
    *,
    body: object = None,
    query: dict[str, object] | None = None,
    timeout: float = 30,
) -> Any:  # noqa: ANN401 - whatever JSON the engine answers
    """Ask the host's Docker Engine API."""
    return engine.request(
        docker_socket(host), method, target, body=body, query=query, timeout=timeout
    )


def pids(host: Host, *names: str) -> list[int]:
    """Find the host's own processes of these names; those in containers are not among them."""
    first = state.init_pid(host)
    inside = processes.namespace(first, "pid")
    return [
        pid
        for pid in processes.descendants(first)
        if processes.program_name(pid) in names and processes.namespace(pid, "pid") == inside
    ]


def log_file(host: Host, name: str) -> Path:
    """Where a daemon of the host writes its log."""
    return paths.host_folder(host.name) / f"{name}.log"


def enter(word: str, command: tuple[str, ...]) -> NoReturn:
    """Become a command, or a shell, on a host."""
    words = words_to_enter(find(word), "env", "-C", "/root", *(command or ("bash", "-i")))
    environment = CLEAN_ENVIRONMENT | {"TERM": os.environ.get("TERM", "dumb")}
    os.execve(words[0], words, environment)  # noqa: S606 - signals must reach the command
