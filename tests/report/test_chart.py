import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.chart import Scale, draw
from tests.build import CLIENT, SERVER
from tests.report.journals import killed_and_resumed, read, whole_restart


def test_a_bar_stands_where_its_time_is() -> None:
    chart = draw(read(*whole_restart()))
    server = chart.rows[0]
    assert (server.stack, server.site) == (SERVER.stack, SERVER.site)
    x = [bar.x for bar in server.bars]
    assert x == pytest.approx(
        [0, 100 * 4 / 21, 100 * 6 / 21, 100 * 8 / 21, 100 * 18 / 21], abs=0.01
    )
    assert sum(bar.width for bar in server.bars) == pytest.approx(100, abs=0.01)


def test_a_bar_says_all_about_itself() -> None:
    chart = draw(read(*whole_restart()))
    label = chart.rows[1].bars[2].label
    assert label == f"{CLIENT}: down for 4.0 s, +4.0 s to +8.0 s. gone after a while"


def test_a_long_pause_is_drawn_short_and_the_rest_keeps_its_order() -> None:
    run = killed_and_resumed()
    chart = draw(run)
    (pause,) = chart.pauses
    assert pause.label == "59 min 54 s idle"
    assert 5 < pause.width < 10
    assert [mark.label for mark in chart.lives] == ["resumed"]
    for row in chart.rows:
        ends = [bar.x + bar.width for bar in row.bars]
        assert [bar.x for bar in row.bars][1:] == pytest.approx(ends[:-1], abs=0.5)
    assert not any(pause.x < tick.x < pause.x + pause.width for tick in chart.ticks)


def test_what_took_a_moment_is_seen_and_stays_inside() -> None:
    chart = draw(read(*whole_restart()))
    for row in chart.rows:
        assert all(bar.width >= 0.4 and bar.x + bar.width <= 100.001 for bar in row.bars)


def test_there_are_a_few_ticks_and_they_are_round() -> None:
    chart = draw(read(*whole_restart()))
    assert [tick.label for tick in chart.ticks] == ["0 s", "5 s", "10 s", "15 s", "20 s"]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_scale_never_goes_back(shares: list[float]) -> None:
    run = killed_and_resumed()
    scale = Scale(run)
    drawn = [scale(run.began + share * run.seconds) for share in sorted(shares)]
    assert drawn == sorted(drawn)
    assert (scale(run.began), scale(run.ended)) == (0.0, 100.0)
