import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.means import Means, careful
from orchestrator.engine.record import RunRecord
from orchestrator.engine.tenure import Tenure
from orchestrator.errors import ExitCode, JournalError, Problem
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.book import Book
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.effects import (
    DeleteConfig,
    Intend,
    Observe,
    Sleep,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK, Goal, Hold, Holder, Phase, from_labels, to_labels
from orchestrator.procedures.lock import PATIENCE_SECONDS
from tests.build import CLIENT, SERVER, inventory, plan, running
from tests.configs import lost_after, meanwhile, refused
from tests.engine.desk import FULL, Desk, Notes

STEPS = (Step(id="a", kind=StepKind.GATE, site="home"), Step(id="b", kind=StepKind.GATE, site="x"))
ME = Holder(owner="ann", host="desk", pid=7, session="mine")
BOB = Holder(owner="bob", host="lap", pid=8, session="his")
RECORD = RunRecord(
    run="r1",
    words="restart --all",
    plan=plan(steps=STEPS),
    inventory="f",
    created=5000.0,
    owner="ann",
)
HIS = Hold(
    run="r1",
    words="restart --all",
    holder=BOB,
    started=4000.0,
    beat=4900.0,
    beats=9,
    phase=Phase.REMOVING,
    done=frozenset({"b"}),
    touched=True,
    down=((SERVER, 4500.0),),
)


class Office:
    """One process with its desk and its journal."""

    def __init__(self) -> None:
        self.desk, self.notes = Desk(), Notes()
        means = Means(
            backend=self.desk,
            journal=self.notes,
            holder=ME,
            wall=lambda: 5000.0 + self.desk.time,
            listen=lambda _plan: lambda _event: None,
            stop_asked=lambda: False,
        )
        self.tenure = Tenure(means, "home", RECORD)

    def his(self) -> StoredConfig:
        return self.desk.configs.put(LOCK, *to_labels(HIS, STEPS))

    def begun(self) -> tuple[StoredConfig, Hold]:
        taken = self.tenure.begin(b"plan")
        assert not isinstance(taken, Problem), taken
        return taken

    def kept(self) -> Hold:
        hold = from_labels(self.desk.configs.kept[LOCK], STEPS)
        assert isinstance(hold, Hold)
        return hold

    def told(self) -> list[tuple[str, object]]:
        return [(kind, body.get("lock", body.get("how"))) for kind, _, body in self.notes.told()]


@pytest.fixture
def office() -> Office:
    return Office()


def code(problem: object) -> str:
    assert isinstance(problem, Problem), problem
    return problem.code


def of_kind(kind: EntryKind) -> Callable[[Entry], bool]:
    return lambda entry: entry.kind is kind


def test_a_new_run_is_written_down_before_its_lock_is_taken(office: Office) -> None:
    lock, hold = office.begun()
    assert office.told() == [("opened", "begun"), ("lock", "taken")]
    assert office.kept() == hold
    assert (hold.run, hold.words, hold.holder) == ("r1", "restart --all", ME)
    assert (hold.started, hold.beat, hold.phase) == (5000.0, 5000.0, Phase.PREFLIGHT)
    assert lock.data == b"plan"
    body = office.notes.entries[0].body
    assert body["by"] == "ann@desk"
    assert body["words"] == "restart --all"
    assert base64.b64decode(str(body["record"])) == b"plan"
    assert office.tenure.problems == []


def test_without_a_journal_the_lock_is_not_even_asked_for(office: Office) -> None:
    office.notes.full = of_kind(EntryKind.OPENED)
    with pytest.raises(JournalError):
        office.tenure.begin(b"plan")
    his = office.his()
    with pytest.raises(JournalError):
        office.tenure.take_over(his, HIS, Goal.FORWARD, wait_seconds=0)
    assert office.desk.submitted == []


def test_a_lock_that_somebody_holds_is_told_with_who_and_what_for(office: Office) -> None:
    office.his()
    problem = office.tenure.begin(b"plan")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.exit_code) == ("lock.held", ExitCode.LOCK_HELD)
    assert "bob@lap" in problem.what
    assert office.kept() == HIS


def test_a_lock_that_nobody_can_read_is_left_alone(office: Office) -> None:
    strange = office.desk.configs.put(LOCK)
    assert code(office.tenure.begin(b"plan")) == "lock.unreadable"
    assert office.desk.configs.kept[LOCK] == strange


def test_a_lock_that_cannot_be_taken_is_a_problem(office: Office) -> None:
    office.desk.configs.faults = [refused]
    assert code(office.tenure.begin(b"plan")) == "lock.unknown"


def test_a_lock_taken_although_the_answer_was_lost_is_ours(office: Office) -> None:
    office.desk.configs.faults = [lost_after]
    assert office.begun()[1] == office.kept()


# Taking over


