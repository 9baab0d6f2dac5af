from dataclasses import replace

import pytest

from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import LABEL_FORMER, LABEL_REVISION, LABEL_RUN
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Action, Before, Command, LeftOut, Plan, StepKind, UnitPlan
from orchestrator.planning.progress import Mark
from orchestrator.planning.restoring import (
    formers,
    not_restored,
    plan_from_labels,
    restore_plan,
    restored_so_far,
    with_dependents_of_now,
    with_preflight,
)
from orchestrator.sources.model import Sourced
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    SHA,
    inventory,
    plan,
    resource,
    running,
    service,
    sight,
    sourced,
    spec,
    unit_plan,
    unseen,
)

OLD = "b" * 40
FORMER = {unit: sourced(unit, sha=OLD) for unit in (SERVER, CLIENT)}
RAN = Before(presence=Presence.PRESENT, services=("web",), revision=OLD)
LEFTOVER = Before(presence=Presence.PRESENT)
GONE = Before(presence=Presence.GONE)
UNKNOWN = Before(presence=Presence.UNKNOWN)


def at(unit: Unit, sha: str, *names: str) -> Sight:
    label = ((LABEL_REVISION, sha),)
    seen = running(unit, *names)
    return replace(seen, services=tuple(replace(s, labels=label) for s in seen.services))


def back(
    *items: UnitPlan,
    former: dict[Unit, Sourced] | None = None,
    **looks: Look,
) -> Plan:
    seen = {"home": sight("home"), "far": sight("far")} | looks
    of = plan(*items, dangers=("x",), unseen=("y",))
    return restore_plan(
        inventory(),
        of,
        looks=seen,
        sourced=FORMER if former is None else former,
        selection="rollback r1",
    )


def client(before: Before, action: Action = Action.RESTART) -> UnitPlan:
    return unit_plan(CLIENT, action, before=before)


def action(before: Before, far: Look, **other: object) -> Action:
    return back(replace(client(before), **other), far=far).unit(CLIENT).action  # type: ignore[arg-type]  # by name


def test_what_ran_and_is_gone_is_brought_up() -> None:
    assert action(RAN, sight()) is Action.UP


def test_what_has_no_service_any_more_is_brought_up_over_what_is_left() -> None:
    """A restart would be refused where something needs it: nothing is there to take from it."""
    assert action(RAN, sight(networks=(resource("net"),))) is Action.UP


def test_what_ran_and_runs_as_before_is_kept() -> None:
    assert action(RAN, at(CLIENT, OLD)) is Action.KEEP


@pytest.mark.parametrize(
    "now",
    [
        at(CLIENT, SHA),
        at(CLIENT, OLD, "other"),
        replace(at(CLIENT, OLD), tasks=()),
        sight(services=(service(),)),
        unseen(),
    ],
    ids=["other-revision", "lacks-a-service", "not-healthy", "no-label", "unseen"],
)
def test_what_ran_and_is_another_now_is_restarted(now: Look) -> None:
    assert action(RAN, now) is Action.RESTART


def test_a_service_more_than_before_is_no_reason_to_restart() -> None:
    assert action(RAN, at(CLIENT, OLD, "web", "worker")) is Action.KEEP


@pytest.mark.parametrize("before", [GONE, LEFTOVER])
def test_what_did_not_run_goes_again(before: Before) -> None:
    assert action(before, at(CLIENT, SHA)) is Action.DOWN
    assert action(before, sight()) is Action.KEEP


def test_what_nobody_saw_before_is_left_as_it_is() -> None:
    assert action(UNKNOWN, at(CLIENT, SHA)) is Action.KEEP


def test_what_the_run_kept_is_kept() -> None:
    assert action(GONE, at(CLIENT, SHA), action=Action.KEEP) is Action.KEEP


def test_what_nobody_knows_the_revision_of_is_left_as_it_is() -> None:
    found = back(client(RAN), former={}, far=at(CLIENT, SHA)).unit(CLIENT)
    assert found.action is Action.KEEP
    assert found.after is None


def both(home: Look, far: Look, former: dict[Unit, Sourced] | None = None) -> dict[Unit, Action]:
    items = (unit_plan(SERVER, before=RAN), client(RAN))
    return {u.unit: u.action for u in back(*items, former=former, home=home, far=far).units}


