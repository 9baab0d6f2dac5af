import threading
import time
from collections.abc import Callable

import pytest

from orchestrator.engine.events import Event, RunStopping
from orchestrator.ui.relay import Relay


class Reader:
    """A listener of whom each event asks `before` first."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before
        self.heard: list[float] = []
        self.closed = 0

    def __call__(self, event: Event) -> None:
        self.before()
        self.heard.append(event.at)

    def close(self) -> None:
        self.closed += 1


def test_everything_is_shown_in_its_order_before_it_is_closed() -> None:
    reader = Reader()
    relay = Relay(reader)
    for at in range(1000):
        relay(RunStopping(at=float(at)))
    relay.close()
    relay.close()
    assert reader.heard == [float(at) for at in range(1000)]
    assert reader.closed == 1


def test_a_reader_who_does_not_read_stops_neither_the_run_nor_its_end() -> None:
    reads = threading.Event()
    reader = Reader(reads.wait)
    relay = Relay(reader, drain_seconds=0.1)
    began = time.monotonic()
    for at in range(10_000):
        relay(RunStopping(at=float(at)))
    relay.close()
    assert time.monotonic() - began < 60
    assert reader.heard == []
    reads.set()


def test_what_a_listener_raises_is_raised_once_the_run_is_over() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    relay = Relay(Reader(fail))
    relay(RunStopping(at=0.0))
    relay(RunStopping(at=1.0))
    with pytest.raises(ZeroDivisionError):
        relay.close()
    relay.close()
