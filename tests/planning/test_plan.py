from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ExitCode, RefusedError, UsageError
from orchestrator.fleet.desired import Policy, PublishedPort
from orchestrator.fleet.observed import Fact, Look, Sight, TaskState
from orchestrator.fleet.running import LABEL_REVISION
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.fleet.usage import Use
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Action, Command, Plan, StepKind
from orchestrator.planning.planner import make_plan
from orchestrator.planning.scope import make_scope
from orchestrator.planning.selection import Request, select
from orchestrator.planning.sharing import with_uses
from orchestrator.planning.steps import ANNOUNCED, PREPARED, step_waves
from orchestrator.sources.model import Sourced
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    SHA,
    inventory,
    resource,
    running,
    service,
    sight,
    sourced,
    spec,
    task,
    unseen,
    wanted,
)

ALL = Request(everything=True)
PINS = {"app": Revision(repo="app", sha=SHA)}


def home(*units: Unit) -> Sight:
    parts = [running(unit) for unit in units]
    return sight(
        "home",
        services=tuple(s for part in parts for s in part.services),
        tasks=tuple(t for part in parts for t in part.tasks),
    )


def fleet() -> dict[str, Look]:
    return {"home": home(SERVER, DAEMONS, HOME_CLIENT), "far": running(CLIENT)}


def planned(
    command: Command,
    request: Request,
    looks: dict[str, Look] | None = None,
    inv: Inventory | None = None,
    read: Mapping[Unit, Sourced] | None = None,
) -> Plan:
    inv = inv or inventory()
    looks = looks or fleet()
    pins = {} if command is Command.DOWN else PINS
    scope = make_scope(inv, command, request, looks, pins)
    sources = {unit: (read or {}).get(unit, sourced(unit)) for unit in scope.to_read}
    return make_plan(
        inv, command=command, request=request, scope=scope, looks=looks, sourced=sources
    )


def actions(plan: Plan) -> dict[str, str]:
    return {str(unit.unit): unit.action.value for unit in plan.units}


def needs(plan: Plan, name: str) -> set[str]:
    return {step.id: set(step.needs) for step in plan.steps}[name]


def test_restart_all_takes_everything_down_before_the_server_and_up_after_it() -> None:
    plan = planned(Command.RESTART, ALL)
    down = {f"remove {unit}" for unit in (DAEMONS, HOME_CLIENT, CLIENT)}
    assert needs(plan, f"remove {SERVER}") == {ANNOUNCED} | down
    assert needs(plan, f"deploy {CLIENT}") == {f"remove {CLIENT}", f"deploy {SERVER}"}


def test_nothing_is_removed_before_every_site_is_examined_and_prepared() -> None:
    plan = planned(Command.RESTART, ALL)
    by_id = {step.id: step for step in plan.steps}
    for step in plan.steps:
        if step.kind is StepKind.REMOVE:
            assert ANNOUNCED in step.needs
    assert by_id[ANNOUNCED].needs == (PREPARED,)
    assert set(by_id[PREPARED].needs) >= {"prepare home", "prepare far"}


def test_waves_read_as_the_handbook_would_have_it() -> None:
    groups = [
        {step.id for step in wave if step.kind in (StepKind.REMOVE, StepKind.DEPLOY)}
        for wave in step_waves(planned(Command.RESTART, ALL).steps)
    ]
    kept = [group for group in groups if group]
    others = (DAEMONS, HOME_CLIENT, CLIENT)
    assert kept == [
        {f"remove {unit}" for unit in others},
        {f"remove {SERVER}"},
        {f"deploy {SERVER}"},
        {f"deploy {unit}" for unit in others},
    ]


def test_restarting_the_server_drags_in_all_that_depends_on_it_and_says_why() -> None:
    plan = planned(Command.RESTART, Request(stacks=("app",)))
    assert set(actions(plan)) == {str(u) for u in (SERVER, DAEMONS, HOME_CLIENT, CLIENT)}
    assert plan.unit(CLIENT).reason == "depends on app@home"
    assert plan.unit(SERVER).reason == "selected by --stack app"


