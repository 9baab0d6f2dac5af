from dataclasses import replace

from orchestrator.fleet.presence import Presence
from orchestrator.inventory.model import Inventory
from orchestrator.planning.graph import reachable
from orchestrator.planning.notice import NO_NOTICE, Notice
from orchestrator.planning.plan import Action, Before, Plan, Step, StepKind, UnitPlan
from orchestrator.planning.steps import (
    ANNOUNCED,
    PREPARED,
    STILL_FIT,
    noticed,
    plan_steps,
    restore_steps,
)
from tests.build import CLIENT, DAEMONS, SERVER, inventory, plan, spec, unit_plan

INVENTORY = inventory(
    spec(SERVER, announce=True), spec(CLIENT, SERVER), spec(DAEMONS, SERVER, announce=True)
)
GONE = Before(presence=Presence.GONE)
HALF_HOUR = Notice(minutes=30)


def made(*units: UnitPlan, inv: Inventory = INVENTORY) -> Plan:
    return plan(*units, steps=plan_steps(inv, units))


def by_id(made: Plan) -> dict[str, Step]:
    return {step.id: step for step in made.steps}


def before(made: Plan, kind: StepKind) -> list[Step]:
    """Return the steps of a kind that do not wait for the announcement."""
    needs = {step.id: step.needs for step in made.steps}
    behind = {
        step.id: reachable(needs, frozenset({step.id})) for step in made.steps if step.kind is kind
    }
    return [by_id(made)[name] for name, all_of in behind.items() if ANNOUNCED not in all_of]


def test_whatever_touches_anything_waits_for_the_announcement() -> None:
    other = replace(unit_plan(CLIENT), action=Action.UPDATE)
    done = made(unit_plan(SERVER), other, unit_plan(DAEMONS))
    assert done.announces
    for kind in (StepKind.REMOVE, StepKind.DEPLOY, StepKind.SETTLE):
        assert before(done, kind) == []
    announcing = by_id(done)[ANNOUNCED]
    assert announcing.needs == (PREPARED,)
    assert announcing.reason == "app@home and 1 more will go down"
    assert announcing.site == "home"


def test_nothing_is_announced_that_nobody_misses() -> None:
    for quiet in (
        made(unit_plan(CLIENT)),
        made(replace(unit_plan(SERVER), before=GONE)),
        made(replace(unit_plan(SERVER), action=Action.UPDATE)),
        made(replace(unit_plan(SERVER), action=Action.UP)),
    ):
        assert not quiet.announces
        assert ANNOUNCED not in by_id(quiet)
        assert noticed(quiet, HALF_HOUR) == quiet


def test_a_way_back_within_a_run_announces_nothing_anew() -> None:
    steps = restore_steps(INVENTORY, (unit_plan(SERVER),))
    assert ANNOUNCED not in {step.id for step in steps}


def test_where_notice_is_given_every_site_is_examined_once_more_afterwards() -> None:
    first = made(unit_plan(SERVER), unit_plan(CLIENT))
    done = noticed(first, HALF_HOUR)
    steps = by_id(done)
    assert done.notice == HALF_HOUR
    assert steps[ANNOUNCED].wait_seconds == by_id(first)[ANNOUNCED].wait_seconds + 1800
    assert steps["examine home again"].needs == (ANNOUNCED,)
    assert set(steps[STILL_FIT].needs) == {"examine home again", "examine far again"}
    assert STILL_FIT in steps[f"remove {CLIENT}"].needs
    assert steps[PREPARED].needs == by_id(first)[PREPARED].needs
    assert len(done.steps) == len(steps)


def test_without_notice_only_the_plan_says_how_it_is_announced() -> None:
    first = made(unit_plan(SERVER))
    by_hand = Notice(announced="#outages, by Ada")
    assert noticed(first, by_hand) == replace(first, notice=by_hand)
    assert noticed(first, NO_NOTICE) == first