def test_what_runs_as_before_goes_down_with_a_server_that_has_to() -> None:
    assert both(at(SERVER, SHA), at(CLIENT, OLD)) == {
        SERVER: Action.RESTART,
        CLIENT: Action.RESTART,
    }


def test_what_is_left_of_a_client_goes_before_the_server_that_it_depends_on() -> None:
    """Else the server's removal would be refused: something of what depends on it is there."""
    left = sight(networks=(resource("net"),))
    assert both(at(SERVER, SHA), left)[CLIENT] is Action.RESTART
    assert both(at(SERVER, OLD), left) == {SERVER: Action.KEEP, CLIENT: Action.UP}


def test_nothing_is_taken_down_that_nobody_knows_how_to_bring_back() -> None:
    only = {SERVER: FORMER[SERVER]}
    kept = {SERVER: Action.KEEP, CLIENT: Action.KEEP}
    assert both(at(SERVER, SHA), at(CLIENT, SHA), only) == kept
    gone = {SERVER: Action.RESTART, CLIENT: Action.KEEP}
    assert both(at(SERVER, SHA), sight(), only) == gone


def test_what_was_not_there_before_stays_where_something_that_ran_needs_it_by_now() -> None:
    new = unit_plan(SERVER, before=GONE)
    kept = unit_plan(CLIENT, Action.KEEP, before=RAN)
    found = back(new, kept, former=FORMER, home=at(SERVER, SHA), far=at(CLIENT, OLD))
    assert [item.action for item in found.units] == [Action.KEEP, Action.KEEP]
    found = back(new, kept, former=FORMER, home=at(SERVER, SHA), far=sight())
    assert [item.action for item in found.units] == [Action.DOWN, Action.KEEP]


def left(*items: UnitPlan, far: Look, accepted: bool = False) -> dict[Unit, Unit]:
    only = {SERVER: FORMER[SERVER]}
    out = (LeftOut(unit=CLIENT, reason="cut", accepted=True),) if accepted else ()
    looks = {"home": at(SERVER, SHA), "far": far}
    return dict(not_restored(inventory(), plan(*items, left_out=out), looks=looks, sourced=only))


def test_what_is_left_as_it_is_is_told_with_what_would_be_lost() -> None:
    server = unit_plan(SERVER, before=RAN)
    assert left(server, far=at(CLIENT, SHA)) == {SERVER: CLIENT}
    assert left(server, far=sight()) == {}
    assert left(server, far=unseen("far")) == {SERVER: CLIENT}


def test_what_was_accepted_as_unknown_is_in_nobodys_way_until_it_is_seen() -> None:
    server = unit_plan(SERVER, before=RAN)
    assert left(server, far=unseen("far"), accepted=True) == {}
    assert left(server, far=at(CLIENT, SHA), accepted=True) == {SERVER: CLIENT}


def test_what_the_run_had_kept_goes_down_and_up_with_what_it_depends_on() -> None:
    kept = unit_plan(CLIENT, Action.KEEP, before=RAN)
    items = (unit_plan(SERVER, Action.UP, before=RAN), kept)
    found = back(*items, former=FORMER, home=at(SERVER, SHA), far=at(CLIENT, OLD))
    assert [item.action for item in found.units] == [Action.RESTART, Action.RESTART]


def test_nothing_goes_down_with_a_server_that_only_comes_up() -> None:
    assert both(sight("home"), at(CLIENT, OLD)) == {SERVER: Action.UP, CLIENT: Action.KEEP}


def test_where_nobody_looked_nothing_is_taken_to_run() -> None:
    found = restore_plan(
        inventory(),
        plan(unit_plan(SERVER, before=RAN)),
        looks={"home": at(SERVER, SHA)},
        sourced={SERVER: FORMER[SERVER]},
        selection="x",
    )
    assert found.unit(SERVER).action is Action.RESTART


def test_what_cannot_be_seen_goes_down_with_the_server_too() -> None:
    """It may run: the guard will refuse the server otherwise, or wait for the site."""
    items = (unit_plan(SERVER, before=RAN), client(UNKNOWN))
    found = back(*items, former=FORMER, home=at(SERVER, SHA), far=unseen("far"))
    assert found.unit(CLIENT).action is Action.RESTART


