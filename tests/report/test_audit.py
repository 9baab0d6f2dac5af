import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.audit import audited_runs, read_line

LINE = (
    "2026-12-01T04:24:17.123+00:00 run=20261201T042414-272a21 by=ada@ops (pid 7)"
    " step='remove datatrail@chime' effect=RemoveServices unit=datatrail@chime services=a,b"
)
LATER = LINE.replace("04:24:17.123", "04:24:19.5").replace("datatrail@chime", "shop@kko")


def test_a_line_says_who_was_about_to_change_what() -> None:
    line = read_line("chime", LINE)
    assert line is not None
    assert (line.run, line.by) == ("20261201T042414-272a21", "ada@ops (pid 7)")
    assert (line.site, line.step) == ("chime", "remove datatrail@chime")
    assert line.what == "effect=RemoveServices unit=datatrail@chime services=a,b"
    assert line.at == pytest.approx(1_796_099_057.123)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", LINE.replace("2026-12", "2026-13"), LINE.replace("'", ""), LINE[:40]],
)
def test_what_somebody_else_wrote_is_no_line(text: str) -> None:
    assert read_line("chime", text) is None


@given(st.text(max_size=200))
def test_nothing_that_stands_there_breaks_it(text: str) -> None:
    read_line("chime", text)
    read_line("chime", LINE.replace("datatrail@chime", text))


def test_the_lines_of_all_managers_are_one_run_in_the_order_of_their_times() -> None:
    other = LINE.replace("20261201T042414-272a21", "older").replace("04:24", "03:24")
    newest, older = audited_runs({"kko": [LATER], "chime": [other, LINE]})
    assert newest.steps == ("remove datatrail@chime", "remove shop@kko")
    assert newest.sites == ("chime", "kko")
    assert (newest.who, older.run, len(older.lines)) == ("ada@ops (pid 7)", "older", 1)
