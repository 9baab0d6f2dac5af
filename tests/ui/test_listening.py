import json
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.ui.lines import LineWriter
from orchestrator.ui.listening import make_listener
from orchestrator.ui.live import LiveBoard
from orchestrator.ui.mode import Mode
from tests.ui.values import Clock, failing_run, restart_all

PLAN = restart_all()


def consoles(width: int = 80, *, no_color: bool = False) -> tuple[Console, Console]:
    def one() -> Console:
        return Console(
            file=StringIO(), width=width, height=24, no_color=no_color, force_terminal=True
        )

    return one(), one()


def said(console: Console) -> str:
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_json_goes_to_stdout_and_nothing_to_stderr() -> None:
    out, err = consoles()
    listener = make_listener(Mode.JSON, PLAN, out, err, Clock())
    for event in failing_run(PLAN):
        listener(event)
    listener.close()
    lines = [json.loads(line) for line in said(out).splitlines()]
    assert lines[0]["event"] == "run_started"
    assert all(line["time"] for line in lines)
    assert said(err) == ""


def test_lines_go_to_stderr_and_nothing_to_stdout() -> None:
    out, err = consoles()
    listener = make_listener(Mode.LINES, PLAN, out, err, Clock())
    for event in failing_run(PLAN):
        listener(event)
    listener.close()
    assert said(out) == ""
    assert "FAILED after 4.0 s" in said(err)


@pytest.mark.parametrize(
    ("width", "no_color", "kind"),
    [
        (80, False, LiveBoard),
        (80, True, LiveBoard),
        (50, False, LiveBoard),
        (40, True, LiveBoard),
        (39, False, LineWriter),
    ],
)
def test_a_terminal_without_room_for_a_board_gets_lines(
    width: int,
    no_color: bool,  # noqa: FBT001 - a table's column, given by pytest
    kind: type,
) -> None:
    out, err = consoles(width, no_color=no_color)
    listener = make_listener(Mode.LIVE, PLAN, out, err, Clock())
    listener.close()
    assert isinstance(listener, kind)