def test_down_of_the_server_drags_in_its_dependents_and_needs_no_sources() -> None:
    plan = planned(Command.DOWN, Request(units=(str(SERVER),)))
    assert set(actions(plan).values()) == {"down"}
    assert len(plan.units) == 4
    assert not any(step.kind in (StepKind.DEPLOY, StepKind.PREPARE) for step in plan.steps)


def test_restarting_one_site_touches_only_that_site() -> None:
    plan = planned(Command.RESTART, Request(sites=("far",)))
    assert actions(plan) == {str(CLIENT): "restart"}
    touching = {s.site for s in plan.steps if s.kind not in (StepKind.GATE, StepKind.EXAMINE)}
    assert touching == {"far"}
    assert {s.site for s in plan.steps if s.kind is StepKind.EXAMINE} == {"home", "far"}


def test_a_dependent_that_is_gone_already_is_not_brought_up_by_a_restart_of_the_server() -> None:
    looks: dict[str, Look] = {**fleet(), "far": sight("far")}
    plan = planned(Command.RESTART, Request(stacks=("app",)), looks)
    assert str(CLIENT) not in actions(plan)
    assert any(item.name == str(CLIENT) and "gone" in item.reason for item in plan.untouched)


def test_a_dependent_that_cannot_be_seen_is_dragged_in_and_marked() -> None:
    looks: dict[str, Look] = {**fleet(), "far": unseen("far")}
    plan = planned(Command.RESTART, Request(stacks=("app",)), looks)
    assert "cannot be seen now" in plan.unit(CLIENT).dangers[0]
    assert plan.unseen == ("far: timed out",)


def test_a_site_the_plan_has_nothing_to_do_with_may_be_out_of_sight() -> None:
    inv = inventory(spec(Unit(stack="app-client", site="away"), SERVER), extra_sites=("away",))
    looks: dict[str, Look] = {**fleet(), "away": unseen("away")}
    assert planned(Command.RESTART, Request(sites=("far",)), looks, inv).unseen == ()
    assert planned(Command.RESTART, ALL, looks, inv).unseen == ("away: timed out",)


def test_up_leaves_alone_what_is_healthy_at_the_same_revision() -> None:
    label = ((LABEL_REVISION, SHA),)
    at_pin = replace(running(CLIENT), services=(service(labels=label),))
    plan = planned(Command.UP, Request(sites=("far",)), {**fleet(), "far": at_pin})
    assert plan.unit(CLIENT).action is Action.KEEP
    assert plan.steps == ()
    assert not plan.changes


def test_up_leaves_alone_what_is_healthy_at_another_revision_and_says_so() -> None:
    """Deploying over it would restart it under what depends on it; a restart is the way."""
    plan = planned(Command.UP, ALL)
    assert not plan.changes
    assert "a restart would bring it there" in plan.unit(SERVER).reason


def test_up_leaves_alone_what_has_finished_and_says_so() -> None:
    once = (Fact("restart", "condition", "none"),)
    labels = ((LABEL_REVISION, SHA),)
    ended = task(state=TaskState.COMPLETE, desired=TaskState.SHUTDOWN)
    there = sight(services=(service(facts=once, labels=labels),), tasks=(ended,))
    plan = planned(Command.UP, Request(sites=("far",)), {**fleet(), "far": there})
    item = plan.unit(CLIENT)
    assert (item.action, item.reason) == (Action.KEEP, "selected by --site far; finished already")
    assert (item.before.running, item.before.expected) == (0, 0)
    assert item.before.finished == ("web",)


def test_up_does_not_take_half_a_deploy_for_a_healthy_unit() -> None:
    base = inventory()
    units = tuple(
        spec(CLIENT, SERVER, must_have=("web", "worker")) if s.unit == CLIENT else s
        for s in base.units
    )
    plan = planned(Command.UP, Request(sites=("far",)), None, replace(base, units=units))
    assert plan.unit(CLIENT).action is Action.UP


