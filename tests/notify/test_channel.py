"""Announcements to real receivers on loopback, through Apprise."""

import logging
import time
from collections.abc import Iterator

import pytest

from orchestrator.notify.channel import Channel, unusable
from orchestrator.procedures.effects import Announce, Answer, Result
from orchestrator.procedures.told import News
from tests.notify.receiver import Receiver, nobody_listens, receiving

MESSAGE = Announce(site="chime", news=News.BEFORE, title="Downtime", body="app@home\ngoes down")
NAME = "ANNOUNCE_URL"


def sent(*urls: str, seconds: float = 1.0, effect: Announce = MESSAGE) -> Answer:
    named = {f"{NAME}{number or ''}": url for number, url in enumerate(urls)}
    return Channel(named, time.monotonic, deadline_seconds=seconds).perform(effect)


def test_what_is_accepted_is_a_receipt() -> None:
    with receiving() as receiver:
        answer = sent(receiver.url)
    assert (answer.result, answer.words) == (Result.OK, f"{NAME}: accepted")
    (message,) = receiver.messages
    assert (message["title"], message["message"]) == ("Downtime", "app@home\ngoes down")


@pytest.mark.parametrize(
    ("manner", "result", "words"),
    [
        (500, Result.FAILED, "HTTP 500"),
        (503, Result.FAILED, "HTTP 503"),
        (404, Result.FAILED, "HTTP 404"),
        (401, Result.FAILED, "HTTP 401"),
        (502, Result.UNKNOWN, "HTTP 502"),
        (504, Result.UNKNOWN, "HTTP 504"),
        (302, Result.UNKNOWN, "HTTP 302"),
        ("close", Result.UNKNOWN, "the answer was lost"),
        ("hang", Result.UNKNOWN, "no answer within 1 s"),
        ("slow", Result.OK, "accepted"),
    ],
)
def test_what_the_receiver_does_is_what_is_told(
    manner: int | str, result: Result, words: str
) -> None:
    with receiving(manner) as receiver:
        answer = sent(receiver.url)
    assert (answer.result, answer.words) == (result, f"{NAME}: {words}")
    assert len(receiver.messages) == (0 if manner == "hang" else 1)


def test_nothing_is_tried_twice_whatever_the_url_asks_for() -> None:
    with receiving(500) as receiver:
        sent(f"{receiver.url}?retry=3&cto=60&rto=60")
    assert len(receiver.messages) == 1


def test_the_deadline_holds_whatever_time_outs_the_url_asks_for() -> None:
    with receiving("hang") as receiver:
        began = time.monotonic()
        answer = sent(f"{receiver.url}?rto=60&cto=60", seconds=0.5)
        took = time.monotonic() - began
    assert answer.result is Result.UNKNOWN
    assert took < 2.0


def test_where_nobody_listens_nothing_was_sent() -> None:
    answer = sent(f"json://127.0.0.1:{nobody_listens()}/")
    assert answer.result is Result.FAILED
    assert "nothing was sent" in answer.words


def test_one_receipt_of_several_is_enough_and_the_others_are_told() -> None:
    with receiving() as good, receiving(500) as bad:
        answer = sent(bad.url, good.url)
    assert answer.result is Result.OK
    assert answer.words == f"{NAME}: HTTP 500; {NAME}1: accepted"


def test_one_that_may_have_taken_it_leaves_it_unknown() -> None:
    with receiving("close") as lost, receiving(500) as bad:
        assert sent(bad.url, lost.url).result is Result.UNKNOWN


def test_all_that_say_no_is_a_no() -> None:
    with receiving(500) as bad, receiving(404) as worse:
        assert sent(bad.url, worse.url).result is Result.FAILED


def test_what_comes_too_late_is_not_sent() -> None:
    with receiving() as receiver:
        late = Announce(site="x", news=News.BEFORE, title="t", body="b", not_after=1.0)
        answer = sent(receiver.url, effect=late)
    assert answer.result is Result.LATE
    assert receiver.messages == []


def test_without_any_url_nothing_can_be_sent() -> None:
    assert sent().result is Result.FAILED


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Everything that reaches the root logger; pytest's own hears what goes nowhere else, too."""
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("manner", [200, 500, "close"])
def test_no_url_and_no_message_is_logged(
    manner: int | str, log: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("somebody").debug("heard")
    with receiving(manner) as receiver:
        assert unusable({NAME: receiver.url}) == ()
        answer = sent(receiver.url)
    captured = capfd.readouterr()
    everything = "".join(log) + captured.out + captured.err + answer.words
    assert "heard" in everything
    assert "s3cretpath" not in everything
    assert "goes down" not in everything


@pytest.mark.parametrize("url", ["", "nonsense", "http//x", "slack://", "unknown://x/y"])
def test_what_is_no_url_is_told_before_anything_is_sent(url: str) -> None:
    (problem,) = unusable({NAME: url})
    assert problem.code == "announce.bad-url"
    assert NAME in problem.what
    assert sent(url).result is Result.FAILED


def test_urls_of_services_are_understood() -> None:
    urls = ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#outages", "json://host/"]
    urls += ["mailtos://me:pw@mail.example?to=list@example.org", "matrixs://me:pw@host/#room"]
    assert unusable({f"{NAME}{number}": url for number, url in enumerate(urls)}) == ()


def test_messages_to_a_slow_place_do_not_wait_for_each_other() -> None:
    with receiving("slow") as first, receiving("slow") as second:
        began = time.monotonic()
        answer = sent(first.url, second.url, seconds=5)
        assert time.monotonic() - began < 2.0
    assert answer.words.count("accepted") == 2


def test_a_receiver_keeps_nothing_of_what_it_did_not_take() -> None:
    """Else the tests above would say nothing."""
    with receiving("hang") as receiver:
        sent(receiver.url, seconds=0.2)
    assert receiver == Receiver("hang", port=receiver.port, over=receiver.over)
