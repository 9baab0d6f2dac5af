import threading
import time

import pytest

from orchestrator.engine.gather import gather
from orchestrator.engine.pool import ThreadedBackend
from orchestrator.procedures.effects import Effect, Observe


class Echo:
    def perform(self, effect: Effect) -> object:
        assert isinstance(effect, Observe)
        if effect.site == "broken":
            raise ZeroDivisionError
        return effect.site


def test_answers_come_back_in_the_order_asked() -> None:
    backend = ThreadedBackend(Echo(), time.monotonic, workers=4)
    sites = [f"s{number}" for number in range(50)]
    assert gather(backend, [Observe(site=site) for site in sites]) == tuple(sites)
    backend.close()


def test_waiting_ends_at_the_given_time() -> None:
    backend = ThreadedBackend(Echo(), time.monotonic, workers=1)
    assert backend.wait(time.monotonic() - 1) is None
    backend.close()


def test_wake_ends_a_wait_without_a_deadline() -> None:
    backend = ThreadedBackend(Echo(), time.monotonic, workers=1)
    threading.Timer(0.05, backend.wake).start()
    assert backend.wait(None) is None
    backend.close()


def test_a_bug_in_a_performer_is_raised_in_the_loop() -> None:
    backend = ThreadedBackend(Echo(), time.monotonic, workers=1)
    backend.submit(1, Observe(site="broken"))
    with pytest.raises(ZeroDivisionError):
        backend.wait(None)
    backend.close()


def test_the_time_is_that_of_the_clock_it_was_given() -> None:
    backend = ThreadedBackend(Echo(), lambda: 7.5, workers=1)
    assert backend.now() == 7.5
    backend.close()