def test_up_drags_in_what_is_needed_and_not_healthy() -> None:
    looks: dict[str, Look] = {"home": sight("home"), "far": sight("far")}
    plan = planned(Command.UP, Request(units=(str(CLIENT),)), looks)
    assert actions(plan) == {str(SERVER): "up", str(CLIENT): "up"}
    assert plan.unit(SERVER).reason == "needed by app-client@far"
    assert needs(plan, f"deploy {CLIENT}") == {PREPARED, f"deploy {SERVER}"}


def test_planned_sites_are_shown_and_not_contacted() -> None:
    inv = inventory(states={"far": SiteState.PLANNED})
    plan = planned(Command.RESTART, ALL, {"home": home(SERVER)}, inv)
    assert str(CLIENT) not in actions(plan)
    assert not any(step.site == "far" for step in plan.steps)
    assert any(item.name == "far" for item in plan.untouched)


def test_watched_sites_are_examined_and_never_changed() -> None:
    inv = inventory(states={"far": SiteState.WATCHED})
    plan = planned(Command.RESTART, ALL, None, inv)
    assert {step.kind for step in plan.steps if step.site == "far"} == {StepKind.EXAMINE}
    assert any("is watched" in danger for danger in plan.dangers)


@pytest.mark.parametrize("state", [SiteState.WATCHED, SiteState.PLANNED])
def test_asking_for_a_site_that_is_not_ours_is_refused(state: SiteState) -> None:
    with pytest.raises(RefusedError) as refused:
        select(inventory(states={"far": state}), Request(sites=("far",)))
    assert refused.value.exit_code is ExitCode.SAFETY_REFUSED
    assert "sites.yaml:2:3" in refused.value.problems[0].fix


@pytest.mark.parametrize(
    ("request_", "fix"),
    [
        (Request(sites=("fra",)), "did you mean far?"),
        (Request(stacks=("app-clients",)), "did you mean app-client?"),
        (Request(units=("app-client@fra",)), "did you mean app-client@far?"),
        (Request(units=("far",)), "did you mean --site far?"),
        (Request(units=("app",)), "did you mean --stack app?"),
        (Request(), "add --all, --site SITE, --stack STACK or STACK@SITE"),
    ],
)
def test_a_typo_names_the_nearest(request_: Request, fix: str) -> None:
    with pytest.raises(UsageError) as wrong:
        select(inventory(), request_)
    assert wrong.value.problems[0].fix == fix


def test_site_and_stack_together_narrow_down() -> None:
    chosen = select(inventory(), Request(sites=("home",), stacks=("app-client",)))
    assert chosen == (HOME_CLIENT,)


def test_a_service_that_operators_rely_on_and_the_file_lacks_is_a_danger() -> None:
    base = inventory()
    units = tuple(
        spec(SERVER, must_have=("web", "exporter")) if s.unit == SERVER else s for s in base.units
    )
    plan = planned(Command.RESTART, ALL, None, replace(base, units=units))
    assert "lacks exporter" in plan.unit(SERVER).dangers[0]


def test_what_is_hardly_meant_in_a_compose_file_is_a_danger() -> None:
    read = {CLIENT: replace(sourced(CLIENT), remarks=("line 3: services.web is a date",))}
    plan = planned(Command.RESTART, ALL, read=read)
    told = "stacks/app-client.yaml, line 3: services.web is a date"
    assert plan.unit(CLIENT).dangers == (told,)


FIRST = Fact("update", "order", "start-first")


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"facts": (FIRST,), "ports": (PublishedPort(port=80, mode="host"),)}, "port 80 is free"),
        ({"facts": (FIRST, Fact("replicas per node", "", "at most 1"))}, "a node with room"),
        ({"facts": (FIRST,), "ports": (PublishedPort(port=80),)}, ""),
        ({"ports": (PublishedPort(port=80, mode="host"),)}, ""),
    ],
)
def test_an_update_that_may_never_end_is_a_danger(about: dict[str, Any], told: str) -> None:
    inv, request = inventory(), Request(units=(str(CLIENT),))
    scope = make_scope(inv, Command.RESTART, request, fleet(), PINS)
    in_place = tuple(replace(item, action=Action.UPDATE) for item in scope.acted)
    plan = make_plan(
        inv,
        command=Command.DEPLOY,
        request=request,
        scope=replace(scope, acted=in_place),
        looks=fleet(),
        sourced={CLIENT: sourced(CLIENT, wanted(**about))},
    )
    found = plan.unit(CLIENT).dangers
    assert any(told in danger for danger in found) if told else found == ()


