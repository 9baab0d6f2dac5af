"""What people are told of a run's downtime, and what that costs the run: nothing."""

from dataclasses import dataclass, replace

import pytest

from orchestrator.engine.custodian import announcing, told
from orchestrator.engine.herald import Herald, by_hand
from orchestrator.engine.journal import EntryKind
from orchestrator.engine.record import RunRecord
from orchestrator.engine.session import Session
from orchestrator.engine.tenure import Tenure
from orchestrator.errors import ExitCode
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Plan
from orchestrator.procedures.effects import Announce, Answer, Effect, Result, UpdateConfig
from orchestrator.procedures.hold import Hold
from orchestrator.procedures.told import News, Sent, Told, about
from tests.build import CLIENT, DAEMONS, SERVER, inventory, spec
from tests.configs import refused
from tests.engine.test_session import BOTH, HIS, Life, fails, fails_early

INVENTORY = inventory(spec(SERVER, announce=True), spec(CLIENT, SERVER), spec(DAEMONS, SERVER))
RECEIVED = Told(news=News.BEFORE, sent=Sent.RECEIVED, at=4500.0, words="chat: accepted")
BY_HAND = replace(BOTH, notice=Notice(announced="#outages, by Ada"))


@dataclass
class Channel:
    """Answers each message after a moment; what it was sent is kept."""

    result: Result = Result.OK
    messages: list[Announce] | None = None
    silent: bool = False

    def seconds(self, effect: Effect) -> float:
        return 1000.0 if self.silent and isinstance(effect, Announce) else 1.0

    def perform(self, effect: Effect) -> Answer:
        if isinstance(effect, Announce):
            assert self.messages is not None
            self.messages.append(effect)
            return Answer(result=self.result, at=0.0, words="chat: said so")
        return Answer(result=Result.OK, at=0.0)


class Heard(Life):
    """A life of a run whose downtime was announced by hand."""

    def __init__(
        self, of: Plan = BY_HAND, *, on_failure: OnFailure = OnFailure.STOP, announces: bool = True
    ) -> None:
        self.announces = announces
        self.channel = Channel(messages=[])
        super().__init__(of, on_failure=on_failure)
        self.desk.perform = self.channel.perform
        self.desk.seconds = self.channel.seconds

    def use(self, record: RunRecord) -> None:
        self.record = record
        self.means = replace(self.means, announces=self.announces)
        self.session = Session(self.means, INVENTORY, record, former=self.former)

    def said(self) -> list[tuple[str, str]]:
        """Return the news and the first line of each message."""
        messages = self.channel.messages or []
        return [(m.news.value, m.body.splitlines()[0]) for m in messages]


def kept(life: Heard, news: News) -> Told | None:
    hold = life.hold()
    assert hold is not None
    return about(hold.told, news)


def test_the_end_is_told_with_the_measured_outage_while_the_lock_is_held() -> None:
    life = Heard()
    assert life.begin().exit_code is ExitCode.DONE
    assert life.said() == [("ended", "app@home is up again.")]
    (message,) = life.desk.sent(Announce)
    assert "Measured outage: app@home " in message.body
    assert life.hold() is None
    written = [
        dict(update.labels).get("dtdeploy.told.ended", "")
        for update in life.desk.sent(UpdateConfig)
    ]
    assert written[-1].startswith("sending ")


def test_a_message_is_in_the_journal_before_it_is_sent_and_after() -> None:
    life = Heard()
    life.begin()
    told_of = [
        (kind, body.get("news"), body.get("result"))
        for kind, _, body in life.notes.told()
        if body.get("effect") == "Announce"
    ]
    assert told_of == [
        (EntryKind.INTENDED.value, "ended", None),
        (EntryKind.OBSERVED.value, "ended", "ok"),
    ]


def test_what_was_announced_by_hand_stands_in_the_journal() -> None:
    life = Heard()
    life.begin()
    assert life.notes.told()[0][2]["announced"] == "#outages, by Ada"


def test_without_an_announcement_nothing_is_told() -> None:
    life = Heard(BOTH)
    life.begin()
    assert life.said() == []


def test_without_anywhere_to_tell_nothing_is_told_and_nothing_is_missed() -> None:
    life = Heard(announces=False)
    assert life.begin().unsaid == ()
    assert life.said() == []


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN])
def test_a_message_that_nobody_took_does_not_fail_the_run(result: Result) -> None:
    life = Heard()
    life.channel.result = result
    end = life.begin()
    assert end.exit_code is ExitCode.DONE
    assert [problem.code for problem in end.unsaid] == ["announce.unsaid"]
    assert end.unsaid[0].evidence == ("chat: said so",)
    assert end.problems == ()


def test_a_channel_that_hangs_costs_its_deadline_and_no_more() -> None:
    quick, slow = Heard(), Heard()
    slow.channel.silent = True
    quick.begin()
    end = slow.begin()
    assert end.exit_code is ExitCode.DONE
    assert end.unsaid[0].evidence == ("no answer came",)
    assert slow.desk.time - quick.desk.time <= 15


def test_a_run_that_touched_nothing_is_called_off() -> None:
    life = Heard()
    life.doing[f"remove {CLIENT}"] = fails_early
    life.doing[f"remove {SERVER}"] = fails_early
    life.begin()
    assert life.said() == [("failed", "Called off: nothing was touched, app@home did not go down.")]


