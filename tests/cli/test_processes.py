import os
import subprocess
import sys

from orchestrator.cli.processes import is_dtdeploy

SLEEPS = "import sys; print('ready', flush=True); sys.stdin.read()"


def started(name: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPS, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_dtdeploy_that_runs_is_known_until_it_is_gone() -> None:
    process = started("dtdeploy")
    assert is_dtdeploy(process.pid)
    process.kill()
    # Killed and not yet waited for: it does nothing more.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_dtdeploy(process.pid)
    process.communicate()
    assert not is_dtdeploy(process.pid)


def test_another_program_under_the_same_number_is_none() -> None:
    process = started("something-else")
    assert not is_dtdeploy(process.pid)
    process.kill()
    process.communicate()


def test_our_own_number_is_never_that_of_a_former_holder() -> None:
    assert not is_dtdeploy(os.getpid())


def test_numbers_that_no_process_has() -> None:
    for number in (0, -1, 2**22 + 1, 2**80):
        assert not is_dtdeploy(number)
