from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.journal_format import (
    Row,
    UnfitError,
    decode,
    encode,
    entries_of,
    first_link,
    next_link,
)
from tests.engine.journals import OTHER_RUN, RUN, realistic

# Half a character is what a name that is no UTF-8 becomes in Python.
_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\udcff\0☎"), max_size=9)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(_TEXT, parts, max_size=4),
    max_leaves=12,
)
_ENTRIES = st.builds(
    Entry,
    at=st.floats(allow_nan=False, allow_infinity=False),
    kind=st.sampled_from(EntryKind),
    step=_TEXT,
    body=st.dictionaries(_TEXT, _JSON, max_size=5),
)


def _table(entries: Sequence[Entry], run: str = RUN) -> tuple[list[Row], list[Row]]:
    link = first_link(run)
    rows: list[Row] = []
    for entry in entries:
        text = encode(entry)
        link = next_link(link, text)
        rows.append((len(rows) + 1, text, link))
    return [(run.encode(), len(rows), link)], rows


@given(_ENTRIES)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    text = encode(entry)
    assert decode(text) == entry
    assert text.isascii()
    assert b"\n" not in text


def test_a_tuple_comes_back_as_a_list() -> None:
    entry = Entry(at=0.0, kind=EntryKind.STEP, body={"sites": ("kko", ("gbo",))})
    assert decode(encode(entry)).body == {"sites": ["kko", ["gbo"]]}


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1: "a"}, {None: "a"}, b"bytes", {"a", "set"}, "\ud83d\ude00"],
)
def test_what_json_does_not_give_back_is_a_mistake_of_the_caller(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode(Entry(at=0.0, kind=EntryKind.STEP, body={"a": value}))


@pytest.mark.parametrize("at", [float("nan"), float("-inf")])
def test_an_entry_has_a_time(at: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(Entry(at=at, kind=EntryKind.STEP, body={}))


def test_a_whole_journal_is_believed() -> None:
    assert entries_of(RUN, *_table(realistic())) == realistic()
    assert entries_of(RUN, *_table(())) == ()


@given(st.data())
def test_whatever_is_done_to_the_rows_is_noticed(data: st.DataObject) -> None:
    """Lost, doubled, moved, or of another run with another entry in its place."""
    heads, rows = _table(realistic()[:6])
    _, foreign = _table(realistic()[:6], OTHER_RUN)
    changed = data.draw(st.lists(st.sampled_from(rows + foreign), max_size=8))
    if changed == rows:
        return
    with pytest.raises(UnfitError):
        entries_of(RUN, heads, changed)


@given(st.data())
def test_entries_numbered_anew_do_not_follow_each_other(data: st.DataObject) -> None:
    heads, rows = _table(realistic()[:6])
    order = data.draw(st.permutations(rows))
    if order == rows:
        return
    renumbered: list[Row] = [(seq, *row[1:]) for seq, row in enumerate(order, start=1)]
    with pytest.raises(UnfitError, match="was changed, or does not follow"):
        entries_of(RUN, heads, renumbered)


def test_a_journal_cut_behind_an_entry_is_an_earlier_state_of_it() -> None:
    for size in range(len(realistic())):
        assert entries_of(RUN, *_table(realistic()[:size])) == realistic()[:size]


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_one_head(count: int) -> None:
    heads, rows = _table(realistic()[:2])
    with pytest.raises(UnfitError, match="is not the journal of run"):
        entries_of(RUN, heads * count, rows)
