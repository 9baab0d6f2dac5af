from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.cli.log_options import read_since

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=-8)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("1h30m", NOW - timedelta(hours=1, minutes=30)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("2d", NOW - timedelta(days=2)),
        ("11:15", NOW.replace(hour=11, minute=15)),
        ("12:00:00", NOW),
        ("23:15", NOW.replace(hour=23, minute=15) - timedelta(days=1)),
        ("2026-11-20", NOW.replace(day=20, hour=0)),
        ("2026-11-20T10:00", NOW.replace(day=20, hour=10)),
        ("2026-11-20T10:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_in_many_ways(text: str, expected: datetime) -> None:
    assert read_since(text, NOW) == expected.timestamp()


@pytest.mark.parametrize("text", ["", "10", "m", "yesterday", "10m ago", "25:00", "-5m", "10M"])
def test_what_names_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_since(text, NOW)
