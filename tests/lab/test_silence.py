"""A run that gets nowhere says so, and ends: planted stalls, and a network that is gone."""

import os
import sys
import time
from pathlib import Path

import pytest

from lab import control, faults
from orchestrator.errors import ExitCode
from tests.lab.conftest import DEEP, Done, Operator, Running
from tests.lab.screen_reader import offers

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not DEEP, reason="minutes of waiting: --deep, or DTDEPLOY_DEEP=1"),
]

STALLING = Path(__file__).with_name("stalling.py")
SITES = ("chime", "outrigger-buffer", "kko", "gbo")
LONGEST_SILENCE = 30.0
"""Twice what is promised: two labs share two cores."""


def longest_silence(running: Running) -> float:
    """Follow a command to its end and return the longest time without a line, in seconds."""
    last, size, longest = time.monotonic(), 0, 0.0
    while not running.has_ended():
        time.sleep(0.1)
        now, grown = time.monotonic(), len(running.out()) + len(running.err())
        longest = max(longest, now - last)
        if grown != size:
            last, size = now, grown
    return longest


def stalls(operator: Operator, kind: str) -> tuple[Done, float]:
    """Bring all up with a stall of that kind planted."""
    assert operator.types("down", "--all", "--yes").code == 0
    command = [sys.executable, str(STALLING), kind]
    words = [*command, "-i", str(operator.inventory), "up", "--all", "--yes"]
    running = Running(words, operator.machine)
    silence = longest_silence(running)
    return running.ends(), silence


@pytest.mark.parametrize("kind", ["performer", "journal"])
def test_a_run_that_stands_still_ends_and_can_be_resumed(operator: Operator, kind: str) -> None:
    done, silence = stalls(operator, kind)
    assert done.code == ExitCode.INTERRUPTED, done
    assert "was stopped: nothing came of anything for 60 s, and it waits for:" in done.err
    assert offers(done.err, "resume")
    assert done.seconds < 240
    assert silence < LONGEST_SILENCE
    assert operator.types("resume", "--yes").code == 0
    assert operator.violations() == []


def test_a_thread_that_keeps_a_site_to_itself_costs_that_site_alone(operator: Operator) -> None:
    done, silence = stalls(operator, "site-lock")
    assert done.code == ExitCode.SITE_UNREACHABLE, done
    assert "was given up after 90 s" in done.err + done.out
    assert silence < LONGEST_SILENCE
    assert operator.types("up", "--all", "--yes").code == 0


def test_a_control_machine_without_a_network_says_what_it_leaves(operator: Operator) -> None:
    assert operator.types("down", "--all", "--yes").code == 0
    running = operator.starts("up", "--all", "--yes")
    running.until_it_says("deploy datatrail-client@gbo  started")
    for site in SITES:
        faults.cut(site)
    silence = longest_silence(running)
    done = running.ends()
    assert done.code in (ExitCode.SITE_UNREACHABLE, ExitCode.OUTCOME_UNKNOWN), done
    assert "KEPT" in done.err
    assert silence < LONGEST_SILENCE
    assert done.seconds < 280
    faults.heal()
    assert operator.types("resume", "--yes").code == 0
    assert operator.violations() == []


def test_a_terminal_that_nobody_reads_holds_up_no_run(operator: Operator) -> None:
    """The pipe is full long before the run is over: its reader reads nothing until then."""
    reading, writing = os.pipe()
    os.set_blocking(writing, True)
    os.write(writing, b"." * 60_000)
    words = ["env", "--default-signal", *operator.words("restart", "--all", "--yes")]
    process = control.start(words, stdout=writing, stderr=writing, machine=operator.machine)
    os.close(writing)
    deadline = time.monotonic() + 200
    while not operator.touched() or "the lock is free" not in operator.types("lock").out:
        assert time.monotonic() < deadline
        time.sleep(1)
    os.close(reading)
    process.wait(60)
