from dataclasses import replace

import pytest

from orchestrator.fleet.desired import Probe, TcpProbe
from orchestrator.fleet.observed import Look, Sight, TaskState
from orchestrator.fleet.running import LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, Step, StepKind, UnitPlan
from orchestrator.planning.progress import (
    NOTHING,
    Believed,
    Mark,
    Progress,
    UnitProgress,
    at_sites_away,
    deployed_badly,
    not_back,
    progress,
    rest_of,
    which_way,
)
from tests.build import (
    CLIENT,
    SERVER,
    info,
    inventory,
    plan,
    running,
    service,
    sight,
    task,
    unit_plan,
    unseen,
)

REMOVE, DEPLOY, SETTLE = (f"{kind} {CLIENT}" for kind in ("remove", "deploy", "settle"))
EVERYTHING = frozenset({REMOVE, DEPLOY, SETTLE})
GONE = frozenset({REMOVE})
KINDS = {
    "examine far": StepKind.EXAMINE,
    "gate": StepKind.GATE,
    "prepare far": StepKind.PREPARE,
    "announce": StepKind.ANNOUNCE,
    REMOVE: StepKind.REMOVE,
    DEPLOY: StepKind.DEPLOY,
    SETTLE: StepKind.SETTLE,
}
STEPS = tuple(Step(id=name, kind=kind, site="far") for name, kind in KINDS.items())
RESTART = unit_plan(CLIENT)
TWO = replace(RESTART, services=("web", "worker"))
TWO_RAN = replace(RESTART, before=replace(RESTART.before, services=("web", "worker")))


def ours(*names: str, run: str = "r1") -> Sight:
    label = ((LABEL_RUN, run),)
    return sight(services=tuple(service(name, labels=label) for name in names))


def judged(
    look: Look,
    item: UnitPlan = RESTART,
    *,
    recorded: frozenset[str] = EVERYTHING,
    touched: bool = True,
    steps: tuple[Step, ...] = STEPS,
    announced: bool = True,
    believed: Believed = NOTHING,
) -> Progress:
    of: Plan = plan(item, steps=steps)
    return progress(
        of,
        "r1",
        {"far": look},
        recorded=recorded,
        touched=touched,
        announced=announced,
        believed=believed,
    )


def unit(
    look: Look,
    item: UnitPlan = RESTART,
    recorded: frozenset[str] = EVERYTHING,
    believed: Believed = NOTHING,
) -> UnitProgress:
    return judged(look, item, recorded=recorded, believed=believed).units[0]


def test_nothing_counts_as_done_before_anything_was_touched() -> None:
    """Preflight and preparation are repeated: the fleet may be another by now."""
    assert judged(running(CLIENT), touched=False).done == frozenset()
    assert judged(unseen(), touched=False).done == frozenset()


EARLY = {"examine far", "gate", "prepare far", "announce"}
SIGNED = Believed(labels=True, done=EVERYTHING)


@pytest.mark.parametrize(
    ("look", "item"),
    [(ours("web"), RESTART), (sight(), RESTART), (running(CLIENT, "web"), TWO_RAN)],
)
def test_once_something_is_seen_touched_preflight_and_preparation_had_passed(
    look: Look, item: UnitPlan
) -> None:
    far = judged(look, item, recorded=frozenset())
    assert far.done & EARLY == EARLY
    assert far.touched


def test_that_something_was_touched_is_not_believed_of_a_label_alone() -> None:
    """Anybody who writes configs there could skip preflight and the announcement by it."""
    far = judged(running(CLIENT))
    assert far.done & EARLY == set()
    assert not far.touched
    signed = judged(running(CLIENT), believed=SIGNED)
    assert signed.done & EARLY == EARLY
    assert signed.touched


@pytest.mark.parametrize("dark", [unseen(), sight(info=info(error="no leader"))])
def test_where_a_site_is_out_of_sight_preflight_begins_anew_and_nothing_is_denied(
    dark: Look,
) -> None:
    far = judged(dark)
    assert far.done & EARLY == set()
    assert far.touched
    assert not judged(dark, touched=False).touched


