"""One life of a run on a desk: what is done to its lock, to what is owed and to its journal."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from orchestrator.engine.findings import stalled
from orchestrator.engine.journal import EntryKind
from orchestrator.engine.keeper import PATIENCE_SECONDS
from orchestrator.engine.means import Means
from orchestrator.engine.record import RunRecord, decode, encode
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session
from orchestrator.errors import ExitCode, JournalError, Problem
from orchestrator.fleet.observed import Look, Service, Task
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import LABEL_REVISION, LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.inventory.model import Inventory
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Action, Before, LeftOut, Plan, Step, StepKind
from orchestrator.planning.progress import Believed
from orchestrator.procedures.asking import ask_mutate, ask_sleep
from orchestrator.procedures.book import Book
from orchestrator.procedures.custody import FRESH_SECONDS, in_custody
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Done,
    Failed,
    Procedure,
    RemoveServices,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK, Goal, Hold, Holder, Phase, from_labels, to_labels
from orchestrator.procedures.owed import OWED, Owed, change_owed, listed
from orchestrator.procedures.signature import RecordKey, Signature, check
from tests.build import (
    CLIENT,
    DAEMONS,
    SERVER,
    inventory,
    plan,
    service,
    sight,
    sourced,
    task,
    unit_plan,
    unseen,
)
from tests.configs import ConfigEffect, Configs, Fault, meanwhile, refused, told
from tests.engine.desk import FULL, Desk, Notes

NEW, OLD = "a" * 40, "b" * 40
BROKEN = Problem(code="deploy.unhealthy", what="it crashes", exit_code=ExitCode.UNHEALTHY)
GONE = Before(presence=Presence.GONE)
RAN = Before(presence=Presence.PRESENT, services=("web",), revision=OLD)
KEY = RecordKey(b"k" * 32)
HIS = Holder(owner="bob", host="lap", pid=8, session="his")


def steps(*units: Unit) -> tuple[Step, ...]:
    def one(kind: StepKind, unit: Unit, *needs: str) -> Step:
        name = f"{kind.value} {unit}"
        return Step(id=name, kind=kind, site=unit.site, unit=unit, needs=needs)

    removes = [f"remove {unit}" for unit in units]
    return (
        *(one(StepKind.REMOVE, unit) for unit in units),
        *(one(StepKind.DEPLOY, unit, *removes) for unit in units),
        *(one(StepKind.SETTLE, unit, f"deploy {unit}") for unit in units),
    )


BOTH = plan(
    unit_plan(SERVER, before=RAN), unit_plan(CLIENT, before=RAN), steps=steps(CLIENT, SERVER)
)
AWAY = Unit(stack="app-client", site="away")
LEFT = replace(BOTH, left_out=(LeftOut(unit=AWAY, reason="cut"),))


@dataclass(slots=True)
class Fleet:
    """What runs, by unit: (run, revision). Looks are made of it when they are asked for."""

    runs: dict[Unit, tuple[str, str]]
    ill: set[Unit] = field(default_factory=set)
    dark: set[str] = field(default_factory=set)

    def look(self, site: str) -> Look:
        if site in self.dark:
            return unseen(site)
        services: list[Service] = []
        tasks: list[Task] = []
        for unit, (run, sha) in self.runs.items():
            if unit.site == site:
                labels = ((LABEL_RUN, run), (LABEL_REVISION, sha))
                services.append(service("web", unit.stack, labels=labels))
                tasks += [] if unit in self.ill else [task("web", unit.stack)]
        return sight(site, services=tuple(services), tasks=tuple(tasks))


class Life:
    """A process that carries out a run; what its steps do is said by `doing`, by id."""

    def __init__(
        self,
        of: Plan = BOTH,
        *,
        on_failure: OnFailure = OnFailure.STOP,
        former: tuple[Unit, ...] = (SERVER, CLIENT),
        configs: Configs | None = None,
    ) -> None:
        self.fleet = Fleet({SERVER: ("r0", OLD), CLIENT: ("r0", OLD)})
        self.desk = Desk(configs=configs or Configs())
        self.desk.look = self.fleet.look
        self.notes = Notes()
        self.doing: dict[str, Callable[[Book, Step], Procedure]] = {}
        self.stop_at = float("inf")
        self.started: list[str] = []
        self.record = RunRecord(
            run="r1",
            words="restart --all",
            plan=of,
            inventory="f",
            created=5000.0,
            owner="ann",
            on_failure=on_failure,
        )
        self.means = Means(
            backend=self.desk,
            journal=self.notes,
            holder=Holder(owner="ann", host="desk", pid=7, session="mine"),
            wall=lambda: 5000.0 + self.desk.time,
            listen=lambda _plan: lambda _event: None,
            stop_asked=lambda: self.desk.time >= self.stop_at,
            start=self._start,
        )
        self.former = {unit: sourced(unit, sha=OLD) for unit in former}
        self.use(self.record)

    def use(self, record: RunRecord) -> None:
        """Carry out another record than the usual one."""
        self.record = record
        self.session = Session(self.means, inventory(), record, former=self.former)

    def begin(self) -> RunEnd:
        return self.session.begin({unit: sourced(unit) for unit in (SERVER, CLIENT)})

    def his(self, **about: object) -> Hold:
        """Let somebody hold the lock of this run, and stop."""
        hold = Hold(run="r1", words="restart --all", holder=HIS, started=4000.0, beat=4900.0)
        hold = replace(hold, phase=Phase.STOPPED, **about)  # type: ignore[arg-type]  # by name
        labels = to_labels(hold, self.record.plan.steps)
        self.desk.configs.apply(
            CreateConfig(site="home", name=LOCK, labels=labels, data=encode(self.record))
        )
        return hold

    def resume(self, *, wait_seconds: float = 0, **about: object) -> RunEnd:
        hold = self.his(**about)
        sources = {unit: sourced(unit) for unit in (SERVER, CLIENT)}
        return self.session.go_on(self.lock, hold, sources, wait_seconds=wait_seconds)

    def back(self, **about: object) -> RunEnd:
        hold = self.his(**about)
        return self.session.go_back(self.lock, hold, wait_seconds=0)

    def give_up(self, **about: object) -> RunEnd:
        hold = self.his(**about)
        return self.session.give_up(self.lock, hold, wait_seconds=0)

    @property
    def lock(self) -> StoredConfig:
        return self.desk.configs.kept[LOCK]

    def hold(self) -> Hold | None:
        if LOCK not in self.desk.configs.kept:
            return None
        hold = from_labels(self.lock, self.record.plan.steps)
        assert isinstance(hold, Hold)
        return hold

    def owed(self) -> dict[Unit, str]:
        kept = self.desk.configs.kept.get(OWED)
        return {} if kept is None else {item.unit: item.reason for item in listed(kept)}

    def owe(self, *items: Owed) -> None:
        told(change_owed("home", add=items), self.desk.configs)

    def closed(self) -> dict[str, object]:
        last = self.notes.entries[-1]
        assert last.kind is EntryKind.CLOSED
        return dict(last.body)

    def _start(self, book: Book, step: Step) -> Procedure:
        self.started.append(step.id)
        return in_custody(self.doing.get(step.id, self.well)(book, step))

    def well(self, book: Book, step: Step) -> Procedure:
        """Do what a step is for, with one effect."""
        if step.unit is None or step.kind is StepKind.SETTLE:
            yield from ask_sleep(1)
            return Done()
        yield from ask_mutate(RemoveServices(unit=step.unit, ids=(step.id,)))
        self.fleet.runs.pop(step.unit, None)
        if step.kind is StepKind.DEPLOY:
            sha = book.sourced[step.unit].release.revision.sha
            self.fleet.runs[step.unit] = (book.run, sha)
        return Done()


def fails(_book: Book, step: Step) -> Procedure:
    assert step.unit is not None
    yield from ask_mutate(RemoveServices(unit=step.unit, ids=(step.id,)))
    return Failed(problems=(BROKEN,))


def fails_early(_book: Book, _step: Step) -> Procedure:
    yield from ask_sleep(1)
    return Failed(problems=(BROKEN,))


def codes(end: RunEnd) -> list[str]:
    return [problem.code for problem in end.problems]


# Beginning


def test_a_run_that_ends_well_leaves_neither_lock_nor_debt() -> None:
    life = Life()
    end = life.begin()
    assert end.exit_code is ExitCode.DONE, end
    assert life.desk.configs.kept == {}
    assert life.closed() == {"exit": 0, "kept": False, "problems": []}
    created = life.desk.sent(CreateConfig)[0]
    assert isinstance(created, CreateConfig)
    assert decode(created.data) == life.record
    assert (end.kept, end.owed, end.problems) == (False, (), ())


def test_a_lock_that_somebody_holds_ends_it_before_anything_is_done() -> None:
    life = Life()
    life.his()
    end = life.begin()
    assert codes(end) == ["lock.held"]
    assert (end.report, end.kept, life.started) == (None, False, [])
    assert life.closed()["problems"] == ["lock.held"]


def test_without_a_journal_nothing_is_begun() -> None:
    life = Life()
    life.notes.full = lambda _: True
    with pytest.raises(JournalError):
        life.begin()
    assert life.desk.submitted == []


@pytest.mark.parametrize(
    "now",
    [{SERVER: ("r0", OLD)}, {SERVER: ("r0", OLD), CLIENT: ("r0", NEW)}],
    ids=["gone", "another-revision"],
)
def test_a_fleet_that_changed_since_the_plan_is_not_touched(
    now: dict[Unit, tuple[str, str]],
) -> None:
    life = Life(LEFT)
    life.fleet.runs = now
    end = life.begin()
    assert codes(end) == ["plan.stale"]
    assert end.problems[0].evidence[0].startswith(f"{CLIENT} is ")
    assert (life.hold(), life.owed(), life.started) == (None, {}, [])


def test_a_fleet_whose_services_changed_since_the_plan_is_not_touched() -> None:
    more = replace(RAN, services=("web", "worker"))
    life = Life(plan(unit_plan(SERVER, before=RAN), unit_plan(CLIENT, before=more)))
    assert codes(life.begin()) == ["plan.stale"]


def test_what_is_kept_may_have_changed() -> None:
    items = (unit_plan(SERVER, before=RAN), unit_plan(CLIENT, Action.KEEP, before=GONE))
    assert Life(plan(*items)).begin().exit_code is ExitCode.DONE


def test_what_is_seen_only_now_was_not_planned_for() -> None:
    """What ran before is not known, and could not be brought back."""
    unknown = Before(presence=Presence.UNKNOWN)
    end = Life(plan(unit_plan(SERVER, before=unknown))).begin()
    assert end.exit_code is ExitCode.PLAN_STALE


def test_what_cannot_be_seen_now_is_no_change() -> None:
    """Preflight says it better, and with what to do."""
    life = Life(plan(unit_plan(SERVER, before=RAN), unit_plan(CLIENT, before=RAN)))
    life.fleet.dark = {"far"}
    assert life.begin().exit_code is ExitCode.DONE


# Left out


def test_what_is_left_out_is_owed_before_anything_is_done() -> None:
    life = Life(LEFT)
    life.doing[f"remove {CLIENT}"] = fails
    life.begin()
    assert life.owed() == {AWAY: "cut"}


def test_what_cannot_be_written_down_as_owed_ends_it_before_anything_is_done() -> None:
    life = Life(LEFT)
    life.desk.configs.faults = [unless_lock(refused)] * 30
    end = life.begin()
    assert codes(end) == ["owed.unknown"]
    assert (life.hold(), life.started) == (None, [])


def unless_lock(fault: Fault) -> Fault:
    def chosen(configs: Configs, effect: ConfigEffect) -> ConfigAnswer:
        lock = LOCK in configs.kept and getattr(effect, "id", "") == configs.kept[LOCK].id
        mine = lock or getattr(effect, "name", "") == LOCK
        return configs.apply(effect) if mine else fault(configs, effect)

    return chosen


def test_a_run_that_touched_nothing_takes_its_debts_back_and_no_other() -> None:
    life = Life(LEFT)
    life.owe(Owed(unit=CLIENT, run="r0", since=1.0, reason="older"))
    life.doing[f"remove {CLIENT}"] = fails_early
    life.doing[f"remove {SERVER}"] = fails_early
    end = life.begin()
    assert end.exit_code is ExitCode.UNHEALTHY
    assert (life.hold(), life.owed(), end.owed) == (None, {CLIENT: "older"}, ())


def test_a_run_that_touched_and_left_out_nothing_asks_nothing_about_debts() -> None:
    life = Life()
    life.doing[f"remove {CLIENT}"] = life.doing[f"remove {SERVER}"] = fails_early
    life.begin()
    assert not [e for e in life.desk.configs.asked if getattr(e, "name", "") == OWED]
    assert life.hold() is None


def test_what_is_brought_up_is_not_owed_any_more() -> None:
    life = Life(LEFT)
    life.owe(Owed(unit=CLIENT, run="r0", since=1.0, reason="older"))
    assert life.begin().exit_code is ExitCode.DONE
    assert life.owed() == {AWAY: "cut"}


# Ending


def test_a_leaf_that_fails_is_owed_and_the_lock_released() -> None:
    life = Life()
    life.doing[f"deploy {CLIENT}"] = fails
    end = life.begin()
    assert end.exit_code is ExitCode.UNHEALTHY
    assert life.hold() is None
    assert life.owed() == {CLIENT: "it crashes"}
    assert [item.unit for item in end.owed] == [CLIENT]
    assert life.closed()["owed"] == {str(CLIENT): "it crashes"}
    assert end.owed[0].run == "r1"
    assert end.owed[0].since >= 5000.0


def test_a_debt_that_cannot_be_written_down_keeps_the_lock() -> None:
    life = Life()
    life.doing[f"deploy {CLIENT}"] = fails
    life.desk.configs.faults = [unless_lock(refused)] * 60
    end = life.begin()
    assert end.kept
    assert codes(end) == ["owed.unknown"]
    hold = life.hold()
    assert hold is not None
    assert hold.phase is Phase.STOPPED


def test_a_server_that_is_not_back_keeps_the_lock_and_says_since_when() -> None:
    life = Life()
    life.doing[f"deploy {SERVER}"] = fails
    end = life.begin()
    assert end.kept
    hold = life.hold()
    assert hold is not None
    assert (hold.phase, hold.touched) == (Phase.STOPPED, True)
    assert [unit for unit, _ in hold.down] == [SERVER]
    assert f"deploy {CLIENT}" in hold.done
    assert life.closed()["kept"] is True
    assert life.owed() == {}


def test_a_run_that_is_stopped_half_way_keeps_the_lock() -> None:
    life = Life()
    life.stop_at = 5.0
    end = life.begin()
    assert end.exit_code is ExitCode.INTERRUPTED
    assert end.kept
    assert life.hold() is not None


def test_what_fell_after_it_had_settled_is_told_at_the_end() -> None:
    life = Life()

    def watched(_book: Book, _step: Step) -> Procedure:
        yield from ask_sleep(1)
        life.fleet.ill.add(SERVER)
        return Done()

    life.doing[f"settle {CLIENT}"] = watched
    end = life.begin()
    assert codes(end) == ["run.broke-later"]
    assert end.exit_code is ExitCode.UNHEALTHY
    assert life.hold() is None


def test_a_lost_lock_ends_it_without_touching_lock_or_debts() -> None:
    life = Life(LEFT)

    def stolen(book: Book, step: Step) -> Procedure:
        life.desk.configs.put(LOCK, *to_labels(replace(HOLD, holder=HIS), ()))
        return (yield from fails(book, step))

    life.doing[f"remove {CLIENT}"] = life.doing[f"remove {SERVER}"] = stolen
    end = life.begin()
    assert end.exit_code is ExitCode.LOCK_HELD
    assert not end.kept
    assert life.lock.label("dtdeploy.session") == "his"
    assert life.desk.sent(DeleteConfig) == []
    assert life.desk.sent(RemoveServices) == []


CUT = Problem(code="site.unreachable", what="no route", exit_code=ExitCode.SITE_UNREACHABLE)


def cut_off(_configs: Configs, _effect: ConfigEffect) -> ConfigAnswer:
    return ConfigAnswer(result=ConfigResult.FAILED, at=0.0, problem=CUT)


@pytest.mark.parametrize(
    ("seconds", "closing", "attempts"),
    [(PATIENCE_SECONDS + 10, 3.0, 1), (1.0, 35.0, 30)],
    ids=["seen before the end", "at the end"],
)
def test_a_run_that_cannot_reach_its_lock_ends_soon_and_keeps_it(
    seconds: float, closing: float, attempts: int
) -> None:
    """What comes after the steps waits for it once at most, where the steps have not."""
    life = Life()
    ended = asked = 0.0

    def last(_book: Book, _step: Step) -> Procedure:
        nonlocal ended, asked
        life.desk.configs.faults = [cut_off] * 600
        yield from ask_sleep(seconds)
        ended, asked = life.desk.time, len(life.desk.configs.asked)
        return Failed(problems=(BROKEN,))

    life.doing[f"settle {SERVER}"] = last
    end = life.begin()
    assert end.kept
    assert end.exit_code is ExitCode.SITE_UNREACHABLE
    assert life.desk.time - ended <= closing
    assert len(life.desk.configs.asked) - asked <= attempts
    assert LOCK in life.desk.configs.kept


def test_a_run_that_was_stopped_for_standing_still_says_so_at_its_end() -> None:
    life = Life()
    why = stalled("r1", "nothing came of anything for 60 s", "/state/stacks/r1.txt")
    life.means = replace(life.means, stalled=lambda: why)
    life.use(life.record)
    end = life.begin()
    assert codes(end) == ["run.stalled"]
    assert end.exit_code is ExitCode.INTERRUPTED
    assert "/state/stacks/r1.txt" in end.problems[0].evidence[0]
    assert stalled("r1", "told", "").evidence == ()


HOLD = Hold(
    run="r2",
    words="restart --all",
    holder=Holder(owner="ann", host="desk", pid=7, session="mine"),
    started=4000.0,
    beat=4900.0,
)


def test_what_could_not_be_logged_is_among_its_problems() -> None:
    life = Life()
    life.notes.full = lambda entry: entry.kind is EntryKind.LOCK
    end = life.begin()
    assert end.problems == (FULL,)
    assert end.exit_code is ExitCode.SAFETY_REFUSED


@pytest.mark.parametrize(
    ("fault", "code", "kept"),
    [(meanwhile(lambda c: c.put(LOCK, *to_labels(HOLD, ()))), "lock.lost", False),
     (refused, "lock.unknown", True)],
    ids=["another's", "unknown"],
)  # fmt: skip
def test_what_is_owed_is_written_only_by_who_holds_the_lock_still(
    fault: Fault, code: str, *, kept: bool
) -> None:
    life = Life()
    life.owe(Owed(unit=CLIENT, run="r0", since=1.0, reason="older"))

    def last(_book: Book, _step: Step) -> Procedure:
        yield from ask_sleep(1)
        life.desk.configs.faults = [fault] * 60
        return Done()

    life.doing[f"settle {CLIENT}"] = life.doing[f"settle {SERVER}"] = last
    end = life.begin()
    assert (codes(end), end.kept) == ([code], kept)
    assert life.owed() == {CLIENT: "older"}
    assert LOCK in life.desk.configs.kept


# Resuming


def test_a_resumed_run_goes_on_where_the_swarms_show_it_to_be() -> None:
    life = Life()
    life.fleet.runs = {}
    end = life.resume(touched=True, done=frozenset())
    assert end.exit_code is ExitCode.DONE, end
    assert life.started == [s.id for s in BOTH.steps if s.kind is not StepKind.REMOVE]
    assert life.hold() is None


def test_a_run_that_touched_nothing_is_resumed_from_its_beginning() -> None:
    life = Life()
    life.fleet.runs = {}
    life.resume(touched=False, done=frozenset(s.id for s in BOTH.steps))
    assert f"remove {CLIENT}" not in life.started
    assert f"deploy {CLIENT}" in life.started


def first_written(life: Life) -> Hold:
    """Return what was written first once the fleet was looked at, after the take-over."""
    life.doing |= {f"remove {unit}": fails_early for unit in (SERVER, CLIENT)}
    life.resume(touched=True, done=EVERY)
    labels = life.desk.sent(UpdateConfig)[1].labels
    lock = StoredConfig(id="", name=LOCK, version=0, labels=labels, data=b"")
    hold = from_labels(lock, life.record.plan.steps)
    assert isinstance(hold, Hold)
    return hold


EVERY = frozenset(step.id for step in BOTH.steps)


def test_labels_that_nothing_speaks_for_do_not_become_ours_by_being_written_again() -> None:
    """Signed with our key they would be believed for good."""
    hold = first_written(Life())
    assert (hold.done, hold.touched) == (frozenset(), False)


def test_what_is_seen_to_be_touched_stays_so() -> None:
    life = Life()
    life.fleet.runs = {CLIENT: ("r0", OLD)}
    assert first_written(life).touched


def test_what_something_vouches_for_stays_written() -> None:
    life = Life()
    life.fleet.runs = {SERVER: ("r1", NEW)}
    life.fleet.dark = {"far"}
    believed = Believed(done=frozenset({f"remove {CLIENT}"}))
    hold = life.his(touched=True, done=EVERY)
    sources = {unit: sourced(unit) for unit in (SERVER, CLIENT)}
    life.session.go_on(life.lock, hold, sources, wait_seconds=0, believed=believed)
    assert f"remove {CLIENT}" not in life.started


def test_a_run_with_a_key_signs_every_lock_that_it_leaves() -> None:
    life = Life()
    life.means = replace(life.means, key=KEY)
    life.use(life.record)
    life.doing[f"deploy {SERVER}"] = fails
    end = life.begin()
    assert end.kept
    assert check(life.lock, KEY) is Signature.HOLDS
    taken = life.desk.sent(CreateConfig)[0]
    created = StoredConfig(id="", name=LOCK, version=0, labels=taken.labels, data=taken.data)
    assert check(created, KEY) is Signature.HOLDS
    written = [w for w in life.desk.sent(UpdateConfig) if w.id == life.lock.id]
    assert {check(replace(life.lock, labels=one.labels), KEY) for one in written} == {
        Signature.HOLDS
    }


@pytest.mark.parametrize("signed", [False, True])
def test_a_run_that_is_taken_over_is_signed_once_its_labels_are_judged(*, signed: bool) -> None:
    """Killed between the two, it would leave what nobody vouched for with a signature."""
    life = Life()
    life.means = replace(life.means, key=KEY)
    life.use(life.record)
    life.doing[f"deploy {SERVER}"] = fails
    hold = life.his()
    sources = {unit: sourced(unit) for unit in (SERVER, CLIENT)}
    believed = Believed(labels=signed)
    assert life.session.go_on(life.lock, hold, sources, wait_seconds=0, believed=believed).kept
    first, *rest = [
        check(replace(life.lock, labels=one.labels), KEY)
        for one in life.desk.sent(UpdateConfig)
        if one.id == life.lock.id
    ]
    assert first is (Signature.HOLDS if signed else Signature.MISSING)
    assert set(rest) == {Signature.HOLDS}


def test_a_run_that_was_all_done_but_for_its_lock_changes_nothing() -> None:
    life = Life()
    life.fleet.runs = {SERVER: ("r1", NEW), CLIENT: ("r1", NEW)}
    end = life.resume(touched=True, done=frozenset(s.id for s in BOTH.steps))
    assert end.exit_code is ExitCode.DONE
    assert (life.started, life.hold()) == ([], None)


@pytest.mark.parametrize(("wait_seconds", "before"), [(FRESH_SECONDS, False), (0.0, True)])
def test_a_holder_that_may_live_is_waited_out(*, wait_seconds: float, before: bool) -> None:
    life = Life()
    firsts: list[float] = []

    def noted(_book: Book, _step: Step) -> Procedure:
        firsts.append(life.desk.time)
        yield from ask_sleep(1)
        return Done()

    life.doing[f"remove {CLIENT}"] = noted
    life.resume(wait_seconds=wait_seconds)
    assert (firsts[0] < FRESH_SECONDS) is before


def test_a_lock_that_its_holder_still_writes_is_not_resumed() -> None:
    life = Life()
    hold = life.his()
    old = life.lock
    life.desk.configs.apply(
        UpdateConfig(site="home", id=old.id, version=old.version, labels=old.labels)
    )
    end = life.session.go_on(old, hold, {}, wait_seconds=0)
    assert codes(end) == ["lock.held"]
    assert codes(Life().session.go_back(old, hold, wait_seconds=0)) == ["lock.held"]
    assert codes(Life().session.give_up(old, hold, wait_seconds=0)) == ["lock.held"]
    assert life.started == []


def test_a_resume_owes_again_what_was_left_out() -> None:
    """Its first life may have died between taking the lock and writing that down."""
    life = Life(LEFT)
    life.fleet.runs = {}
    assert life.resume(touched=True).exit_code is ExitCode.DONE
    assert life.owed() == {AWAY: "cut"}


def test_a_resume_that_cannot_write_down_what_is_owed_keeps_the_lock() -> None:
    life = Life(LEFT)
    life.desk.configs.faults = [unless_lock(refused)] * 60
    end = life.resume(touched=True)
    assert (end.kept, codes(end), life.started) == (True, ["owed.unknown"], [])


# Going back


def test_going_back_brings_back_what_ran() -> None:
    life = Life()
    life.fleet.runs = {SERVER: ("r1", NEW)}
    end = life.back(touched=True)
    assert end.exit_code is ExitCode.RESTORED, end
    assert life.fleet.runs == {SERVER: ("r1-back", OLD), CLIENT: ("r1-back", OLD)}
    assert end.way_back is not None
    assert end.report is None
    assert life.hold() is None


def test_whoever_goes_on_knows_what_the_plan_found_to_be_used() -> None:
    """On another machine nothing is read anew: the record says what units use of each other."""
    use = Use(user=DAEMONS, maker=CLIENT, kind="network", name="app-client_net")
    seen: dict[str, Inventory] = {}

    def notes(book: Book, step: Step) -> Procedure:
        seen[step.id] = book.inventory
        return (yield from life.well(book, step))

    life = Life(replace(BOTH, uses=(use,)))
    life.doing = dict.fromkeys((step.id for step in BOTH.steps), notes)
    life.resume()
    assert seen
    assert all(CLIENT in inv.needs[DAEMONS] for inv in seen.values())
    life = Life(replace(BOTH, uses=(use,)))
    seen.clear()
    life.doing = dict.fromkeys((f"{name} {SERVER}" for name in ("remove", "deploy")), notes)
    end = life.back()
    assert end.way_back is not None
    assert all(CLIENT in inv.needs[DAEMONS] for inv in seen.values())


def test_a_run_that_was_going_back_is_resumed_so() -> None:
    life = Life()
    life.fleet.runs = {SERVER: ("r1", NEW)}
    end = life.resume(touched=True, goal=Goal.RESTORE)
    assert end.exit_code is ExitCode.RESTORED
    assert life.fleet.runs[SERVER] == ("r1-back", OLD)


def test_a_failure_is_followed_by_going_back_if_that_was_asked_for() -> None:
    life = Life(on_failure=OnFailure.RESTORE)
    failed: list[str] = []

    def once(book: Book, step: Step) -> Procedure:
        failed.append(book.run)
        return (yield from (fails(book, step) if len(failed) == 1 else life.well(book, step)))

    life.doing[f"deploy {SERVER}"] = once
    end = life.begin()
    assert end.exit_code is ExitCode.RESTORED, end
    assert failed == ["r1", "r1-back"]
    assert life.fleet.runs[SERVER] == ("r1-back", OLD)
    assert end.report is not None
    assert not end.report.finished
    goals = [dict(e.labels)["dtdeploy.goal"] for e in life.desk.sent(UpdateConfig)]
    assert goals[-1] == "restore"


def test_an_interrupt_is_no_failure_to_go_back_from() -> None:
    life = Life(on_failure=OnFailure.RESTORE)
    life.stop_at = 5.0
    end = life.begin()
    assert end.exit_code is ExitCode.INTERRUPTED
    assert end.way_back is None
    assert end.kept


def test_a_refusal_that_touched_nothing_is_nothing_to_go_back_from() -> None:
    life = Life(on_failure=OnFailure.RESTORE)
    life.doing[f"remove {CLIENT}"] = life.doing[f"remove {SERVER}"] = fails_early
    assert life.begin().way_back is None


def test_going_back_is_refused_beforehand_where_nobody_knows_to_what() -> None:
    unlabelled = replace(RAN, revision="")
    items = (unit_plan(SERVER, before=RAN), unit_plan(CLIENT, before=unlabelled))
    life = Life(plan(*items, steps=BOTH.steps), on_failure=OnFailure.RESTORE)
    end = life.begin()
    assert codes(end) == ["restore.unknown-revision"]
    assert life.desk.submitted == []
    assert life.notes.entries == []


def test_what_nobody_knows_the_way_back_for_is_told_at_the_end() -> None:
    unlabelled = replace(RAN, revision="")
    items = (unit_plan(SERVER, before=RAN), unit_plan(CLIENT, before=unlabelled))
    life = Life(plan(*items, steps=BOTH.steps))
    end = life.back(touched=True)
    assert codes(end) == ["restore.unknown-revision"]
    assert end.exit_code is ExitCode.SAFETY_REFUSED


def test_what_is_left_as_it_is_for_the_sake_of_another_is_told() -> None:
    """The client that runs now has no revision to come back to, and needs the server."""
    unlabelled = replace(RAN, revision="")
    items = (unit_plan(SERVER, before=RAN), unit_plan(CLIENT, Action.KEEP, before=unlabelled))
    life = Life(plan(*items, steps=steps(SERVER)), former=(SERVER,))
    life.fleet.runs = {SERVER: ("r1", NEW), CLIENT: ("", "")}
    end = life.back(touched=True)
    assert codes(end) == ["restore.left"]
    assert life.fleet.runs[SERVER] == ("r1", NEW)
    assert life.owed() == {}


def test_what_is_left_as_it_is_and_is_not_well_is_owed() -> None:
    unlabelled = replace(RAN, revision="")
    items = (unit_plan(SERVER, before=RAN), unit_plan(CLIENT, Action.KEEP, before=unlabelled))
    life = Life(plan(*items, steps=steps(SERVER)), former=(SERVER,))
    life.fleet.runs = {SERVER: ("r1", NEW), CLIENT: ("", "")}
    life.fleet.ill = {SERVER}
    end = life.back(touched=True)
    assert codes(end) == ["restore.left"]
    assert life.owed() == {SERVER: "could not be brought back: app-client@far would have been lost"}
    assert [item.unit for item in end.owed] == [SERVER]


def test_a_lock_that_is_lost_at_the_turn_ends_it() -> None:
    life = Life(on_failure=OnFailure.RESTORE)

    def broken_meanwhile(book: Book, step: Step) -> Procedure:
        outcome = yield from fails(book, step)
        life.desk.configs.faults = [meanwhile(lambda c: c.put(LOCK, *to_labels(HOLD, ())))]
        return outcome

    life.doing[f"deploy {SERVER}"] = broken_meanwhile
    end = life.begin()
    assert end.restored is None
    assert life.hold() is not None


def test_a_lock_that_is_lost_on_the_way_back_ends_it() -> None:
    life = Life()
    life.fleet.runs = {}

    def stolen(book: Book, step: Step) -> Procedure:
        life.desk.configs.put(LOCK, *to_labels(replace(HOLD, holder=HIS), ()))
        return (yield from fails(book, step))

    life.doing[f"deploy {SERVER}"] = stolen
    end = life.back(touched=True)
    assert end.exit_code is ExitCode.LOCK_HELD
    assert not end.kept
    assert life.lock.label("dtdeploy.session") == "his"


# Giving up


def test_a_run_that_is_given_up_owes_what_is_not_up_and_well() -> None:
    life = Life()
    life.fleet.runs = {CLIENT: ("r1", NEW)}
    end = life.give_up(touched=True)
    assert life.owed() == {SERVER: "run r1 was given up"}
    assert [item.unit for item in end.owed] == [SERVER]
    assert (end.exit_code, life.hold(), life.started) == (ExitCode.DONE, None, [])


def test_one_that_touched_nothing_owes_nothing_and_takes_its_debts_back() -> None:
    life = Life(LEFT)
    life.fleet.runs = {}
    life.owe(Owed(unit=AWAY, run="r1", since=1.0, reason="cut"))
    life.give_up(touched=False)
    assert (life.owed(), life.hold()) == ({}, None)


def test_giving_up_without_being_able_to_say_what_is_owed_keeps_the_lock() -> None:
    life = Life()
    life.fleet.runs = {}
    life.desk.configs.faults = [unless_lock(refused)] * 60
    end = life.give_up(touched=True)
    assert (end.kept, codes(end)) == (True, ["owed.unknown"])
    assert life.hold() is not None
