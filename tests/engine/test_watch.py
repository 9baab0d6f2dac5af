from dataclasses import dataclass, field

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.pool import UnderWay
from orchestrator.engine.watch import Wait, Watch, WatchedBackend, WatchedJournal
from orchestrator.procedures.effects import Effect, Observe


@dataclass
class Desk:
    """A watch whose clocks are set by hand; the backend's is 100 s ahead."""

    at: float = 0.0
    under_way: tuple[UnderWay, ...] = ()
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(lambda: self.at, lambda: self.under_way, lambda: self.at + 100.0)


def test_what_was_named_last_is_what_is_waited_for() -> None:
    desk = Desk(at=5.0)
    assert desk.watch.longest() is None
    with desk.watch.waiting("the lock", at_most=30.0):
        desk.at = 8.0
        with desk.watch.waiting("the journal"):
            assert desk.watch.longest() == Wait(words="the journal", since=8.0)
        found = desk.watch.longest()
        assert found == Wait(words="the lock", since=5.0, at_most=30.0)
        assert desk.watch.seconds_of(found) == 3.0
        assert desk.watch.now() == found.since + 3.0
    assert desk.watch.longest() is None


def test_else_it_is_the_effect_that_began_first() -> None:
    looks = [Observe(site=name) for name in ("later", "first", "queued")]
    times = (140.0, 130.0, None)
    ways = tuple(UnderWay(effect=e, since=t) for e, t in zip(looks, times, strict=True))
    desk = Desk(at=50.0, under_way=ways)
    found = desk.watch.longest()
    assert found is not None
    assert (found.words, desk.watch.seconds_of(found)) == ("looking at first", 20.0)
    assert found.at_most is not None


def test_what_no_thread_has_begun_is_not_waited_for_yet() -> None:
    desk = Desk(under_way=(UnderWay(effect=Observe(site="queued")),))
    assert desk.watch.longest() is None


class OneAnswer:
    """A backend that gives one answer, then lets the time come."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object] | None] = [(1, "seen"), None]
        self.sent: list[Effect] = []

    def now(self) -> float:
        return 7.5

    def submit(self, token: int, effect: Effect) -> None:
        del token
        self.sent.append(effect)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        del until
        return self.answers.pop(0)


def test_every_answer_counts_and_time_that_passes_does_not() -> None:
    watch = Desk().watch
    inner = OneAnswer()
    backend = WatchedBackend(inner, watch)
    backend.submit(1, Observe(site="far"))
    assert inner.sent == [Observe(site="far")]
    assert backend.now() == 7.5
    assert backend.wait(None) == (1, "seen")
    assert watch.count == 1
    assert backend.wait(8.0) is None
    assert watch.count == 1


def test_a_write_to_the_journal_is_known_to_be_waited_for() -> None:
    desk = Desk()
    seen: list[Wait | None] = []

    class Notes:
        def write(self, entry: Entry) -> None:
            assert entry.kind is EntryKind.STEP
            seen.append(desk.watch.longest())

    WatchedJournal(Notes(), desk.watch).write(Entry(at=0.0, kind=EntryKind.STEP, body={}))
    [wait] = seen
    assert wait is not None
    assert "journal" in wait.words
    assert desk.watch.longest() is None