def test_an_announcement_counts_with_its_receipt_only() -> None:
    far = judged(ours("web"), announced=False)
    assert far.done & EARLY == EARLY - {"announce"}


def test_that_all_is_prepared_is_not_believed_of_a_label_alone() -> None:
    prepared = frozenset({"prepare far"})
    known = Believed(done=prepared)
    assert judged(running(CLIENT), recorded=prepared, touched=False).done == set()
    assert (
        judged(running(CLIENT), recorded=prepared, touched=False, believed=known).done == prepared
    )


def test_what_was_recorded_but_is_not_seen_is_not_done() -> None:
    """The Swarm is the truth, the record is memory."""
    assert unit(running(CLIENT)).done == frozenset()
    assert unit(running(CLIENT)).mark is Mark.TODO
    assert unit(running(CLIENT)).words == "still there, to be removed"


def test_what_is_seen_gone_is_removed_whatever_was_recorded() -> None:
    found = unit(sight(), recorded=frozenset())
    assert (found.done, found.mark) == (GONE, Mark.TODO)
    assert found.words == "gone, to be deployed"


def test_a_unit_that_runs_under_this_runs_label_had_been_removed_before() -> None:
    found = unit(ours("web"), TWO, frozenset())
    assert (found.done, found.mark) == (GONE, Mark.TODO)
    assert found.words == "deploy begun, to be finished"


def test_a_deploy_is_done_when_it_was_recorded_and_all_of_it_is_there() -> None:
    assert unit(ours("web", "worker"), TWO, frozenset({DEPLOY})).done == {REMOVE, DEPLOY}
    assert unit(ours("web"), TWO, frozenset({DEPLOY})).done == {REMOVE}
    assert unit(ours("web", "worker"), TWO, frozenset()).done == {REMOVE}
    assert unit(ours("web", "worker", run="r0"), TWO, frozenset({DEPLOY})).done == frozenset()
    assert unit(ours("web", "worker", "extra"), TWO, frozenset({DEPLOY})).done == {REMOVE, DEPLOY}


def test_it_is_all_done_once_it_was_seen_to_settle() -> None:
    found = unit(ours("web"))
    assert (found.done, found.mark, found.words) == (EVERYTHING, Mark.DONE, "deployed")
    watching = unit(ours("web"), recorded=frozenset({REMOVE, DEPLOY}))
    assert (watching.mark, watching.words) == (Mark.TODO, "deployed, to be watched")


def test_having_settled_counts_for_nothing_once_the_deploy_is_gone() -> None:
    assert unit(sight()).done == {REMOVE}


DOWN = unit_plan(CLIENT, Action.DOWN, services=())
UP = unit_plan(CLIENT, Action.UP)


def test_what_is_only_taken_down_is_done_when_it_is_gone() -> None:
    found = unit(sight(), DOWN, frozenset())
    assert (found.done, found.mark, found.words) == (GONE, Mark.DONE, "gone")


def test_what_this_run_may_have_deployed_before_is_still_to_be_taken_down() -> None:
    """A stack with this run's label that is to go down: a run does not do both, somebody did."""
    assert unit(ours("web"), DOWN, frozenset()).done == frozenset()


def test_what_is_only_brought_up_has_no_removal() -> None:
    assert unit(sight(), UP, frozenset()).words == "gone, to be deployed"
    assert unit(running(CLIENT), UP, frozenset()).words == "to be deployed"
    assert unit(ours("web"), UP, frozenset({DEPLOY, SETTLE})).mark is Mark.DONE
    steps = tuple(step for step in STEPS if step.id != REMOVE)
    assert REMOVE not in judged(sight(), UP, steps=steps).done


@pytest.mark.parametrize(
    "dark",
    [
        unseen(),
        sight(info=info(error="no leader")),
        replace(ours("web"), info=info(node_state="locked")),
    ],
)
def test_of_a_site_out_of_sight_only_a_removal_that_something_vouches_for_is_believed(
    dark: Look,
) -> None:
    alone = unit(dark)
    assert (alone.done, alone.words) == (frozenset(), "cannot be seen")
    found = unit(dark, believed=SIGNED)
    assert found.unit == CLIENT
    assert (found.done, found.mark) == (GONE, Mark.UNKNOWN)
    assert found.words == "cannot be seen, was seen gone"
    never = unit(dark, recorded=frozenset({DEPLOY}), believed=SIGNED)
    assert (never.done, never.mark, never.words) == (frozenset(), Mark.UNKNOWN, "cannot be seen")


