"""What a run has announced: kept in the labels of its lock, so that nothing is said twice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

_LABEL = "dtdeploy.told."


class News(Enum):
    """What an announcement is about: one state that a run came to."""

    BEFORE = "before"
    """Something goes down; the run touches nothing without a receipt for it."""
    RESUMED = "resumed"
    FAILED = "failed"
    ENDED = "ended"


class Sent(Enum):
    """What is known about an announcement."""

    SENDING = "sending"
    """It is about to be sent, or was, and whoever sent it did not live to say so."""
    RECEIVED = "received"
    """The service took it: there is a receipt."""
    UNKNOWN = "unknown"
    """The answer was lost: it may stand in the channel, or not."""
    BY_HAND = "by hand"
    """A person announced it; `words` says where and who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One announcement of a run. `at` is seconds since 1970, by the clock of who sent it."""

    news: News
    sent: Sent
    at: float
    words: str = ""

    @property
    def receipt(self) -> bool:
        """Whether it is known to have been announced."""
        return self.sent in (Sent.RECEIVED, Sent.BY_HAND)


def about(told: Iterable[Told], news: News) -> Told | None:
    """Return what is known of the announcement of `news`, None if it was never begun."""
    return next((item for item in told if item.news is news), None)


def announced(told: Iterable[Told]) -> bool:
    """Whether there is a receipt for the announcement before anything goes down."""
    before = about(told, News.BEFORE)
    return before is not None and before.receipt


def with_told(told: tuple[Told, ...], item: Told) -> tuple[Told, ...]:
    """Return `told` with `item` in the place of what was known of the same news."""
    return (*without(told, item.news), item)


def without(told: tuple[Told, ...], news: News) -> tuple[Told, ...]:
    """Return `told` without what was known of `news`."""
    return tuple(item for item in told if item.news is not news)


def told_labels(told: Iterable[Told]) -> tuple[tuple[str, str], ...]:
    """Return the labels that say `told`."""
    return tuple((f"{_LABEL}{item.news.value}", _written(item)) for item in told)


def read_told(labels: Mapping[str, str]) -> tuple[Told, ...]:
    """Read `told` back from a lock's labels.

    Raises:
        ValueError: a label is not what this version of dtdeploy writes.

    """
    found = (News(name.removeprefix(_LABEL)) for name in labels if name.startswith(_LABEL))
    return tuple(_read(news, labels[f"{_LABEL}{news.value}"]) for news in sorted(found, key=_order))


def _order(news: News) -> int:
    return list(News).index(news)


def _written(item: Told) -> str:
    at = datetime.fromtimestamp(item.at, UTC).isoformat(timespec="milliseconds")
    return f"{item.sent.value.replace(' ', '-')} {at} {item.words}".rstrip()


def _read(news: News, text: str) -> Told:
    sent, at, *words = text.split(" ", 2)
    return Told(
        news=news,
        sent=Sent(sent.replace("-", " ")),
        at=datetime.fromisoformat(at).timestamp(),
        words=words[0] if words else "",
    )
