import pytest

from orchestrator.notify.grafana import annotate
from tests.notify.receiver import ENDLESS_BYTES, nobody_listens, receiving

TOKEN = "s3cret-token"


def drawn(url: str, seconds: float = 1.0) -> str:
    return annotate(
        url,
        TOKEN,
        began=1000.25,
        ended=1007.5,
        text="restart",
        tags=["restart", "chime"],
        timeout_seconds=seconds,
    )


def test_an_outage_is_drawn_from_when_until_when_in_milliseconds() -> None:
    with receiving() as receiver:
        assert drawn(f"{receiver.address}/") == ""
    assert receiver.paths == ["/api/annotations"]
    assert receiver.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    (body,) = receiver.messages
    assert body == {
        "time": 1000250,
        "timeEnd": 1007500,
        "tags": ["dtdeploy", "restart", "chime"],
        "text": "restart",
    }


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (500, "Grafana: HTTP 500"),
        (401, "Grafana: HTTP 401"),
        ("close", "Grafana: ConnectionError"),
        ("hang", "Grafana: ReadTimeout"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_more(manner: int | str, words: str) -> None:
    with receiving(manner) as receiver:
        assert drawn(receiver.address, 0.3) == words


def test_an_answer_without_an_end_is_not_read() -> None:
    with receiving("endless") as receiver:
        assert drawn(receiver.address) == ""
    assert 0 < receiver.sent_bytes < ENDLESS_BYTES


def test_neither_url_nor_token_is_said() -> None:
    for url in (f"http://me:pw@127.0.0.1:{nobody_listens()}", "nonsense", "http://[x"):
        words = drawn(url)
        assert words.startswith("Grafana: ")
        assert "pw" not in words
        assert TOKEN not in words