def test_what_is_kept_has_no_progress() -> None:
    assert judged(sight(), unit_plan(CLIENT, Action.KEEP)).units == ()


def test_every_unit_is_judged_by_its_own_site() -> None:
    of = plan(unit_plan(SERVER), RESTART, steps=STEPS)
    far = progress(
        of,
        "r1",
        {"home": running(SERVER), "far": sight()},
        recorded=set(),
        touched=True,
        announced=True,
    )
    assert [(u.unit, u.done) for u in far.units] == [(SERVER, frozenset()), (CLIENT, {REMOVE})]
    assert REMOVE in far.done


# What has to go down again


def together(home: Look, far: Look, *items: UnitPlan) -> dict[Unit, UnitProgress]:
    items = items or (unit_plan(SERVER), RESTART)
    recorded = {f"{kind} {u}" for kind in ("remove", "deploy", "settle") for u in (SERVER, CLIENT)}
    found = progress(
        plan(*items, steps=STEPS),
        "r1",
        {"home": home, "far": far},
        recorded=recorded,
        touched=True,
        announced=True,
    )
    return {item.unit: item for item in found.units}


BY_HAND = running(SERVER)


def test_what_this_run_deployed_goes_down_again_with_what_somebody_deployed_by_hand() -> None:
    """It would keep it up for ever."""
    client = together(BY_HAND, ours("web"))[CLIENT]
    assert client == UnitProgress(
        unit=CLIENT,
        mark=Mark.TODO,
        words="to go down again with what it needs",
        done=frozenset(),
    )


def test_what_is_gone_need_not_go_again() -> None:
    assert together(BY_HAND, sight())[CLIENT].done == GONE


def test_what_was_never_to_go_stays() -> None:
    found = together(BY_HAND, ours("web"), unit_plan(SERVER), UP)
    assert found[CLIENT].mark is Mark.DONE
    up = unit_plan(SERVER, Action.UP)
    assert together(BY_HAND, ours("web"), up, RESTART)[CLIENT].mark is Mark.DONE


def test_what_has_to_go_for_the_first_time_is_told_so() -> None:
    assert together(BY_HAND, running(CLIENT))[CLIENT].words == "still there, to be removed"


def test_what_stands_on_what_this_run_took_down_stays() -> None:
    assert together(sight("home"), ours("web"))[CLIENT].mark is Mark.DONE


# What a run that is given up leaves behind


def left_by(
    item: UnitPlan, look: Look, *recorded: str, probes: tuple[Probe, ...] = ()
) -> tuple[Unit, ...]:
    specs = tuple(
        replace(each, probes=probes) if each.unit == CLIENT else each for each in inventory().units
    )
    declared = replace(inventory(), units=specs)
    looks = {"far": look}
    return not_back(declared, plan(item), looks, "r1", recorded=frozenset(recorded))


@pytest.mark.parametrize(
    ("now", "up"),
    [
        (running(CLIENT), True),
        (running(CLIENT, "web", "more"), True),
        (running(CLIENT, "worker"), False),
        (replace(running(CLIENT), tasks=()), False),
        (sight(), False),
        (unseen(), False),
    ],
)
def test_what_is_not_up_and_well_is_left(now: Look, *, up: bool) -> None:
    for item in (RESTART, UP):
        assert left_by(item, now) == (() if up else (CLIENT,))


def test_what_has_probes_and_was_never_seen_healthy_is_left_though_its_tasks_run() -> None:
    probe = TcpProbe(name="api", host="h", port=1)
    label = ((LABEL_RUN, "r1"),)
    before = running(CLIENT)
    services = tuple(replace(service, labels=label) for service in before.services)
    begun = replace(before, services=services)
    for item in (RESTART, UP):
        assert left_by(item, begun, probes=(probe,)) == (CLIENT,)
        assert left_by(item, begun, DEPLOY, probes=(probe,)) == ()
        assert left_by(item, begun) == ()
        # It runs as it did before: the run never came to it.
        assert left_by(item, running(CLIENT), probes=(probe,)) == ()


