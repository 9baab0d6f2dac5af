import base64
from dataclasses import replace

import pytest

from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.past import past_run
from orchestrator.engine.record import RunRecord, encode
from orchestrator.errors import RefusedError
from orchestrator.fleet.presence import Presence
from orchestrator.planning.history import PastRun
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind, UnitPlan
from tests.build import CLIENT, SERVER

PRESENT = Before(presence=Presence.PRESENT)
PLAN = Plan(
    command=Command.RESTART,
    selection="--all",
    coordinator="home",
    revisions=(),
    units=tuple(
        UnitPlan(unit=unit, action=Action.RESTART, reason="", before=PRESENT)
        for unit in (SERVER, CLIENT)
    ),
    steps=(),
)
RECORD = RunRecord(
    run="r1", words="restart --all", plan=PLAN, inventory="f", created=1.0, owner="ana"
)


def opened(record: str | None = None, plan: Plan = PLAN) -> Entry:
    data = base64.b64encode(encode(replace(RECORD, plan=plan))).decode()
    return Entry(at=0.0, kind=EntryKind.OPENED, body={"record": data if record is None else record})


def step(at: float, name: str, state: Json) -> Entry:
    return Entry(at=at, kind=EntryKind.STEP, step=name, body={"state": state})


def outages(*entries: Entry) -> dict[str, float]:
    run = past_run([opened(), *entries])
    assert run is not None
    return {str(unit): seconds for unit, seconds in run.outages}


def test_an_outage_lasts_from_the_removal_to_health() -> None:
    run = past_run(
        [
            opened(),
            step(10.0, f"remove {SERVER}", "started"),
            step(14.0, f"remove {SERVER}", "done"),
            step(14.5, f"deploy {SERVER}", "started"),
            step(17.5, f"deploy {SERVER}", "done"),
        ]
    )
    assert run == PastRun(
        run="r1",
        command=Command.RESTART,
        stacks=frozenset({"app", "app-client"}),
        outages=((SERVER, 7.5),),
        steps=((f"remove {SERVER}", 4.0), (f"deploy {SERVER}", 3.0)),
    )


def test_a_run_that_was_resumed_was_down_from_its_first_beginning() -> None:
    assert outages(
        step(10.0, f"remove {SERVER}", "started"),
        opened(),
        step(60.0, f"remove {SERVER}", "started"),
        step(70.0, f"deploy {SERVER}", "done"),
        step(90.0, f"deploy {SERVER}", "done"),
    ) == {str(SERVER): 60.0}


def test_what_never_came_back_or_never_went_tells_nothing() -> None:
    assert (
        outages(
            step(10.0, f"remove {SERVER}", "started"),
            step(20.0, f"deploy {SERVER}", "failed"),
            step(20.0, f"deploy {CLIENT}", "done"),
            Entry(at=21.0, kind=EntryKind.LOCK, step=f"deploy {SERVER}", body={"state": "done"}),
        )
        == {}
    )


def test_a_clock_that_was_set_back_tells_nothing() -> None:
    assert (
        outages(
            step(10.0, f"remove {SERVER}", "started"),
            step(9.0, f"deploy {SERVER}", "done"),
        )
        == {}
    )


def test_a_journal_without_a_run_is_none() -> None:
    assert past_run([]) is None


@pytest.mark.parametrize("record", ["", "A", "bm90IGEgcmVjb3Jk"])
def test_a_record_that_cannot_be_read_is_refused(record: str) -> None:
    with pytest.raises(RefusedError):
        past_run([opened(record)])


class TestHowLongItTook:
    def run(self, *entries: Entry, names: tuple[str, ...] = ("a", "b")) -> PastRun:
        steps = tuple(Step(id=name, kind=StepKind.DEPLOY, site="home") for name in names)
        found = past_run([opened(plan=replace(PLAN, steps=steps)), *entries])
        assert found is not None
        return found

    def test_each_step_that_was_done_and_all_of_it(self) -> None:
        run = self.run(
            step(1.0, "a", "started"),
            step(2.0, "b", "started"),
            step(4.0, "a", "done"),
            step(9.0, "b", "done"),
        )
        assert (dict(run.steps), run.seconds) == ({"a": 3.0, "b": 7.0}, 8.0)

    def test_a_run_that_did_not_finish_tells_nothing_of_the_whole(self) -> None:
        begun = step(1.0, "a", "started")
        run = self.run(begun, step(4.0, "a", "done"), step(2.0, "b", "started"))
        assert (dict(run.steps), run.seconds) == ({"a": 3.0}, None)
        assert self.run(begun, names=()).seconds is None

    def test_nor_does_a_clock_that_was_set_back(self) -> None:
        run = self.run(
            step(10.0, "a", "started"),
            step(2.0, "a", "done"),
            step(10.0, "b", "started"),
            step(3.0, "b", "done"),
        )
        assert (run.steps, run.seconds) == ((), None)
