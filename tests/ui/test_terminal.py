"""A run in a real terminal: what is finished stays, nothing is torn, nothing flickers."""

import re
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.ui.lines import LineWriter
from tests.ui.terminal import ROOT, Terminal
from tests.ui.values import Clock, failing_run, restart_all

WORDS = [sys.executable, "-m", "orchestrator"]
BAD = ["--simulate", "scenarios/bad-client.yaml", "restart", "--all", "--yes"]
_TOLD = re.compile(r"^\d\d:\d\d:\d\d \+(?:[\d.]+) ?(?:s|min|h)")
_ROW = re.compile(r"^\S+@\S+ +(?:waiting|checking|checked|going down|gone|coming up|watching)\b")
_CLEARS = (b"\x1b[2J", b"\x1b[3J", b"\x1b[H\x1b[J", b"\x1bc")


def ended(lines: list[str]) -> list[str]:
    """Give the lines about what ended, without their times."""
    told = [line for line in lines if _TOLD.match(line)]
    kept = [li for li in told if "  started" not in li and "  waits: " not in li]
    return [re.sub(r"^\S+ \+\S+ ", "", line) for line in kept]


def in_a_pipe(*words: str) -> list[str]:
    done = subprocess.run(
        [*WORDS, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def expected() -> list[str]:
    """Give what ended, as a pipe is told it."""
    return ended(in_a_pipe(*BAD))


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 15), (200, 50), (44, 6)])
@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
def test_all_that_ended_stands_in_the_scroll_back_once(
    columns: int, rows: int, environment: dict[str, str], expected: list[str]
) -> None:
    with Terminal([*WORDS, *BAD], columns=columns, rows=rows, environment=environment) as seen:
        assert seen.ends() == 21
        lines = seen.lines()
        assert ended(lines) == expected
        assert not [line for line in lines if _ROW.match(line)], "a row of the board was left"
        assert sum(line.startswith("ERROR") for line in lines) == 1
        assert "NEXT" in "\n".join(lines)
        assert not any(clear in seen.raw for clear in _CLEARS)
        coloured = re.search(rb"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|4[0-7])[0-9;]*m", seen.raw)
        assert bool(coloured) is not bool(environment)


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ([], {"TERM": "dumb"}),
        (["--plain"], {}),
        ([], {"DTDEPLOY_PLAIN": "1"}),
        ([], {"CI": "true"}),
    ],
)
def test_a_line_an_event_where_a_board_would_be_in_the_way(
    words: list[str], environment: dict[str, str], expected: list[str]
) -> None:
    with Terminal([*WORDS, *words, *BAD], columns=100, environment=environment) as seen:
        assert seen.ends() == 21
        assert ended(seen.lines()) == expected
        assert any("  waits: " in line for line in seen.lines())
        assert not re.search(rb"\x1b\[[0-9;?]*[A-HJKhl]", seen.raw), "the cursor was moved"
        if "TERM" in environment or "CI" in environment:
            assert b"\x1b" not in seen.raw


WIDER = [(80, 24), (80, 14), (90, 30), (100, 14), (120, 40), (121, 24)]
NARROWER = [(120, 40), (100, 30), (80, 24), (60, 16), (50, 24), (41, 16)]


def stepped(sizes: list[tuple[int, int]]) -> list[str]:
    """Show a run, in a window that changes its size all the time, and give what is left."""
    events = failing_run(restart_all())
    columns, rows = sizes[0]
    words = [sys.executable, "-m", "tests.ui.stepping"]
    with Terminal(words, columns=columns, rows=rows) as seen:
        seen.until(lambda: any("restart --all" in line for line in seen.display()))
        for number in range(len(events)):
            seen.resize(*sizes[number * len(sizes) // len(events)])
            before = len(seen.raw)
            seen.type("\n")
            seen.until(lambda before=before: len(seen.raw) > before)  # type: ignore[misc] # bound now
        assert seen.ends() == 0
        return seen.lines()


def test_a_window_may_become_larger_or_lower_at_any_time() -> None:
    out = StringIO()
    writer = LineWriter(Console(file=out, width=500), Clock(), only_ends=True)
    for event in failing_run(restart_all()):
        writer(event)
    writer.close()
    lines = stepped(WIDER)
    assert ended(lines) == ended(out.getvalue().splitlines())
    assert not [line for line in lines if _ROW.match(line)]


def test_a_window_may_become_narrower_at_any_time() -> None:
    """What scrolled by is cut by this terminal as by xterm; of the board nothing is left.

    A window that becomes lower than the board pushes rows of it into the scroll-back: they stay.
    """
    lines = stepped(NARROWER)
    assert [line for line in lines if line][-1] == "over"
    assert not [line for line in lines if _ROW.match(line)]
    told = [line for line in lines if _TOLD.match(line)]
    assert len(told) >= len(failing_run(restart_all())) / 3