def test_taking_over_keeps_what_was_done_and_says_who_goes_on(office: Office) -> None:
    taken = office.tenure.take_over(office.his(), HIS, Goal.RESTORE, wait_seconds=0)
    assert not isinstance(taken, Problem)
    lock, hold = taken
    assert lock == office.desk.configs.kept[LOCK]
    assert hold == office.kept()
    assert hold == replace(
        HIS, holder=ME, beat=5000.0, beats=10, phase=Phase.PREFLIGHT, goal=Goal.RESTORE
    )
    assert office.told() == [("opened", "resumed"), ("lock", "taken over")]
    assert office.notes.entries[1].body["from"] == "bob@lap"
    assert office.notes.entries[1].body["down"] == {str(SERVER): 4500.0}


@pytest.mark.parametrize("seconds", [WAIT_OUT_SECONDS, 3.5, 0.0])
def test_what_its_former_holder_was_about_to_begin_is_waited_out(
    office: Office, seconds: float
) -> None:
    office.tenure.take_over(office.his(), HIS, Goal.FORWARD, wait_seconds=seconds)
    assert office.desk.time == 1.0 + seconds


def test_one_whose_holder_is_alive_after_all_is_not_taken(office: Office) -> None:
    his = office.his()
    configs = office.desk.configs
    configs.faults = [
        meanwhile(
            lambda c: c.apply(
                UpdateConfig(site="", id=his.id, version=his.version, labels=his.labels)
            )
        )
    ]
    assert (
        code(office.tenure.take_over(his, HIS, Goal.FORWARD, wait_seconds=WAIT_OUT_SECONDS))
        == "lock.held"
    )
    assert office.kept() == HIS
    assert office.desk.time < WAIT_OUT_SECONDS


def test_one_that_cannot_be_written_is_a_problem(office: Office) -> None:
    his = office.his()
    office.desk.configs.faults = [refused] * 16
    problem = office.tenure.take_over(his, HIS, Goal.FORWARD, wait_seconds=WAIT_OUT_SECONDS)
    assert code(problem) == "lock.unknown"


# Keeping and releasing


def test_a_kept_lock_says_that_nobody_is_at_it(office: Office) -> None:
    lock, hold = office.begun()
    office.tenure.keep(lock, replace(hold, touched=True))
    kept = office.kept()
    assert (kept.phase, kept.beat, kept.beats) == (Phase.STOPPED, 5001.0, 1)
    assert kept.touched
    assert office.told()[-1] == ("lock", "kept")


def test_it_is_said_once_only_however_it_is_answered(office: Office) -> None:
    """A second Ctrl-C must not have to wait; a lock that does not say so is found stale later."""
    lock, hold = office.begun()
    office.desk.configs.faults = [refused]
    office.tenure.keep(lock, hold)
    assert len(office.desk.sent(UpdateConfig)) == 1
    assert office.tenure.problems == []


def test_a_released_lock_is_gone(office: Office) -> None:
    lock, _ = office.begun()
    office.tenure.release(lock)
    assert office.desk.configs.kept == {}
    assert office.told()[-1] == ("lock", "released")
    assert office.tenure.problems == []


def test_a_release_that_nobody_confirms_is_a_problem_and_stops_nothing(office: Office) -> None:
    lock, _ = office.begun()
    office.desk.configs.faults = [refused] * 16
    office.tenure.release(lock)
    assert [problem.code for problem in office.tenure.problems] == ["lock.unknown"]
    assert office.told()[-1] == ("lock", "unknown")
    assert len(office.desk.sent(UpdateConfig)) == 8
    assert office.desk.sent(DeleteConfig) == []


def test_what_can_no_longer_be_written_down_is_told_once(office: Office) -> None:
    office.notes.full = of_kind(EntryKind.LOCK)
    lock, _ = office.begun()
    office.tenure.release(lock)
    assert office.tenure.problems == [FULL]
    assert office.desk.configs.kept == {}


def test_every_mutation_of_a_run_is_behind_an_intent() -> None:
    book = Book(run="r1", inventory=inventory(), plan=RECORD.plan, sourced={})
    step = Step(id="r", kind=StepKind.REMOVE, site="far", unit=CLIENT, wait_seconds=9.0)
    procedure = careful(book, step)
    assert isinstance(next(procedure), Sleep)
    assert isinstance(procedure.send(0.0), Observe)
    assert isinstance(procedure.send(running(CLIENT, at=1.0)), Intend)
    assert Means.__dataclass_fields__["start"].default is careful


def test_a_swarm_that_is_slow_to_say_no_is_waited_for_once(office: Office) -> None:
    lock, hold = office.begun()
    office.desk.seconds = lambda _effect: 12.0
    office.desk.configs.faults = [refused] * 60
    began = office.desk.time
    assert code(office.tenure.write(lock, hold)) == "lock.unknown"
    assert office.desk.time - began < 2 * PATIENCE_SECONDS
    assert office.tenure.unreachable is not None
    waited, asked = office.desk.time, len(office.desk.configs.asked)
    assert code(office.tenure.write(lock, hold)) == "lock.unknown"
    office.tenure.keep(lock, hold)
    office.tenure.release(lock)
    assert (office.desk.time, len(office.desk.configs.asked)) == (waited, asked)
    assert [problem.code for problem in office.tenure.problems] == ["lock.unknown"]