def test_the_way_back_is_a_plan_of_its_own() -> None:
    found = back(unit_plan(SERVER, before=RAN), client(RAN), home=at(SERVER, OLD), far=sight())
    assert found.command is Command.ROLLBACK
    assert found.selection == "rollback r1"
    assert found.revisions == (Revision(repo="app", sha=OLD),)
    assert (found.dangers, found.unseen) == ((), ())
    up, kept = found.unit(CLIENT), found.unit(SERVER)
    assert up.after == Revision(repo="app", sha=OLD)
    assert (up.reason, up.services) == ("back to what ran before", ("web",))
    assert (up.remove_seconds, up.healthy_seconds) == (0.0, 120.0)
    assert up.before.presence is Presence.GONE
    assert (kept.reason, kept.after) == ("as it was before", None)
    assert [(s.id, s.needs) for s in found.steps] == [
        ("prepare far", ()),
        (f"deploy {CLIENT}", ("prepare far",)),
        (f"settle {CLIENT}", (f"deploy {CLIENT}",)),
    ]


def test_no_gate_over_all_sites_keeps_one_from_coming_back() -> None:
    """A site that cannot be reached must not keep the others down."""
    found = back(
        unit_plan(SERVER, before=RAN), client(RAN), home=at(SERVER, SHA), far=at(CLIENT, SHA)
    )
    assert not any(step.kind in (StepKind.GATE, StepKind.EXAMINE) for step in found.steps)
    needs = {step.id: step.needs for step in found.steps}
    assert needs[f"remove {CLIENT}"] == ("prepare far",)
    assert needs[f"remove {SERVER}"] == ("prepare home", f"remove {CLIENT}")
    assert needs[f"deploy {SERVER}"] == ("prepare home", f"remove {SERVER}")
    assert needs[f"deploy {CLIENT}"] == ("prepare far", f"remove {CLIENT}", f"deploy {SERVER}")
    assert needs["prepare far"] == ()
    assert found.unit(CLIENT).remove_seconds == 40.0


def test_what_only_goes_down_waits_for_no_preparation() -> None:
    found = back(client(GONE), far=at(CLIENT, SHA))
    assert [(step.id, step.needs) for step in found.steps] == [(f"remove {CLIENT}", ())]


# What ran before


def test_what_ran_at_a_known_revision_can_be_brought_back() -> None:
    inv = replace(
        inventory(),
        units=tuple(
            spec(s.unit, *s.depends_on, repo="other") if s.unit == CLIENT else s
            for s in inventory().units
        ),
    )
    found = formers(inv, plan(client(RAN)))
    assert found.revisions == {CLIENT: Revision(repo="other", sha=OLD)}
    assert found.unknown == ()


def test_of_what_ran_without_a_label_or_with_several_nobody_knows() -> None:
    items = (
        client(replace(RAN, revision="")),
        unit_plan(SERVER, before=replace(RAN, revision="mixed")),
        unit_plan(DAEMONS, before=GONE),
        unit_plan(HOME_CLIENT, Action.KEEP, before=replace(RAN, revision="")),
    )
    found = formers(inventory(), plan(*items))
    assert found.revisions == {}
    assert found.unknown == (CLIENT, SERVER)


# How far a way back has come


def so_far(before: Before, far: Look, action: Action = Action.RESTART) -> list[tuple[Mark, str]]:
    found = restored_so_far(inventory(), plan(client(before, action)), {"far": far})
    assert all(item.unit == CLIENT and item.done == frozenset() for item in found)
    return [(item.mark, item.words) for item in found]


def test_what_runs_as_before_is_back() -> None:
    assert so_far(RAN, at(CLIENT, OLD)) == [(Mark.DONE, "back at what ran before")]
    todo = [(Mark.TODO, "to be brought back to what ran before")]
    assert so_far(RAN, at(CLIENT, SHA)) == todo
    assert so_far(RAN, sight()) == todo


@pytest.mark.parametrize("before", [GONE, LEFTOVER])
def test_what_did_not_run_before_is_to_go(before: Before) -> None:
    assert so_far(before, sight()) == [(Mark.DONE, "gone, as before")]
    assert so_far(before, at(CLIENT, SHA)) == [(Mark.TODO, "to be taken down again")]


def test_of_what_cannot_be_seen_or_ran_at_no_known_revision_nobody_knows() -> None:
    assert so_far(RAN, unseen()) == [(Mark.UNKNOWN, "cannot be seen")]
    for revision in ("", "mixed"):
        found = so_far(replace(RAN, revision=revision), at(CLIENT, OLD))
        assert found == [(Mark.UNKNOWN, "nobody knows at which revision it ran")]


