import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.swarm.remote_command import BEGIN, limited, remote_line

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=4)
SHELLS = (["sh"], ["bash"], ["busybox", "ash"])


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[-1])
@settings(max_examples=40, deadline=None)
@given(words=WORDS)
def test_any_words_pass_through_any_login_shell(shell: list[str], words: list[str]) -> None:
    line = remote_line(limited(["printf", r"%s\0", *words], 10))
    done = subprocess.run([*shell, "-c", line], capture_output=True, check=True)
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
