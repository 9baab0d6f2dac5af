import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.unit import Unit
from orchestrator.ui.log_view import LogPrinter, log_json

KKO = Unit("datatrail-client", "kko")
GBO = Unit("datatrail-client", "gbo")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = int(NOW.timestamp()) * 10**9 + 123_456_789


def line(text: str = "hello", **more: object) -> LogLine:
    values = {"at": AT, "unit": KKO, "service": "replicator", "slot": "1", "text": text} | more
    return LogLine(**values)  # type: ignore[arg-type] # keyword values are the caller's own


def shown(*lines: LogLine, width: int = 120, terminal: bool = True, colour: bool = False) -> str:
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=terminal,
        color_system="standard" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    printer = LogPrinter(console, [KKO, GBO], NOW)
    for item in lines:
        printer(item)
    return out.getvalue()


def test_a_line_says_when_and_who() -> None:
    assert shown(line()) == "12:00:00.123 datatrail-client@kko/replicator.1 | hello\n"


def test_a_line_of_another_day_says_which() -> None:
    assert shown(line(at=AT - 86400 * 10**9)).startswith("11-21 12:00:00.123 datatrail-client@kko")


def test_in_a_pipe_each_line_has_its_date_and_zone() -> None:
    said = shown(line(), terminal=False)
    assert said.startswith("2026-11-22T12:00:00.123+00:00 datatrail-client@kko/replicator.1 | ")


def test_on_a_narrow_terminal_who_speaks_is_said_when_it_changes() -> None:
    lines = shown(line("one"), line("two"), line("three", unit=GBO), width=40).splitlines()
    assert lines == [
        "datatrail-client@kko/replicator.1",
        "12:00:00.123 one",
        "12:00:00.123 two",
        "datatrail-client@gbo/replicator.1",
        "12:00:00.123 three",
    ]


def test_a_task_that_nobody_knows_any_more_goes_by_its_id() -> None:
    said = shown(line(slot="", task="gxfzjxun4axtz99o4h2morp1p"))
    assert "replicator.gxfzjxun4axt | " in said


def test_units_differ_in_colour_and_no_colour_is_none() -> None:
    coloured = shown(line(), line(unit=GBO), colour=True)
    assert "\x1b[32mdatatrail-client@kko" in coloured
    assert "\x1b[36mdatatrail-client@gbo" in coloured
    assert "\x1b" not in shown(line(), line(unit=GBO))


@pytest.mark.parametrize("width", [40, 120])
def test_what_a_service_writes_moves_no_cursor_and_tells_no_secret(width: int) -> None:
    said = shown(line("\x1b[2J\x1b[31mred\rPASSWORD=hunter22 https://me:pw99@x"), width=width)
    assert "\x1b" not in said
    assert "\r" not in said
    assert "hunter22" not in said
    assert "pw99" not in said
    assert "red" in said


def test_nothing_is_cut_and_what_is_indented_stays_so() -> None:
    assert shown(line("    at " + "x" * 500), width=100).endswith("|     at " + "x" * 500 + "\n")


def test_as_json_a_line_is_an_object_with_all_that_is_known() -> None:
    told = log_json(line(node="aux.kko", task="abc", stream="stderr"))
    assert json.loads(json.dumps(told)) == {
        "event": "log",
        "time": "2026-11-22T12:00:00.123456789Z",
        "at": AT,
        "unit": "datatrail-client@kko",
        "stack": "datatrail-client",
        "site": "kko",
        "service": "replicator",
        "slot": "1",
        "task": "abc",
        "node": "aux.kko",
        "stream": "stderr",
        "text": "hello",
    }