def test_what_the_run_kept_has_no_way_back() -> None:
    assert so_far(RAN, sight(), Action.KEEP) == []


# Undoing a run that left no record, by what services say of themselves


def by(run: str, unit: Unit, former: str = OLD, sha: str = SHA) -> Sight:
    labels = ((LABEL_RUN, run), (LABEL_REVISION, sha), (LABEL_FORMER, former))
    seen = running(unit)
    return replace(seen, services=tuple(replace(s, labels=labels) for s in seen.services))


def made_up(home: Look, far: Look, inv: Inventory | None = None) -> Plan | None:
    return plan_from_labels(inv or inventory(), "r1", {"home": home, "far": far})


def test_a_plan_is_made_up_of_what_that_run_deployed() -> None:
    found = made_up(by("r1", SERVER), by("r1", CLIENT, former="gone"))
    assert found is not None
    assert (found.selection, found.coordinator, found.steps) == ("run r1", "home", ())
    server, away = found.units
    assert (server.unit, server.action) == (SERVER, Action.RESTART)
    assert server.before.revision == OLD
    assert server.before.services == ("web",)
    assert server.before.presence is Presence.PRESENT
    assert server.dependents == (CLIENT, HOME_CLIENT, DAEMONS)
    assert server.compose == "stacks/app.yaml"
    assert (away.unit, away.before, away.dependencies) == (CLIENT, GONE, (SERVER,))


def test_what_another_run_deployed_is_not_in_it() -> None:
    found = made_up(by("r0", SERVER), by("r1", CLIENT))
    assert found is not None
    assert [item.unit for item in found.units] == [CLIENT]


def test_without_a_trace_there_is_no_plan() -> None:
    assert made_up(by("r0", SERVER), sight()) is None
    assert made_up(by("r0", SERVER), unseen()) is None
    watched = inventory(states={"far": SiteState.WATCHED})
    assert made_up(sight("home"), by("r1", CLIENT), watched) is None


def test_what_depends_on_it_now_goes_down_and_comes_up_with_it_as_it_is() -> None:
    of = plan(unit_plan(SERVER, before=RAN))
    looks: dict[str, Look] = {"home": at(SERVER, SHA), "far": at(CLIENT, SHA)}
    found = with_dependents_of_now(inventory(), of, looks)
    assert [item.unit for item in found.units] == [SERVER, CLIENT]
    assert found.unit(CLIENT).before.revision == SHA
    # The daemons and the client at home are gone, and stay so.
    assert with_dependents_of_now(inventory(), of, looks | {"far": sight("far")}) == of


def test_what_the_run_itself_acted_on_is_not_added_again_and_what_it_kept_is() -> None:
    looks: dict[str, Look] = {"home": at(SERVER, SHA), "far": at(CLIENT, SHA)}
    acted = plan(unit_plan(SERVER, before=RAN), client(RAN))
    assert with_dependents_of_now(inventory(), acted, looks) == acted
    kept = plan(unit_plan(SERVER, before=RAN), client(RAN, Action.KEEP))
    found = with_dependents_of_now(inventory(), kept, looks)
    assert [(i.unit, i.action) for i in found.units] == [
        (SERVER, Action.RESTART),
        (CLIENT, Action.RESTART),
    ]


def test_a_watched_site_is_not_drawn_in() -> None:
    of = plan(unit_plan(SERVER, before=RAN))
    watched = inventory(states={"far": SiteState.WATCHED})
    looks: dict[str, Look] = {"home": at(SERVER, SHA), "far": at(CLIENT, SHA)}
    assert with_dependents_of_now(watched, of, looks) == of


def test_a_way_back_of_its_own_is_examined_before_it_acts() -> None:
    found = with_preflight(inventory(), back(client(RAN), far=sight()))
    assert found.steps[0].kind is StepKind.EXAMINE
    assert {step.kind for step in found.steps} >= {StepKind.GATE, StepKind.DEPLOY}


def test_what_was_changed_in_place_is_changed_back_in_place() -> None:
    item = client(RAN, Action.UPDATE)
    other = at(CLIENT, SHA)
    assert back(item, far=other).unit(CLIENT).action is Action.UPDATE
    assert back(item, far=at(CLIENT, OLD)).unit(CLIENT).action is Action.KEEP
    assert back(item, far=sight("far")).unit(CLIENT).action is Action.UP
