import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sources.duration import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("2.s", 2.0),
        ("500ms", 0.5),
        ("1h2m3.5s", 3723.5),
        ("90us", 90e-6),
        ("90\u00b5s", 90e-6),
        ("5ns", 5e-9),
        ("-3s", -3.0),
        ("+3s", 3.0),
        ("1s1m", 61.0),
    ],
)
def test_reads_what_docker_reads(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["", "10", "1d", "s", ".s", ".", "1m30", "1 s", "1S", "ten", "1e3s", "s1", "--1s", "1s\n"],
)
def test_refuses_what_docker_refuses(text: str) -> None:
    assert seconds(text) is None


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 999))
def test_adds_its_terms_up(hours: int, minutes: int, secs: int, millis: int) -> None:
    expected = hours * 3600 + minutes * 60 + secs + millis / 1000

    assert seconds(f"{hours}h{minutes}m{secs}s{millis}ms") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["9" * 400 + "h", "9" * 1_000_001 + "h", "." + "9" * 999 + "h"])
def test_one_of_more_digits_than_anybody_means_is_none(text: str) -> None:
    assert seconds(text) is None or seconds(text) == pytest.approx(3600)
