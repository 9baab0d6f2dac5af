from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.procedures.told import (
    News,
    Sent,
    Told,
    about,
    announced,
    read_told,
    told_labels,
    with_told,
    without,
)

BEFORE = Told(news=News.BEFORE, sent=Sent.RECEIVED, at=1000.5, words="chat: accepted")
ENDED = Told(news=News.ENDED, sent=Sent.SENDING, at=1001.0)
WORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"])).map(str.strip)


@given(
    st.lists(
        st.builds(
            Told,
            news=st.sampled_from(News),
            sent=st.sampled_from(Sent),
            at=st.integers(0, 4_000_000_000).map(float),
            words=WORDS,
        ),
        unique_by=lambda told: told.news,
    )
)
def test_what_is_written_in_labels_is_read_back(told: list[Told]) -> None:
    read = read_told(dict(told_labels(told)) | {"dtdeploy.run": "r1"})
    assert set(read) == set(told)


def test_what_is_read_comes_in_one_order_whatever_order_the_labels_have() -> None:
    for labels in permutations(told_labels((BEFORE, ENDED))):
        assert read_told(dict(labels)) == (BEFORE, ENDED)


@pytest.mark.parametrize(
    "text", ["", "received", "received soon", "perhaps 2026-11-22T12:00:00.000+00:00"]
)
def test_what_nobody_wrote_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_told({"dtdeploy.told.before": text})


def test_news_that_nobody_knows_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="later"):
        read_told({"dtdeploy.told.later": "received 2026-11-22T12:00:00.000+00:00"})


@pytest.mark.parametrize(
    ("sent", "receipt"),
    [
        (Sent.SENDING, False),
        (Sent.RECEIVED, True),
        (Sent.UNKNOWN, False),
        (Sent.BY_HAND, True),
    ],
)
def test_only_a_yes_or_a_persons_word_is_a_receipt(sent: Sent, receipt: bool) -> None:  # noqa: FBT001 - a table
    told = Told(news=News.BEFORE, sent=sent, at=0.0)
    assert told.receipt is receipt
    assert announced((told,)) is receipt


def test_other_news_are_no_announcement() -> None:
    assert not announced(())
    assert not announced((Told(news=News.ENDED, sent=Sent.RECEIVED, at=0.0),))


def test_of_each_news_the_latest_is_kept() -> None:
    again = Told(news=News.BEFORE, sent=Sent.UNKNOWN, at=2000.0)
    assert with_told((BEFORE, ENDED), again) == (ENDED, again)
    assert about((BEFORE, ENDED), News.ENDED) == ENDED
    assert without((BEFORE, ENDED), News.BEFORE) == (ENDED,)
    assert about((), News.BEFORE) is None
