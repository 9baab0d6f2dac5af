from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import (
    NOTHING_KNOWN,
    Expected,
    History,
    PastRun,
    assess,
    expect,
    goes_down,
    stacks_down,
)
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind, UnitPlan
from orchestrator.planning.risk import Risk, Typical
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER

PRESENT = Before(presence=Presence.PRESENT)
STACKS = frozenset({"app", "app-client"})


def item(unit: Unit, action: Action = Action.RESTART, before: Before = PRESENT) -> UnitPlan:
    others = (CLIENT, HOME_CLIENT) if unit == SERVER else ()
    below = () if unit == SERVER else (SERVER,)
    return UnitPlan(
        unit=unit, action=action, reason="", before=before, dependents=others, dependencies=below
    )


def plan(*units: UnitPlan, command: Command = Command.RESTART) -> Plan:
    return Plan(
        command=command, selection="", coordinator="home", revisions=(), units=units, steps=()
    )


def past(
    *outages: tuple[Unit, float],
    command: Command = Command.RESTART,
    stacks: frozenset[str] = STACKS,
) -> PastRun:
    return PastRun(run="r", command=command, stacks=stacks, outages=outages)


WHOLE = plan(item(SERVER), item(CLIENT))


def test_what_goes_down_is_what_is_removed_and_may_be_there() -> None:
    gone = Before(presence=Presence.GONE)
    assert [
        goes_down(item(SERVER, Action.DOWN)),
        goes_down(item(SERVER, before=Before(presence=Presence.UNKNOWN))),
        goes_down(item(SERVER, before=gone)),
        goes_down(item(SERVER, Action.UP)),
    ] == [True, True, False, False]
    assert stacks_down(plan(item(SERVER), item(DAEMONS, before=gone))) == {"app"}


def test_the_price_is_that_of_what_others_need() -> None:
    runs = (past((SERVER, 8.0), (CLIENT, 30.0)), past((SERVER, 10.0), (CLIENT, 26.0)))
    assert assess(WHOLE, History(runs=runs, unreadable=1)) == Risk(
        down=(SERVER,),
        without=(CLIENT, HOME_CLIENT),
        comes_back=True,
        outage=Typical(median_seconds=9.0, worst_seconds=10.0, runs=2),
        others=Typical(median_seconds=28.0, worst_seconds=30.0, runs=2),
        unreadable=1,
    )


def test_where_nothing_else_goes_down_each_is_the_price_itself() -> None:
    alone = assess(plan(item(CLIENT), item(HOME_CLIENT)), History())
    assert (alone.down, alone.without, alone.others) == ((CLIENT, HOME_CLIENT), (), None)


@pytest.mark.parametrize(
    "other",
    [
        past((SERVER, 8.0), command=Command.UP),
        past((SERVER, 8.0), stacks=frozenset({"app"})),
        past((HOME_CLIENT, 8.0)),
        past(),
    ],
    ids=["another command", "other stacks", "other units", "never came back"],
)
def test_only_runs_like_this_one_tell(other: PastRun) -> None:
    assert assess(WHOLE, History(runs=(other,))).outage is None


def test_another_set_of_sites_is_the_same_kind_of_run() -> None:
    seen = assess(
        plan(item(SERVER), item(CLIENT), item(HOME_CLIENT)),
        History(runs=(past((SERVER, 8.0)),)),
    )
    assert seen.outage == Typical(median_seconds=8.0, worst_seconds=8.0, runs=1)


def test_what_is_taken_down_to_stay_does_not_come_back() -> None:
    assert not assess(plan(item(SERVER, Action.DOWN), command=Command.DOWN), History()).comes_back


def test_nothing_that_goes_down_costs_nothing() -> None:
    kept = replace(item(SERVER), action=Action.KEEP)
    assert assess(plan(kept), History(runs=(past(),))) == Risk()


@pytest.mark.parametrize(("runs", "rank"), [(1, 1), (9, 9), (10, 9), (11, 10), (20, 18)])
def test_the_worst_is_the_90th_percentile_by_nearest_rank(runs: int, rank: int) -> None:
    history = History(runs=tuple(past((SERVER, float(n))) for n in range(runs, 0, -1)))
    outage = assess(WHOLE, history).outage
    assert outage is not None
    assert outage.worst_seconds == rank


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_the_worst_was_seen_and_is_never_below_the_median(seconds: list[float]) -> None:
    history = History(runs=tuple(past((SERVER, s)) for s in seconds))
    outage = assess(WHOLE, history).outage
    assert outage is not None
    assert outage.worst_seconds in seconds
    assert outage.median_seconds <= outage.worst_seconds
    assert outage.runs == len(seconds)


class TestHowLongThingsTake:
    def plan(self, *steps: str) -> Plan:
        made = tuple(Step(id=name, kind=StepKind.DEPLOY, site="home") for name in steps)
        return replace(WHOLE, steps=made)

    def test_a_step_takes_the_median_of_what_it_took_in_any_run(self) -> None:
        runs = tuple(
            replace(past(command=Command.UP), steps=(("deploy app@home", seconds),))
            for seconds in (3.0, 4.0, 50.0)
        )
        found = expect(self.plan("deploy app@home", "remove app@home"), History(runs=runs))
        assert found == Expected(steps={"deploy app@home": 4.0})

    def test_one_that_never_was_done_is_like_that_of_other_sites(self) -> None:
        run = replace(past(), steps=(("deploy app-client@far", 6.0), ("examine far", 1.0)))
        plan = self.plan("deploy app-client@home", "examine home", "deploy app@home", "gate: all")
        assert expect(plan, History(runs=(run,))).steps == {
            "deploy app-client@home": 6.0,
            "examine home": 1.0,
        }

    def test_outages_and_the_whole_are_those_of_runs_of_the_same_kind(self) -> None:
        runs = (
            replace(past((SERVER, 8.0), (CLIENT, 30.0)), seconds=33.0),
            replace(past((SERVER, 10.0)), seconds=None),
            replace(past((SERVER, 99.0), command=Command.DOWN), seconds=99.0),
        )
        found = expect(self.plan(), History(runs=runs))
        assert found == Expected(outages={SERVER: 9.0, CLIENT: 30.0}, whole=33.0)

    def test_without_a_past_nothing_is_expected(self) -> None:
        assert expect(self.plan("deploy app@home"), History()) == NOTHING_KNOWN