def test_the_same_values_give_the_same_plan() -> None:
    assert planned(Command.RESTART, ALL) == planned(Command.RESTART, ALL)


def test_a_site_that_is_left_out_gets_no_step_and_is_owed_and_told() -> None:
    request = Request(
        everything=True,
        without=("far",),
        because=" link down ",
        accept_unknown=(str(CLIENT),),
    )
    plan = planned(Command.RESTART, request, {**fleet(), "far": unseen("far")})
    assert {step.site for step in plan.steps} == {"home"}
    assert [item.unit for item in plan.left_out] == [CLIENT]
    assert plan.accepted == {CLIENT}
    assert plan.because == "link down"
    assert f"{CLIENT} may run on while what it needs goes down: nobody can tell" in plan.dangers
    assert str(CLIENT) not in actions(plan)
    assert all(item.name != str(CLIENT) for item in plan.untouched)
    assert plan.unseen == ()


def test_what_is_left_out_of_an_update_is_owed_and_no_danger() -> None:
    request = Request(stacks=("app-client",), without=("far",), because="busy")
    plan = planned(Command.RESTART, request)
    assert [(item.unit, item.accepted) for item in plan.left_out] == [(CLIENT, False)]
    assert plan.accepted == frozenset()
    assert plan.dangers == ()


def test_verifying_only_watches_each_by_itself() -> None:
    plan = planned(Command.VERIFY, Request(stacks=("app",)))
    assert [(step.id, step.kind, step.needs) for step in plan.steps] == [
        (f"settle {SERVER}", StepKind.SETTLE, ())
    ]
    assert actions(plan) == {str(SERVER): "keep"}
    assert plan.revisions == (Revision(repo="app", sha=SHA),)


def test_patience_comes_from_the_policy_if_it_says_any() -> None:
    base = inventory()
    policy = Policy(remove_seconds=7.0, healthy_seconds=9.0)
    units = tuple(
        spec(CLIENT, SERVER, policy=policy) if s.unit == CLIENT else s for s in base.units
    )
    patient = planned(Command.RESTART, Request(sites=("far",))).unit(CLIENT)
    assert (patient.remove_seconds, patient.healthy_seconds) == (40.0, 120.0)
    brief = planned(Command.RESTART, Request(sites=("far",)), None, replace(base, units=units))
    assert brief.unit(CLIENT).remove_seconds == 7.0
    assert brief.unit(CLIENT).healthy_seconds == 9.0


def test_what_runs_now_says_how_long_it_takes_to_stop() -> None:
    slow = replace(running(CLIENT), services=(service(grace_seconds=90.0),))
    request = Request(sites=("far",))
    plan = planned(Command.RESTART, request, {**fleet(), "far": slow})
    assert plan.unit(CLIENT).remove_seconds == 120.0
    unknown = planned(Command.RESTART, request, {**fleet(), "far": unseen("far")})
    assert unknown.unit(CLIENT).remove_seconds == 40.0


def test_a_watched_unit_that_holds_nothing_up_is_no_danger() -> None:
    inv = inventory(states={"far": SiteState.WATCHED})
    assert planned(Command.RESTART, Request(stacks=("app-daemons",)), None, inv).dangers == ()


def test_a_server_that_is_down_already_goes_down_for_nobody() -> None:
    looks: dict[str, Look] = {"home": sight("home"), "far": sight("far")}
    assert planned(Command.RESTART, ALL, looks).dangers == ()
    assert planned(Command.RESTART, ALL).dangers == (
        "app@home goes down, for everybody who uses it",
    )


