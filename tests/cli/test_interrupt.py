"""Signals, sent to a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

RUN = "20261122T030000-ab12cd"
CHILD = f"""
import sys, time
from orchestrator.cli.interrupt import Interrupt, stop_on_signals
interrupt = Interrupt({RUN!r})
with stop_on_signals(interrupt, lambda: None):
    print("ready", flush=True)
    until = time.monotonic() + 60
    while not interrupt.asked() and time.monotonic() < until:
        time.sleep(0.01)
    print("asked", flush=True)
    if "linger" in sys.argv:
        time.sleep(60)
print("over", flush=True)
"""
TIMEOUT_SECONDS = 60


@contextmanager
def child(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert out(process).readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait(timeout=TIMEOUT_SECONDS)
        for stream in (out(process), err(process)):
            stream.close()


def out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def err(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stderr is not None
    return process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_names_the_run_and_lets_it_come_to_an_end(
    number: signal.Signals,
) -> None:
    with child() as process:
        process.send_signal(number)
        assert out(process).readline() == "asked\n"
        assert out(process).read() == "over\n"
        assert process.wait(timeout=TIMEOUT_SECONDS) == 0
        assert f"stopping run {RUN}: no new step starts" in err(process).read()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM),
    ],
)
def test_the_second_leaves_at_once_with_the_command_that_goes_on(
    first: signal.Signals, second: signal.Signals
) -> None:
    with child("linger") as process:
        process.send_signal(first)
        assert out(process).readline() == "asked\n"
        process.send_signal(second)
        assert process.wait(timeout=TIMEOUT_SECONDS) == 30
        assert f"dtdeploy resume {RUN}" in err(process).read()


def test_nobody_reading_what_is_said_does_not_keep_it_from_stopping() -> None:
    with child() as process:
        err(process).close()
        process.send_signal(signal.SIGHUP)
        assert out(process).readline() == "asked\n"
        assert out(process).readline() == "over\n"
        assert process.wait(timeout=TIMEOUT_SECONDS) == 0
