import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.sources.lock import held

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_waits_for_another_process_no_longer_than_told(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=r"x\.lock"), held(path, seconds=0.2):
            pytest.fail("two hold the lock")
        assert time.monotonic() - began < 5
        holder.kill()

    with held(path, seconds=5):
        assert path.exists()


def test_keeps_threads_of_one_process_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"

    with held(path, seconds=1), pytest.raises(TimeoutError), held(path, seconds=0.1):
        pytest.fail("two hold the lock")


def test_gives_the_lock_back_when_the_work_fails(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"

    with pytest.raises(ValueError, match="work"), held(path, seconds=1):
        raise ValueError("work")

    with held(path, seconds=0.1):
        pass


def test_says_so_where_no_lock_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), held(tmp_path / "no" / "x", seconds=1):
        pytest.fail("there is no such folder")
