import re
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.engine.events import Event, RunWaits, StepDone, StepStarted, StepWaits
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import Expected
from orchestrator.ui.board import Board, board_of
from orchestrator.ui.consoles import SteadyStream, plain
from orchestrator.ui.live import LiveBoard, render_board
from tests.ui.golden import assert_golden
from tests.ui.values import (
    SERVER,
    Clock,
    failing_run,
    plan_of,
    restart_all,
    step_of,
    unit_plan,
    with_secret,
)

PLAN = restart_all()


def half_way() -> Board:
    """The server comes up, the rest is gone or skipped."""
    board = board_of(PLAN)
    for event in failing_run(PLAN)[:27]:
        board = board.after(event)
    return board


def many() -> Board:
    clients = [Unit(stack="datatrail-client", site=f"site{number:02}") for number in range(40)]
    plan = plan_of(unit_plan(SERVER, dependents=tuple(clients)), *(unit_plan(u) for u in clients))
    board = board_of(plan)
    for event in failing_run(plan)[: 3 * len(clients) + 180]:
        board = board.after(event)
    return board


def waiting() -> Board:
    """The run as a whole waits as well."""
    return half_way().after(RunWaits(at=120.0, waiting_for="the disk", seconds=20.0, at_most=90.0))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (50, 12)])
def test_a_board_reads_well(width: int, height: int) -> None:
    assert_golden(f"board-{width}", plain(render_board(half_way(), 125.0, width, height), width))


@given(
    st.sampled_from([board_of(PLAN), half_way(), waiting(), many()]),
    st.integers(min_value=1, max_value=200),
    st.integers(min_value=1, max_value=60),
)
def test_a_board_never_outgrows_the_terminal(board: Board, width: int, height: int) -> None:
    lines = plain(render_board(board, 200.0, width, height), 500)
    assert len(lines) <= max(height - 1, 3)
    assert all(len(line) < max(width, 2) for line in lines)


def test_what_the_run_as_a_whole_waits_for_stands_under_the_headline() -> None:
    lines = plain(render_board(waiting(), 125.0, 80, 24), 80)
    assert "waits: the disk, 20 s of at most 90 s" in lines[:3]


def test_where_rows_do_not_fit_the_busy_ones_are_shown_and_the_rest_counted() -> None:
    lines = plain(render_board(many(), 400.0, 100, 12), 100)
    assert len(lines) == 11
    assert lines[-1].startswith("and 33 more: ")


def test_the_outage_of_what_others_need_is_in_the_headline() -> None:
    board = half_way().after(StepStarted(at=130.0, step=step_of(PLAN, "remove datatrail@chime")))
    board = board.after(StepStarted(at=131.0, step=step_of(PLAN, "deploy datatrail@chime")))
    assert "datatrail@chime DOWN 7.5 s" in plain(render_board(board, 137.5, 80, 24), 80)[0]


def _terminal(width: int = 80) -> tuple[StringIO, Console]:
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        height=24,
        force_terminal=True,
        force_interactive=True,
        color_system=None,
        _environ={"TERM": "xterm"},
    )
    return out, console


def _show(events: list[Event], out: StringIO, console: Console) -> str:
    board = LiveBoard(console, board_of(PLAN), Clock())
    for event in events:
        board(event)
    board.close()
    board.close()
    return out.getvalue()


def test_all_that_finished_stays_in_the_scroll_back() -> None:
    events = failing_run(PLAN)
    text = _show(events, *_terminal())
    for event in events:
        if isinstance(event, StepDone):
            assert f"{event.step.id.removeprefix('gate: ')}" in text
    assert "FAILED after 4.0 s: datatrail-client@kko will not become healthy" in text
    assert "| datatrail-client_replicator/1 on aux.kko: failed 3 times" in text


def test_the_board_is_gone_and_the_cursor_back_when_it_is_closed() -> None:
    text = _show(failing_run(PLAN), *_terminal())
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    last = text[text.rindex("\x1b[?25h") :]
    assert "restart --all" not in last


def test_a_terminal_that_changes_its_size_is_followed() -> None:
    out, console = _terminal()
    board = LiveBoard(console, board_of(PLAN), Clock())
    events = failing_run(PLAN)
    for width, event in zip([80, 40, 20, 3, 1, 200] * len(events), events, strict=False):
        console.size = (width, max(width // 3, 1))
        board(event)
    board.close()
    assert "settle datatrail-client@gbo" in out.getvalue()


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    step = step_of(PLAN, "deploy datatrail@chime")
    words = with_secret("x")
    waits = StepWaits(at=1.0, step=step, waiting_for=words, items=(words,), deadline=None)
    end = StepDone(at=2.0, step=step, words=words, seconds=1.0)
    text = _show([StepStarted(at=0.0, step=step), waits, end], *_terminal(300))
    assert "\x1b[1;1H" not in text
    assert "hunter2" not in text
    ours = re.compile(r"\x1b\[(\?25[hl]|2K|1A)")
    assert "\x1b" not in ours.sub("", text)


class TestWhatIsExpected:
    EXPECTED = Expected(
        steps={f"deploy {SERVER}": 12.0, "deploy datatrail-client@gbo": 20.0},
        outages={SERVER: 7.6},
        whole=33.0,
    )

    def lines(self, width: int, height: int = 24) -> list[str]:
        board = replace(half_way(), expected=self.EXPECTED)
        return plain(render_board(board, 125.0, width, height), width)

    def test_a_step_under_way_tells_how_long_it_usually_takes_and_may_take(self) -> None:
        row, waits = self.lines(80)[1:3]
        assert re.search(r"coming up +9\.0 s ~12 s +down 14 s$", row)
        assert waits.endswith(".., 9 s of 104 s")

    def test_the_headline_tells_how_long_the_outage_and_all_of_it_usually_take(self) -> None:
        assert self.lines(120)[0] == (
            "restart --all  datatrail@chime DOWN 14 s of ~8 s  9/26 steps, 24 s of ~33 s"
        )

    def test_where_that_is_too_wide_it_takes_two_lines(self) -> None:
        assert self.lines(60)[:2] == [
            "restart --all  datatrail@chime DOWN 14 s of ~8 s",
            "9/26 steps, 24 s of ~33 s",
        ]
        assert self.lines(60, 8)[0].startswith(
            "restart --all  datatrail@chime DOWN 14 s of ~8 s  9/"
        )


def test_what_is_drawn_anew_is_shown_at_once() -> None:
    """Where a terminal knows how: all that moves its cursor up stands between the two marks."""
    out = StringIO()
    stream = SteadyStream(out)
    stream.write("line\n")
    stream.write("\x1b[1A\x1b[2Kboard\n")
    assert out.getvalue() == "line\n\x1b[?2026h\x1b[1A\x1b[2Kboard\n\x1b[?2026l"
