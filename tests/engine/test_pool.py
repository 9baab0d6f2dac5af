import threading
import time
from collections.abc import Iterator

import pytest

from orchestrator.engine.gather import LostAnswerError, gather
from orchestrator.engine.pool import ThreadedBackend
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import Effect, Observe

SOON = 0.2


class Echo:
    """Answers with the site; `stuck` is never answered until the test lets it go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.given_up: list[Effect] = []

    def perform(self, effect: Effect) -> object:
        assert isinstance(effect, Observe)
        if effect.site == "broken":
            raise ZeroDivisionError
        if effect.site == "stuck":
            self.let_go.wait()
        return effect.site

    def give_up(self, effect: Effect) -> None:
        self.given_up.append(effect)


@pytest.fixture
def echo() -> Iterator[Echo]:
    performer = Echo()
    yield performer
    performer.let_go.set()


def pool(echo: Echo, workers: int = 1) -> ThreadedBackend:
    return ThreadedBackend(echo, time.monotonic, workers=workers, longest=lambda _effect: SOON)


def test_answers_come_back_in_the_order_asked(echo: Echo) -> None:
    backend = ThreadedBackend(echo, time.monotonic, workers=4)
    sites = [f"s{number}" for number in range(50)]
    assert gather(backend, [Observe(site=site) for site in sites]) == tuple(sites)
    backend.close()


def test_waiting_ends_at_the_given_time(echo: Echo) -> None:
    backend = ThreadedBackend(echo, time.monotonic, workers=1)
    assert backend.wait(time.monotonic() - 1) is None
    backend.close()


def test_wake_ends_a_wait_without_a_deadline(echo: Echo) -> None:
    backend = ThreadedBackend(echo, time.monotonic, workers=1)
    threading.Timer(0.05, backend.wake).start()
    assert backend.wait(None) is None
    backend.close()


def test_nobody_waits_for_ever_where_nothing_is_under_way(echo: Echo) -> None:
    backend = ThreadedBackend(echo, time.monotonic, workers=1)
    with pytest.raises(LostAnswerError):
        backend.wait(None)
    backend.close()


def test_a_bug_in_a_performer_is_raised_in_the_loop(echo: Echo) -> None:
    backend = ThreadedBackend(echo, time.monotonic, workers=1)
    backend.submit(1, Observe(site="broken"))
    with pytest.raises(ZeroDivisionError):
        backend.wait(None)
    backend.close()


def test_the_time_is_that_of_the_clock_it_was_given(echo: Echo) -> None:
    backend = ThreadedBackend(echo, lambda: 7.5, workers=1)
    assert backend.now() == 7.5
    backend.close()


def test_a_performer_that_never_returns_is_given_up_and_its_thread_replaced(echo: Echo) -> None:
    backend = pool(echo)
    effects = [Observe(site="stuck"), Observe(site="stuck"), Observe(site="well")]
    first, second, third = gather(backend, effects)
    assert isinstance(first, Unseen)
    assert isinstance(second, Unseen)
    assert third == "well"
    assert first.site == "stuck"
    assert "was given up after" in first.problem.what
    assert echo.given_up == effects[:2]
    assert backend.under_way() == ()
    backend.close()


def test_an_answer_that_comes_after_all_is_let_go(echo: Echo) -> None:
    backend = pool(echo)
    gather(backend, [Observe(site="stuck")])
    echo.let_go.set()
    for number in range(20):
        assert gather(backend, [Observe(site=f"{number}")]) == (f"{number}",)
    backend.close()


def test_it_tells_what_is_under_way_and_since_when(echo: Echo) -> None:
    backend = pool(echo)
    for token in (1, 2):
        backend.submit(token, Observe(site="stuck"))
    assert backend.wait(time.monotonic() + SOON / 4) is None
    begun, queued = backend.under_way()
    assert begun.since is not None
    assert backend.now() - begun.since < SOON
    assert queued.since is None
    backend.close()


def test_time_in_which_the_process_was_stopped_does_not_count(echo: Echo) -> None:
    slept = 0.0
    backend = ThreadedBackend(
        echo, lambda: time.monotonic() + slept, workers=1, longest=lambda _effect: 60.0
    )
    backend.submit(1, Observe(site="stuck"))
    assert backend.wait(backend.now() + 0.05) is None
    slept = 3600.0
    assert backend.wait(backend.now() + 0.05) is None
    echo.let_go.set()
    assert backend.wait(None) == (1, "stuck")
    backend.close()