def test_what_ran_before_is_what_must_run_again() -> None:
    """A half-way run may have been going to another set of services."""
    assert left_by(TWO, running(CLIENT)) == ()
    never = replace(TWO, before=replace(TWO.before, services=()))
    assert left_by(never, running(CLIENT)) == (CLIENT,)


def test_what_was_to_go_or_was_kept_is_not_missed() -> None:
    kept = unit_plan(CLIENT, Action.KEEP)
    for item in (DOWN, kept):
        assert left_by(item, sight()) == ()


def test_what_is_changed_in_place_is_updated_and_never_gone() -> None:
    item = replace(RESTART, action=Action.UPDATE)
    before = unit(running(CLIENT), item, frozenset())
    assert (before.mark, before.words) == (Mark.TODO, "to be updated")
    after = unit(ours("web"), item)
    assert (after.mark, after.words) == (Mark.DONE, "deployed")


def test_what_a_resume_has_still_to_do_needs_only_what_is_not_done() -> None:
    steps = (
        Step(id="examine far", kind=StepKind.EXAMINE, site="far"),
        Step(id=REMOVE, kind=StepKind.REMOVE, site="far", unit=CLIENT, needs=("examine far",)),
        Step(id=DEPLOY, kind=StepKind.DEPLOY, site="far", unit=CLIENT, needs=(REMOVE,)),
    )
    rest = rest_of(plan(RESTART, steps=steps), frozenset({"examine far", REMOVE}))
    assert [(s.id, s.needs) for s in rest.steps] == [(DEPLOY, ())]


def away_words(*kinds: StepKind) -> str:
    steps = tuple(Step(id=k.value, kind=k, site="far", unit=CLIENT) for k in kinds)
    looks: dict[str, Look] = {
        "far": unseen(),
        "home": sight("home"),
        "other": unseen("other"),
    }
    (words,) = at_sites_away(plan(RESTART, steps=steps), looks)
    return words


def test_it_is_said_what_becomes_of_a_site_that_is_away() -> None:
    assert away_words(StepKind.EXAMINE, StepKind.REMOVE).endswith(
        "nothing is touched before preflight has seen it"
    )
    assert away_words(StepKind.DEPLOY).endswith(
        f"{CLIENT} becomes owed, and the run ends without it"
    )
    assert away_words(StepKind.SETTLE).endswith(
        "what is there becomes owed, and the run ends without it"
    )
    assert away_words(StepKind.REMOVE, StepKind.DEPLOY).endswith(
        f"whether {CLIENT} is gone: what it needs stays as it is"
    )


def test_whether_to_go_on_or_back_follows_from_what_runs() -> None:
    fresh = which_way((), touched=False)
    assert fresh[0].startswith("resume: nothing was touched")
    assert which_way((), touched=True)[0].startswith("resume: all that this run deployed")
    bad = which_way((CLIENT,), touched=True)
    assert str(CLIENT) in bad[0]
    assert bad[1].startswith("rollback, if the new revision is to blame")


def test_what_a_run_deployed_and_is_unhealthy_is_found() -> None:
    of = plan(RESTART)
    well = running(CLIENT)
    labelled = tuple(replace(s, labels=((LABEL_RUN, "r1"),)) for s in well.services)
    assert deployed_badly(inventory(), of, {"far": unseen()}, "r1") == ()
    assert deployed_badly(inventory(), of, {"far": ours("web", run="r2")}, "r1") == ()
    assert deployed_badly(inventory(), of, {"far": broken()}, "r1") == (CLIENT,)
    assert deployed_badly(inventory(), of, {"far": replace(well, services=labelled)}, "r1") == ()


def broken() -> Sight:
    """Return a look at the client, deployed by this run, with a task that no node took."""
    rejected = task(
        state=TaskState.REJECTED, desired=TaskState.SHUTDOWN, error="No such image: app:1"
    )
    return replace(ours("web"), tasks=(rejected,))