def test_a_stack_that_nobody_declared_is_a_danger() -> None:
    stray = sight("far", services=(service(stack="app-extra"),))
    plan = planned(Command.UP, Request(sites=("far",)), {**fleet(), "far": stray})
    assert plan.dangers == ("stack app-extra runs at far and no inventory line declares it",)


def test_bringing_up_needs_to_see_what_it_depends_on_and_nobody_else() -> None:
    looks: dict[str, Look] = {"home": home(SERVER), "far": sight("far")}
    plan = planned(Command.UP, Request(units=(str(HOME_CLIENT),)), looks)
    assert {step.site for step in plan.steps} == {"home"}
    far = planned(Command.UP, Request(units=(str(CLIENT),)), looks)
    examined = {step.site: step.reason for step in far.steps if step.kind is StepKind.EXAMINE}
    assert examined == {
        "home": "units here must be seen gone, or healthy",
        "far": "units here are acted on",
    }


def test_the_docker_commands_that_it_amounts_to_are_told() -> None:
    plan = planned(Command.RESTART, Request(sites=("far",)))
    assert plan.unit(CLIENT).commands[-2:] == (
        "docker stack rm app-client",
        "docker stack deploy -c stacks/app-client.yaml --with-registry-auth app-client",
    )


def test_a_unit_that_no_plan_names_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        planned(Command.RESTART, Request(sites=("far",))).unit(SERVER)


SHOP = Unit(stack="app-shop", site="far")
USE = Use(user=CLIENT, maker=SHOP, kind="network", name="app-shop_net")


def sharing() -> Inventory:
    """The client far away uses a network of a shop there, and no `depends_on` says so."""
    return with_uses(inventory(spec(SHOP)), (USE,))[0]


def far(*units: Unit, user: str = CLIENT.stack) -> Sight:
    parts = [running(unit) for unit in units]
    joined = service("x", user, facts=(Fact("network", USE.name, ""),))
    return sight(
        "far",
        networks=(resource(USE.name, SHOP.stack),),
        services=(*(s for part in parts for s in part.services), joined),
        tasks=tuple(t for part in parts for t in part.tasks),
    )


def test_who_uses_what_goes_down_is_dragged_in_and_the_plan_says_why() -> None:
    looks: dict[str, Look] = {**fleet(), "far": far(CLIENT, SHOP)}
    plan = planned(Command.DOWN, Request(units=(str(SHOP),)), looks, sharing())
    assert actions(plan) == {str(CLIENT): "down", str(SHOP): "down"}
    words = "uses network app-shop_net, which app-shop makes"
    assert plan.unit(CLIENT).reason == f"depends on {SHOP} ({words})"
    assert plan.uses == (USE,)
    assert f"remove {CLIENT}" in needs(plan, f"remove {SHOP}")


def test_what_makes_what_is_needed_is_dragged_in_and_comes_first() -> None:
    looks: dict[str, Look] = {**fleet(), "far": sight("far")}
    plan = planned(Command.UP, Request(units=(str(CLIENT),)), looks, sharing())
    assert actions(plan) == {str(CLIENT): "up", str(SHOP): "up"}
    words = f"({CLIENT} uses network app-shop_net, which app-shop makes)"
    assert plan.unit(SHOP).reason == f"needed by {CLIENT} {words}"
    assert f"deploy {SHOP}" in needs(plan, f"deploy {CLIENT}")


@pytest.mark.parametrize("command", [Command.DOWN, Command.RESTART])
def test_what_a_stranger_uses_is_not_planned_to_go_down(command: Command) -> None:
    looks: dict[str, Look] = {**fleet(), "far": far(SHOP, user="stranger")}
    with pytest.raises(RefusedError) as caught:
        planned(command, Request(units=(str(SHOP),)), looks, sharing())
    [problem] = caught.value.problems
    assert problem.code == "removal.in-use"
    assert problem.evidence == ("service stranger_x uses network app-shop_net",)
    # What goes up, or down elsewhere, is in nobody's way.
    planned(Command.UP, Request(units=(str(SHOP),)), looks, sharing())
    planned(command, Request(units=(str(DAEMONS),)), looks, sharing())
