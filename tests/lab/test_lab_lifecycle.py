"""Coming up, being killed in the middle, going down. In a lab of its own beside any other."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import namespaces, paths, processes

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parent.parent.parent
SMALL = ("--sites", "1", "--workers", "0")


@pytest.fixture(scope="module", autouse=True)
def own_lab() -> Iterator[None]:
    folder = paths.folder() / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(folder))
        yield
        lab("down", "--purge")
        assert not folder.exists()


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def begun(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a lab command that hears signals, even where the tests run in the background."""
    command = ["env", "--default-signal", sys.executable, "-m", "lab", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def everything_is_well() -> bool:
    done = lab("status", "--json")
    return done.returncode == 0 and all(host["healthy"] for host in json.loads(done.stdout))


@pytest.mark.parametrize("after", [0.2, 0.7, 1.2])
def test_an_up_that_was_killed_does_not_stop_the_next(after: float) -> None:
    with begun("up", "--fresh", *SMALL):
        time.sleep(after)
    assert lab("up", *SMALL).returncode == 0
    assert everything_is_well()


def test_a_second_up_leaves_the_lab_as_it_is() -> None:
    lab("up", *SMALL)
    before = (paths.folder() / "state.json").read_text()
    assert "up already" in lab("up", *SMALL).stderr
    assert before == (paths.folder() / "state.json").read_text()


def test_another_shape_is_another_lab() -> None:
    lab("up", *SMALL)
    assert lab("up", "--sites", "2", "--workers", "0").returncode == 0
    assert "outrigger_buffer.chime" in lab("status").stdout


def test_a_lab_that_is_not_well_is_started_over() -> None:
    lab("up", *SMALL)
    lab("fault", "docker-stop", "chime")
    assert lab("up", *SMALL).returncode == 0
    assert everything_is_well()


def test_down_leaves_nothing_behind() -> None:
    lab("up", *SMALL)
    lab("fault", "stack", "chime", "some-stack")
    assert lab("down").returncode == 0
    assert namespaces.leftovers() == []
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{paths.label()}"))
    mine = str(paths.folder())
    assert not [p for p in processes.all_pids() if mine in processes.command_line(p)]


def test_an_exit_status_comes_through_ops() -> None:
    lab("up", *SMALL)
    assert lab("ops", "bash", "-c", "exit 7").returncode == 7


def test_a_signal_to_ops_is_a_signal_to_the_command() -> None:
    lab("up", *SMALL)
    with begun("ops", "sleep", "60") as running:
        processes.wait_until(
            lambda: processes.command_line(running.pid) == "sleep 60", seconds=60, what="sleep"
        )
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == -signal.SIGINT


def test_two_commands_do_not_change_a_lab_at_once() -> None:
    lab("up", *SMALL)
    file = paths.folder().with_name("own.lock")
    with begun("up", "--fresh", *SMALL) as first:
        processes.wait_until(
            lambda: file.read_text() == str(first.pid), seconds=60, what="the first to begin"
        )
        # Else it could be done before the second has begun.
        first.send_signal(signal.SIGSTOP)
        refused = lab("up", *SMALL)
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=60) == 0
    assert refused.returncode == 1
    assert "another lab command is at work" in refused.stderr
