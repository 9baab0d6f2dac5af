import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.words.foreign_json import DEEPEST, read_json, read_moment, read_object, within

_SCALARS = (
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
JSON = st.recursive(
    st.one_of(*_SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(JSON)
def test_what_is_json_is_read(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize("bad", ["", "{", "NaN", "[Infinity]", "1" * 5000, b"\xff", "nul"])
def test_what_is_none_is_a_value_error(bad: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which words json has for it is all the same
        read_json(bad)


@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_without_an_end_is_a_value_error(
    depth: int, opening: str, closing: str
) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(f"{opening * depth}1{closing * depth}")


def test_the_deepest_that_is_read() -> None:
    assert read_json("[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1))


@pytest.mark.parametrize("bad", ["[]", "1", '"a"', "null"])
def test_an_object_is_an_object(bad: str) -> None:
    with pytest.raises(ValueError, match="no object"):
        read_object(bad)
    assert read_object('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("bad", [None, "1", -1, 1e12, float("inf"), float("nan"), 10**400, [1]])
def test_a_moment_is_one_that_a_calendar_knows(bad: object) -> None:
    with pytest.raises(ValueError, match="no moment"):
        read_moment(bad)
    assert read_moment(1_764_000_000) == 1_764_000_000.0


def test_what_does_not_lead_on_is_none() -> None:
    assert within({"a": {"b": 1}}, "a", "b") == 1
    assert within({"a": 1}, "a", "b") is None
    assert within([1], "a") is None
