from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.fleet.freeze import Freeze, Frozen, Once, Recurring, frozen

VANCOUVER = ZoneInfo("America/Vancouver")
"""The clocks of 2026 go forward on 8 March at 2:00 and back on 1 November at 2:00."""
HOUR = 3600.0


def nightly(cron: str = "0 18 * * *", hours: float = 14.0, zone: ZoneInfo = VANCOUVER) -> Recurring:
    return Recurring(cron=cron, lasts_seconds=hours * HOUR, zone=zone, reason="the night")


def at(text: str, zone: ZoneInfo = VANCOUVER, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def until(freeze: Freeze, wall: float) -> str:
    """Say until when it holds, "" if it does not."""
    return "; ".join(held.until for held in frozen([freeze], wall))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-21 17:59:59", ""),
        ("2026-11-21 18:00:00", "2026-11-22 08:00 PST"),
        ("2026-11-22 07:59:59", "2026-11-22 08:00 PST"),
        ("2026-11-22 08:00:00", ""),
    ],
)
def test_it_holds_from_its_start_until_its_end(now: str, expected: str) -> None:
    assert until(nightly(), at(now)) == expected


def test_it_begins_by_the_wall_clock_in_summer_and_winter() -> None:
    for day in ("2026-07-01", "2026-12-01"):
        assert until(nightly(), at(f"{day} 17:59")) == ""
        assert until(nightly(), at(f"{day} 18:01")) != ""


def test_how_long_it_lasts_is_real_time() -> None:
    """The night in which the clocks go forward is an hour shorter by the clock."""
    assert until(nightly(), at("2026-03-07 20:00")) == "2026-03-08 09:00 PDT"
    assert until(nightly(), at("2026-10-31 20:00")) == "2026-11-01 07:00 PST"


def test_a_start_in_the_hour_that_is_skipped_comes_an_hour_later() -> None:
    early = nightly("30 2 * * *", 1)
    assert until(early, at("2026-03-08 01:59")) == ""
    assert until(early, at("2026-03-08 03:29")) == ""
    assert until(early, at("2026-03-08 03:31")) == "2026-03-08 04:30 PDT"


def test_a_start_in_the_hour_that_comes_twice_is_the_first() -> None:
    early = nightly("30 1 * * *", 1)
    assert until(early, at("2026-11-01 01:29", fold=0)) == ""
    assert until(early, at("2026-11-01 01:31", fold=0)) == "2026-11-01 01:30 PST"
    assert until(early, at("2026-11-01 01:10", fold=1)) == "2026-11-01 01:30 PST"
    assert until(early, at("2026-11-01 01:30", fold=1)) == ""


def test_windows_that_touch_are_one() -> None:
    weekend = nightly("0 0 * * sat,sun", 24, ZoneInfo("UTC"))
    now = datetime(2026, 11, 21, 3, tzinfo=UTC).timestamp()
    assert until(weekend, now) == "2026-11-23 00:00 UTC"


def test_one_that_never_ends_says_so() -> None:
    always = nightly("* * * * *", 1)
    [held] = frozen([always], at("2026-11-21 12:00"))
    assert held == Frozen(reason="the night", ends=None, until="no end in sight")


def test_once_is_once() -> None:
    holidays = Once(
        begins=datetime(2026, 12, 18, tzinfo=VANCOUVER),
        ends=datetime(2027, 1, 4, 8, tzinfo=VANCOUVER),
        reason="nobody is here",
    )
    assert until(holidays, at("2026-12-17 23:59:59")) == ""
    assert until(holidays, at("2026-12-18 00:00")) == "2027-01-04 08:00 PST"
    assert until(holidays, at("2027-01-04 07:59:59")) == "2027-01-04 08:00 PST"
    assert until(holidays, at("2027-01-04 08:00")) == ""


def test_of_several_the_longest_comes_first() -> None:
    short, long, endless = nightly("0 18 * * *", 2), nightly(), nightly("* * * * *", 1)
    held = frozen([short, long, endless], at("2026-11-21 19:00"))
    assert [one.until for one in held] == [
        "no end in sight",
        "2026-11-22 08:00 PST",
        "2026-11-21 20:00 PST",
    ]


ZONES = st.sampled_from(["America/Vancouver", "Europe/Berlin", "Australia/Lord_Howe", "UTC"])
WALL = st.floats(min_value=1.7e9, max_value=2.0e9)


@settings(max_examples=50)
@given(ZONES, WALL, st.integers(0, 23), st.integers(0, 59), st.integers(1, 1200))
def test_it_holds_at_most_as_long_as_it_lasts_and_not_at_its_end(
    zone: str, wall: float, hour: int, minute: int, minutes: int
) -> None:
    freeze = nightly(f"{minute} {hour} * * *", minutes / 60, ZoneInfo(zone))
    for held in frozen([freeze], wall):
        assert held.ends is not None
        assert wall < held.ends <= wall + minutes * 60
        assert frozen([freeze], held.ends) == ()


@settings(max_examples=50)
@given(ZONES, WALL, st.integers(0, 23))
def test_one_a_day_holds_once_in_any_two_days(zone: str, wall: float, hour: int) -> None:
    freeze = nightly(f"0 {hour} * * *", 1.0, ZoneInfo(zone))
    assert any(frozen([freeze], wall + step * 1800) for step in range(96))
