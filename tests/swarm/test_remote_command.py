import os
import shlex
import shutil
import subprocess
import threading
from typing import cast

import paramiko
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.swarm.remote_command import (
    BEGIN,
    KEPT_VARIABLES,
    Conversation,
    limited,
    over_stdin,
    remote_line,
)

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=4)
SHELLS = (["sh"], ["bash"], ["busybox", "ash"], ["tcsh"], ["zsh"], ["fish"])


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[-1])
@settings(max_examples=40)
@given(words=WORDS)
def test_any_script_passes_through_any_login_shell(shell: list[str], words: list[str]) -> None:
    """csh finds a `!` even within quotes, and no newline there: the line holds neither."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    argv, text = over_stdin(shlex.join(["printf", r"%s\0", *words]))
    line = remote_line(limited(argv, 10))
    done = subprocess.run([*shell, "-c", line], input=text, capture_output=True, check=True)
    expected = "".join(f"{word}\0" for word in words or [""])
    assert done.stdout == BEGIN + expected.encode()


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_the_exit_code_comes_through_a_death_by_signal_too(command: str, code: int) -> None:
    line = remote_line(limited(["sh", "-c", command], 10))
    assert subprocess.run(["sh", "-c", line], capture_output=True, check=False).returncode == code


def test_one_that_ignores_being_told_to_end_is_killed() -> None:
    line = remote_line(limited(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], 1))
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, timeout=20)
    assert done.returncode == 137


STRAYS = {
    "TAG": "from /etc/environment",
    "TZ": "America/Vancouver",
    "http_proxy": "http://proxy:3128",
    "COMPOSE_FILE": "other.yaml",
    "DOCKER_STACK_ORCHESTRATOR": "kubernetes",
    "LINES_OF": "two\nlines=1",
    "ENV": "/etc/profile",
}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[-1])
def test_a_script_sees_nothing_of_the_login_but_what_docker_needs(shell: list[str]) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    # fish sets by itself who asks, and from where.
    own = {name: os.environ.get(name, "root") for name in ("PATH", "HOME", "USER", "LOGNAME")}
    kept = {name: f"a b'c\"$({name})!" for name in KEPT_VARIABLES} | own
    argv, text = over_stdin("export TAG=ours\nenv -0")
    done = subprocess.run(
        [*shell, "-c", remote_line(limited(argv, 10))],
        input=text,
        capture_output=True,
        check=True,
        env=kept | STRAYS,
    )
    seen = dict(
        line.split("=", 1) for line in done.stdout.removeprefix(BEGIN).decode().split("\0") if line
    )
    made_by_sh = {"PWD", "_", "SHLVL", "OLDPWD"}
    assert {name: value for name, value in seen.items() if name not in made_by_sh} == {
        **kept,
        "TAG": "ours",
    }


def test_what_the_login_does_not_set_stays_unset() -> None:
    argv, text = over_stdin("env -0")
    line = remote_line(limited(argv, 10))
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", line], input=text, capture_output=True, check=True, env=path)
    seen = {each.partition(b"=")[0] for each in done.stdout.removeprefix(BEGIN).split(b"\0")}
    assert not seen & {name.encode() for name in KEPT_VARIABLES if name != "PATH"}


class EndlessChannel:
    """A command that writes 80 MB to each stream, and then ends well."""

    exit_status = 0

    def __init__(self) -> None:
        self.status_event = threading.Event()
        self.status_event.set()
        self._left = {"out": 80_000_000, "err": 80_000_000}

    def recv(self, size: int) -> bytes:
        return self._some("out", size)

    def recv_stderr(self, size: int) -> bytes:
        return self._some("err", size)

    def _some(self, stream: str, size: int) -> bytes:
        size = min(size, self._left[stream])
        self._left[stream] -= size
        return b"x" * size

    def settimeout(self, seconds: float) -> None:
        del seconds

    def sendall(self, data: bytes) -> None:
        del data

    def shutdown_write(self) -> None:
        """Take no more."""


def test_of_what_a_command_writes_the_beginning_is_kept() -> None:
    channel = cast("paramiko.Channel", EndlessChannel())
    talk = Conversation(channel, lambda _channel, _line: None, lambda: 0.0, ends=60.0)
    result = talk.hold("x", b"")
    assert (len(result.stdout), len(result.stderr), result.rc) == (1 << 26, 1 << 26, 0)
