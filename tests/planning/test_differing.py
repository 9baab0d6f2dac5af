from dataclasses import replace

import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.planning.differing import differences
from orchestrator.planning.plan import Action, LeftOut, Plan, Step, StepKind
from tests.build import CLIENT, SERVER, plan, unit_plan

ONE = Step(id="remove app@home", kind=StepKind.REMOVE, site="home", unit=SERVER)
TWO = replace(ONE, id="deploy app@home", kind=StepKind.DEPLOY)
WAS = plan(unit_plan(SERVER), steps=(ONE,))
AWAY = Unit(stack="app-client", site="away")


def test_a_plan_does_not_differ_from_itself() -> None:
    assert differences(WAS, plan(unit_plan(SERVER), steps=(ONE,))) == ()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (plan(unit_plan(SERVER), unit_plan(CLIENT), steps=(ONE,)), "app-client@far is now part"),
        (plan(steps=(ONE,)), "app@home is no longer part of the plan"),
        (
            plan(unit_plan(SERVER, Action.KEEP), steps=(ONE,)),
            "app@home: to keep now, was to restart",
        ),
        (
            plan(unit_plan(SERVER, compose="x", remove_seconds=9.0), steps=(ONE,)),
            "app@home: not the same compose, remove seconds",
        ),
        (replace(WAS, dangers=("x runs",)), "new danger: x runs"),
        (
            plan(unit_plan(SERVER, dangers=("lacks web",)), steps=(ONE,)),
            "new danger: app@home: lacks web",
        ),
        (replace(WAS, steps=(ONE, TWO)), "new step: deploy app@home"),
        (replace(WAS, steps=()), "no step any more: remove app@home"),
        (replace(WAS, steps=(replace(ONE, needs=("x",)),)), "not the same step: remove app@home"),
        (
            replace(WAS, left_out=(LeftOut(unit=AWAY, reason="cut"),)),
            "app-client@away: left out in another way",
        ),
    ],
)
def test_what_differs_is_named(now: Plan, words: str) -> None:
    (line,) = differences(WAS, now)
    assert line.startswith(words)
    assert differences(now, WAS)


def test_a_danger_that_is_gone_is_named() -> None:
    assert differences(replace(WAS, dangers=("x",)), WAS) == ("no danger any more: x",)


def test_what_was_seen_before_is_not_compared_here() -> None:
    before = replace(WAS.units[0].before, words=("1 task starting",), running=3)
    assert differences(WAS, plan(unit_plan(SERVER, before=before), steps=(ONE,))) == ()


def test_of_several_left_out_the_others_are_not_named() -> None:
    both = (LeftOut(unit=AWAY, reason="cut"), LeftOut(unit=CLIENT, reason="cut"))
    now = replace(WAS, left_out=(both[0], replace(both[1], accepted=True)))
    assert differences(replace(WAS, left_out=both), now) == (
        "app-client@far: left out in another way",
    )


def test_what_is_left_out_in_the_same_way_does_not_differ() -> None:
    was = replace(WAS, left_out=(LeftOut(unit=AWAY, reason="cut"),))
    assert differences(was, replace(WAS, left_out=(LeftOut(unit=AWAY, reason="no power"),))) == ()
