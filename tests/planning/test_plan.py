from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, RefusedError, UsageError
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.running import LABEL_REVISION
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Action, Command, Plan, StepKind
from orchestrator.planning.planner import make_plan
from orchestrator.planning.scope import make_scope
from orchestrator.planning.selection import Request, select
from orchestrator.planning.steps import PREPARED, step_waves
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    SHA,
    inventory,
    running,
    service,
    sight,
    sourced,
    spec,
    unseen,
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
) -> Plan:
    inv = inv or inventory()
    looks = looks or fleet()
    pins = {} if command is Command.DOWN else PINS
    scope = make_scope(inv, command, request, looks, pins)
    sources = {unit: sourced(unit) for unit in scope.to_read}
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
    assert needs(plan, f"remove {SERVER}") == {PREPARED} | down
    assert needs(plan, f"deploy {CLIENT}") == {f"remove {CLIENT}", f"deploy {SERVER}"}


def test_nothing_is_removed_before_every_site_is_examined_and_prepared() -> None:
    plan = planned(Command.RESTART, ALL)
    by_id = {step.id: step for step in plan.steps}
    for step in plan.steps:
        if step.kind is StepKind.REMOVE:
            assert PREPARED in step.needs
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


def test_the_same_values_give_the_same_plan() -> None:
    assert planned(Command.RESTART, ALL) == planned(Command.RESTART, ALL)
