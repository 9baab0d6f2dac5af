"""Announcements against a real receiver, and what the witness saw of the server meanwhile."""

import pytest

from lab.daemons import channel
from lab.daemons.channel import Manner
from lab.processes import wait_until
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab


@pytest.fixture
def receiver(operator: Operator) -> Operator:
    """Give an operator whose channel is empty and well."""
    channel.forget()
    channel.behave(Manner.OK)
    return operator


def told() -> list[str]:
    """Return what each message is about."""
    return [_news(message["message"]) for message in channel.messages()]


def _news(body: str) -> str:
    words = {
        "goes down now": "before",
        "The run had stopped": "resumed",
        "is up again": "ended",
        "Called off": "called off",
    }
    return next((news for known, news in words.items() if known in body), body)


@pytest.mark.parametrize(
    ("manner", "code", "messages"),
    [
        (Manner.REFUSES, "announce.refused", []),
        (Manner.LOSES_REPLY, "announce.unknown", ["before"]),
        (Manner.HANGS, "announce.unknown", []),
    ],
    ids=lambda value: value.value if isinstance(value, Manner) else "",
)
def test_without_a_receipt_the_server_is_not_touched(
    receiver: Operator, manner: Manner, code: str, messages: list[str]
) -> None:
    channel.behave(manner)
    receiver.begin()
    done = receiver.types("restart", "--all", "--yes")
    assert done.code == 24, done
    assert code in done.err, done
    assert receiver.touched() == []
    assert told() == messages
    # Nothing is left that somebody would have to clear away.
    assert receiver.types("lock").code == 0


def test_a_restart_that_is_killed_and_resumed_tells_each_news_once(receiver: Operator) -> None:
    receiver.begin()
    running = receiver.starts("restart", "--all", "--yes", "--announce-in", "0.05")
    running.until_it_says("remove datatrail@chime")
    running.kill()
    assert told() == ["before"] or "goes down at" in channel.messages()[0]["message"]
    done = receiver.types("resume", "--yes")
    assert done.code == 0, done
    assert told()[1:] == ["resumed", "ended"]
    assert len({message["title"] for message in channel.messages()}) == 1
    assert "Measured outage: datatrail@chime " in channel.messages()[-1]["message"]
    assert receiver.violations() == []


def test_a_restart_that_is_killed_while_it_announces_is_not_announced_again(
    receiver: Operator,
) -> None:
    channel.behave(Manner.HANGS)
    receiver.begin()
    running = receiver.starts("restart", "--all", "--yes")
    # Before that nothing has left, and a resume would rightly announce it.
    wait_until(channel.was_asked, seconds=60, what="the announcement to be sent")
    running.kill()
    channel.behave(Manner.OK)
    asked = receiver.types("resume", "--yes")
    assert asked.code == 24, asked
    assert "announce.unknown" in asked.err
    assert told() == []
    assert receiver.touched() == []
    done = receiver.types("restart", "--all", "--yes", "--announced", "#outages, by a test")
    assert done.code == 0, done
    assert told() == ["ended"]
