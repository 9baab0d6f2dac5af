import threading
import time

from orchestrator.procedures.effects import Announce, Answer, Result, WriteAudit
from orchestrator.procedures.told import News
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import perform_through
from tests.swarm.sshd import SITE, Operator, Server

CALLS_BEFORE = 2
"""An effect asks for the time as it begins, and again before its turn to connect."""


class StoppingClock:
    """Stands still for the thread named `stuck`, once that has its turn to connect."""

    def __init__(self) -> None:
        self.stands = threading.Event()
        self.let_go = threading.Event()
        self._calls = 0

    def __call__(self) -> float:
        if threading.current_thread().name == "stuck":
            self._calls += 1
            if self._calls > CALLS_BEFORE:
                self.stands.set()
                self.let_go.wait()
        return time.monotonic()


def written(performer: LivePerformer, line: str) -> Answer:
    answer = performer.perform(WriteAudit(site=SITE, line=line))
    assert isinstance(answer, Answer)
    return answer


def test_a_thread_that_never_ends_keeps_no_other_from_its_site(
    operator: Operator, server: Server
) -> None:
    clock = StoppingClock()
    performer = perform_through(operator, server.port, clock)
    first = WriteAudit(site=SITE, line="first")
    stuck = threading.Thread(target=performer.perform, args=(first,), daemon=True, name="stuck")
    stuck.start()
    assert clock.stands.wait(60)
    began = time.monotonic()
    performer.give_up(first)
    performer.give_up(Announce(site=SITE, news=News.BEFORE, title="t", body="b"))
    assert written(performer, "second").result is Result.OK
    assert time.monotonic() - began < 50, "it waited for its turn"
    assert stuck.is_alive()
    clock.let_go.set()
    stuck.join(60)
    assert not stuck.is_alive()
    performer.close()
