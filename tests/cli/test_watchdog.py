"""Stalls are planted in a process of their own: what ends them ends the process."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.cli.watchdog import Run, Watchdog, stacks_text
from orchestrator.command_line import AS_IT_IS
from orchestrator.engine.watch import Wait, Watch
from orchestrator.errors import ExitCode, Problem
from orchestrator.ui.lines import STILL_SECONDS

ROOT = Path(__file__).parent.parent.parent
LONGEST = 120


@dataclass(frozen=True)
class Stalled:
    """What a planted stall left: exit code, what stood on the screen, the stacks."""

    code: int
    screen: str
    stacks: str


def planted(kind: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cli.stalling", kind, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_by(process: "subprocess.Popen[str]", folder: Path, screen: str = "") -> Stalled:
    rest, _ = process.communicate(timeout=LONGEST)
    [stacks] = folder.iterdir()
    return Stalled(process.returncode, screen + rest, stacks.read_text())


def test_a_run_that_nothing_answers_says_so_writes_its_stacks_and_ends(tmp_path: Path) -> None:
    stalled = left_by(planted("answers", tmp_path), tmp_path)
    assert stalled.code == ExitCode.INTERRUPTED
    assert "was stopped: nothing came of anything for 3 s" in stalled.screen
    assert re.search(r"next: dtdeploy resume run-\d+", stalled.screen)
    assert "in wait\n" in stalled.stacks
    assert "thread MainThread" in stalled.stacks


def test_a_disk_that_never_comes_back_is_named(tmp_path: Path) -> None:
    stalled = left_by(planted("journal", tmp_path), tmp_path)
    assert stalled.code == ExitCode.INTERRUPTED
    assert "it waits for: writing the journal on this machine's disk" in stalled.screen
    assert "_Stuck" in stalled.stacks or "os.read" in stalled.stacks
    assert re.search(r"next: dtdeploy resume run-\d+", stalled.screen)


def test_a_run_that_goes_on_ends_by_itself_when_it_is_told_to_say_what_it_does(
    tmp_path: Path,
) -> None:
    process = planted("paced", tmp_path)
    assert process.stdout is not None
    screen = ""
    while "deploy datatrail@chime  started" not in screen:
        line = process.stdout.readline()
        assert line, screen
        screen += line
    process.send_signal(signal.SIGUSR1)
    stalled = left_by(process, tmp_path, screen)
    assert stalled.code == ExitCode.INTERRUPTED
    assert "it was told to say what it does (SIGUSR1)" in stalled.screen
    assert "[run.stalled]" in stalled.screen
    assert "runbook:  run-stalled" in stalled.screen
    assert "next: dtdeploy resume" not in stalled.screen.split("[run.stalled]")[0]
    assert "thread MainThread" in stalled.stacks


def dog(
    watch: Watch, folder: Path, *, spoken: Callable[[], int] = int, **seconds: float
) -> Watchdog:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Watchdog(watch, folder, lambda: at, spoken=spoken, manner=AS_IT_IS, **seconds)


def until(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_outside_a_run_the_stacks_are_written_and_nothing_is_ended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def told() -> bool:
        said.append(capfd.readouterr().err)
        return "run-20260102" in "".join(said)

    with dog(Watch(time.monotonic), tmp_path) as watching:
        os.kill(os.getpid(), signal.SIGUSR1)
        until(told)
        assert watching.stalled() is None
    [stacks] = tmp_path.iterdir()
    assert f"what each thread does is in {stacks}" in "".join(said)


def test_what_is_waited_for_is_told_to_whoever_shows_the_run(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []

    def say(wait: Wait, seconds: float) -> bool:
        heard.append((wait.words, seconds))
        return True

    at = 0.0
    watch = Watch(lambda: at)
    run = Run(id="r1", stop=lambda: None, say=say)
    with dog(watch, tmp_path) as watching, watching.of_run(run), watch.waiting("the lock"):
        at = 7.0
        until(lambda: heard)
    assert heard[0] == ("the lock", 7.0)


def test_a_command_that_says_nothing_for_a_while_tells_what_it_waits_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each wait may be short; with many of them nobody would know that it goes on."""
    said: list[str] = []
    at = 0.0
    watch = Watch(lambda: at)

    def told() -> bool:
        nonlocal at
        at += 0.5
        with watch.waiting(f"the look number {at:g}", at_most=60.0):
            time.sleep(0.02)
        said.append(capfd.readouterr().err)
        return any(said)

    with dog(watch, tmp_path, tick_seconds=0.01):
        until(told)
    assert re.search(r"waits: the look number [0-9.]+, 0 s of at most 60 s", "".join(said))
    assert at >= STILL_SECONDS


def test_whoever_has_just_spoken_or_waits_for_a_person_says_nothing_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    at, lines = 0.0, 0
    watch = Watch(lambda: at)
    with dog(watch, tmp_path, tick_seconds=0.001, spoken=lambda: lines):
        for _ in range(100):
            with watch.waiting("a look"):
                at, lines = at + 1.0, lines + 1
                time.sleep(0.005)
        for _ in range(100):
            at += 1.0
            time.sleep(0.005)
    assert capfd.readouterr().err == ""


def test_as_long_as_answers_come_a_run_is_left_alone(tmp_path: Path) -> None:
    stopped: list[Problem | None] = []
    watch = Watch(time.monotonic)
    run = Run(id="r1", stop=lambda: stopped.append(None), say=lambda _wait, _seconds: True)
    watching = dog(watch, tmp_path, stalled_seconds=1.0, tick_seconds=0.01)
    with watching, watching.of_run(run):
        for _ in range(200):
            watch.came()
            time.sleep(0.01)
        assert stopped == []
        until(lambda: stopped)
    assert watching.stalled() is not None


def test_stacks_name_threads_and_places_and_no_values() -> None:
    secret = f"hunter{2}"
    text = stacks_text()
    assert "thread MainThread" in text
    assert "test_watchdog.py" in text
    assert secret not in text