def test_a_run_that_stops_half_way_says_what_is_down_and_how_to_go_on() -> None:
    life = Heard()
    life.doing[f"deploy {SERVER}"] = fails
    end = life.begin()
    assert end.kept
    assert life.said() == [("failed", "Not over: app@home is still down.")]
    (message,) = life.desk.sent(Announce)
    assert "Because: it crashes" in message.body
    assert "Next: dtdeploy resume r1" in message.body
    assert kept(life, News.FAILED) is not None


def test_where_only_something_else_is_missing_it_is_over() -> None:
    life = Heard()
    life.doing[f"deploy {CLIENT}"] = fails
    life.begin()
    assert life.said() == [("ended", "app@home is up again.")]
    (message,) = life.desk.sent(Announce)
    assert "Not back yet: app-client@far" in message.body


def test_a_run_that_goes_back_by_itself_says_so_once() -> None:
    life = Heard(on_failure=OnFailure.RESTORE)
    life.doing[f"settle {SERVER}"] = fails_early
    life.doing[f"deploy {CLIENT}"] = fails
    end = life.begin()
    assert end.restored is not None
    assert len(life.said()) == 1


def test_a_resume_says_who_goes_on_and_announces_nothing_again() -> None:
    life = Heard(BOTH)
    life.resume(told=(RECEIVED,), touched=True)
    assert life.said() == [
        ("resumed", "The run had stopped; ann@desk took over from bob@lap."),
        ("ended", "app@home is up again."),
    ]


def test_a_way_back_says_who_goes_on_too() -> None:
    life = Heard(BOTH)
    life.back(told=(RECEIVED,), touched=True)
    assert [news for news, _ in life.said()] == ["resumed", "ended"]


@pytest.mark.parametrize("sent", Sent)
def test_what_was_said_to_be_over_is_not_said_again(sent: Sent) -> None:
    over = Told(news=News.ENDED, sent=sent, at=4600.0)
    life = Heard(BOTH)
    life.resume(told=(RECEIVED, over), touched=True)
    assert life.said() == []


def test_a_run_that_is_given_up_says_what_is_down() -> None:
    life = Heard(BOTH)
    del life.fleet.runs[SERVER]
    life.give_up(told=(RECEIVED,), touched=True)
    assert life.said() == [("failed", "Not over: app@home is still down.")]
    (message,) = life.desk.sent(Announce)
    assert "Because: it was given up by ann@desk" in message.body
    assert "Next: dtdeploy up --owed" in message.body


def test_a_run_that_is_given_up_and_left_nothing_down_needs_nothing_more() -> None:
    life = Heard(BOTH)
    life.give_up(told=(RECEIVED,), touched=True)
    (message,) = life.desk.sent(Announce)
    assert "Next" not in message.body


def test_what_cannot_be_written_down_first_is_not_sent() -> None:
    life = Heard(BOTH)
    hold = life.his(told=(RECEIVED,), touched=True)
    tenure = Tenure(life.means, "home", life.record)
    held = tenure.take_over(life.lock, hold, hold.goal, wait_seconds=0)
    assert isinstance(held, tuple)
    life.desk.configs.faults = [refused] * 100
    herald = Herald(life.means, INVENTORY, life.record, tenure)
    assert herald.resumed(*held, "bob@lap") == held
    assert life.said() == []
    assert [problem.code for problem in herald.unsaid] == ["announce.unsaid"]


def test_a_person_who_announced_it_is_believed_from_when_it_was_tried() -> None:
    hold = Hold(run="r1", words="w", holder=HIS, started=1.0, beat=1.0)
    assert by_hand(hold, "", 9.0) == hold
    mine = Told(news=News.BEFORE, sent=Sent.BY_HAND, at=9.0, words="#x, by me")
    assert by_hand(hold, "#x, by me", 9.0).told == (mine,)
    tried = replace(hold, told=(Told(news=News.BEFORE, sent=Sent.UNKNOWN, at=5.0),))
    assert by_hand(tried, "#x, by me", 9.0).told == (replace(mine, at=5.0),)


def test_a_resume_that_is_told_of_an_announcement_keeps_it() -> None:
    life = Heard(BOTH)
    hold = life.his(told=(replace(RECEIVED, sent=Sent.UNKNOWN),))
    sources = {unit: life.former[unit] for unit in (SERVER, CLIENT)}
    life.doing[f"deploy {SERVER}"] = fails
    life.session.go_on(life.lock, hold, sources, wait_seconds=0, announced="#x, by me")
    before = kept(life, News.BEFORE)
    assert before is not None
    assert (before.sent, before.words) == (Sent.BY_HAND, "#x, by me")


MESSAGE = Announce(site="home", news=News.BEFORE, title="t", body="b")
HOLD = Hold(run="r1", words="w", holder=HIS, started=1.0, beat=1.0)


@pytest.mark.parametrize(
    ("result", "sent"),
    [
        (Result.OK, Sent.RECEIVED),
        (Result.UNKNOWN, Sent.UNKNOWN),
        (Result.FAILED, None),
        (Result.LATE, None),
    ],
)
def test_only_what_was_not_sent_is_forgotten(result: Result, sent: Sent | None) -> None:
    sending = announcing(HOLD, MESSAGE, 5.0)
    assert sending.told == (Told(news=News.BEFORE, sent=Sent.SENDING, at=5.0),)
    then = told(sending, MESSAGE, Answer(result=result, at=0.0, words="x" * 999), 6.0)
    known = about(then.told, News.BEFORE)
    assert (known and known.sent) == sent
    assert known is None or len(known.words) == 200
