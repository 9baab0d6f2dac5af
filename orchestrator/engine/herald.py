"""Tells people what becomes of a downtime that was announced: resumed, over, stopped half-way.

None of this can fail a run. What was not said is a finding of its own, and no more.
"""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.engine.custodian import announcing, details, told
from orchestrator.engine.ending import Ending, How
from orchestrator.engine.journal import EntryKind
from orchestrator.engine.means import Means
from orchestrator.engine.ports import Backend, new_token
from orchestrator.engine.record import RunRecord
from orchestrator.engine.report import RunEnd
from orchestrator.engine.tenure import Tenure
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.procedures.announcement import downtime, ended, failed, resumed, title
from orchestrator.procedures.effects import Announce, Answer, Result, StoredConfig
from orchestrator.procedures.hold import Hold
from orchestrator.procedures.told import News, Sent, Told, about, announced, with_told

_ANSWER_SECONDS = 15.0
"""How long a message is waited for at most, whatever time-outs whoever sends it has."""


def by_hand(hold: Hold, words: str, now: float) -> Hold:
    """Return the state of a run whose downtime a person announced, as `words` say; "": no one.

    Where dtdeploy began to announce it, that is when notice was given.
    """
    if not words:
        return hold
    began = about(hold.told, News.BEFORE)
    at = now if began is None else began.at
    item = Told(news=News.BEFORE, sent=Sent.BY_HAND, at=at, words=words)
    return replace(hold, told=with_told(hold.told, item))


class Herald:
    """Speaks for one life of a run, once its downtime was announced. `unsaid` is what it could not.

    Each message is written into the run's record before it is sent and again with what came of
    it; `lock` and `hold` are how the record stands, and are given back as they stand then.
    """

    def __init__(
        self, means: Means, inventory: Inventory, record: RunRecord, tenure: Tenure
    ) -> None:
        self.unsaid: list[Problem] = []
        self._means = means
        self._site = inventory.coordinator
        self._record = record
        self._tenure = tenure
        self._units = downtime(inventory, record.plan)

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units whose downtime is announced."""
        return self._units

    def resumed(self, lock: StoredConfig, hold: Hold, former: str) -> tuple[StoredConfig, Hold]:
        """Say that this process goes on with what `former` began."""
        if about(hold.told, News.ENDED) is not None:
            return lock, hold
        down = (unit for unit, _ in hold.down)
        body = resumed(self._units, teller=self._teller, former=former, down=down)
        return self._say(lock, hold, News.RESUMED, body)

    def closed(
        self, lock: StoredConfig, hold: Hold, ending: Ending, end: RunEnd, fix: str
    ) -> tuple[StoredConfig, Hold]:
        """Say how it ended: over, called off, or stopped half-way."""
        back = ending.how in (How.FINISHED, How.OWING)
        if not back or any(unit in ending.owed for unit in self._units):
            down = (unit for unit, _ in hold.down)
            reports = (end.report, end.restored)
            problems = [*end.problems, *(p for r in reports if r for p in r.problems)]
            why = problems[0].what if problems else ""
            return self.failed(lock, hold, down=down, problem=why, fix=fix)
        if about(hold.told, News.ENDED) is not None:
            return lock, hold
        body = ended(
            self._record.plan,
            self._units,
            outages=hold.outages,
            missing=ending.owed,
            restored=end.restored is not None,
            teller=self._teller,
        )
        return self._say(lock, hold, News.ENDED, body)

    def failed(
        self, lock: StoredConfig, hold: Hold, *, down: Iterable[Unit], problem: str, fix: str
    ) -> tuple[StoredConfig, Hold]:
        """Say that it stopped, what it leaves, and what comes next."""
        body = failed(
            self._units,
            touched=hold.touched,
            down=down,
            problem=problem,
            fix=fix,
            teller=self._teller,
        )
        return self._say(lock, hold, News.FAILED, body)

    @property
    def _teller(self) -> str:
        return str(self._means.holder)

    def _say(
        self, lock: StoredConfig, hold: Hold, news: News, body: str
    ) -> tuple[StoredConfig, Hold]:
        if not (self._means.announces and self._units and announced(hold.told)):
            return lock, hold
        name = title(self._record.run, self._units)
        effect = Announce(site=self._site, news=news, title=name, body=body)
        sending = announcing(hold, effect, self._means.wall())
        held = self._tenure.write(lock, sending)
        if not isinstance(held, StoredConfig):
            self._unsaid(news, "it cannot be written down that it is about to be sent")
            return lock, hold
        self._tenure.log(EntryKind.INTENDED, details(effect))
        answer = _answer(self._means.backend, effect)
        seen = {"result": answer.result.value, "words": answer.words[:2000]}
        self._tenure.log(EntryKind.OBSERVED, {**details(effect), **seen})
        if answer.result is not Result.OK:
            self._unsaid(news, answer.words)
        return held, told(sending, effect, answer, self._means.wall())

    def _unsaid(self, news: News, words: str) -> None:
        self.unsaid.append(
            Problem(
                code="announce.unsaid",
                what=f"nobody confirmed the message that this run is {_NEWS[news]}",
                exit_code=ExitCode.DONE,
                evidence=(words,) if words else (),
                fix="look in the channel, and write it there yourself if it is missing",
                state_left="the run is not changed by this",
                runbook="announce-downtime",
            )
        )


_NEWS = {
    News.BEFORE: "about to begin",
    News.RESUMED: "resumed",
    News.FAILED: "stopped",
    News.ENDED: "over",
}


def _answer(backend: Backend, effect: Announce) -> Answer:
    """Send a message and wait for what comes of it, but not for ever."""
    token = new_token()
    until = backend.now() + _ANSWER_SECONDS
    backend.submit(token, effect)
    while backend.now() < until:
        happened = backend.wait(until)
        if happened is not None and happened[0] == token and isinstance(happened[1], Answer):
            return happened[1]
    return Answer(result=Result.UNKNOWN, at=backend.now(), words="no answer came")
