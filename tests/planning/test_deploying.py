"""What a deploy acts on: what has changed, what that drags in, and nothing else."""

from collections.abc import Mapping

import pytest

from orchestrator.errors import ExitCode, RefusedError
from orchestrator.fleet.drift import How
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import LABEL_DATA, LABEL_RELEASE
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState, Strategy
from orchestrator.planning.deploying import Changed, changed, decide
from orchestrator.planning.plan import Action, Before, Command, Plan
from orchestrator.planning.planner import make_plan
from orchestrator.planning.scope import Scope, make_scope
from orchestrator.planning.selection import Request
from tests import build
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER

ALL = Request(everything=True)
FLEET = build.inventory()
IMAGE = Changed(words=("web: image moved",))
DATA = Changed(data=True)
UNITS = (SERVER, DAEMONS, HOME_CLIENT, CLIENT)


def before(presence: Presence = Presence.PRESENT, verdict: Verdict = Verdict.HEALTHY) -> Before:
    there = presence is Presence.PRESENT
    return Before(
        presence=presence,
        verdict=verdict if there else None,
        running=int(there),
        expected=int(there),
        services=("web",) if there else (),
    )


def with_strategy(unit: Unit, strategy: Strategy = Strategy.UPDATE) -> Inventory:
    plain = build.inventory()
    units = tuple(
        build.spec(s.unit, *s.depends_on, strategy=strategy if s.unit == unit else s.strategy)
        for s in plain.units
    )
    return Inventory(
        path=plain.path,
        managed_prefix=plain.managed_prefix,
        coordinator=plain.coordinator,
        repos=plain.repos,
        sites=plain.sites,
        units=units,
    )


def decided(
    found: Mapping[Unit, Changed],
    *,
    inventory: Inventory | None = None,
    request: Request = ALL,
    chosen: tuple[Unit, ...] = UNITS,
    **other: Before,
) -> dict[Unit, tuple[Action, str]]:
    seen = {unit: other.get(unit.stack.replace("-", "_"), before()) for unit in UNITS}
    return decide(inventory or build.inventory(), request, frozenset(chosen), seen, found)


def actions(result: Mapping[Unit, tuple[Action, str]]) -> dict[Unit, Action]:
    return {unit: action for unit, (action, _) in result.items()}


def test_what_has_not_changed_is_left_alone() -> None:
    result = decided({})
    assert set(actions(result).values()) == {Action.KEEP}
    assert {why for _, why in result.values()} == {"nothing of it has changed"}


def test_what_has_not_changed_and_is_not_well_is_left_alone_and_said_to_be_so() -> None:
    result = decided({}, app_daemons=before(verdict=Verdict.UNHEALTHY))
    action, why = result[DAEMONS]
    assert action is Action.KEEP
    assert "a restart would start it anew" in why


def test_what_has_changed_is_recreated_with_all_that_depends_on_it_and_runs() -> None:
    result = decided({SERVER: IMAGE}, app_daemons=before(Presence.GONE), chosen=(SERVER,))
    assert result[SERVER] == (Action.RESTART, "changed: web: image moved")
    assert result[CLIENT] == (Action.RESTART, "depends on app@home")
    assert result[HOME_CLIENT][0] is Action.RESTART
    assert DAEMONS not in result


def test_what_depends_on_it_at_a_watched_site_is_not_ours_to_take_down() -> None:
    inventory = build.inventory(states={"far": SiteState.WATCHED})
    result = decided({SERVER: IMAGE}, inventory=inventory, chosen=(SERVER,))
    assert CLIENT not in result


def test_what_does_not_run_is_brought_up() -> None:
    assert decided({}, app_daemons=before(Presence.GONE))[DAEMONS] == (Action.UP, "does not run")


def test_what_cannot_be_seen_is_taken_to_need_all_of_it() -> None:
    assert decided({}, app_daemons=before(Presence.UNKNOWN))[DAEMONS][0] is Action.RESTART


def test_a_stack_that_may_is_changed_in_place_and_nothing_goes_down() -> None:
    result = decided({SERVER: IMAGE}, inventory=with_strategy(SERVER))
    assert result[SERVER] == (Action.UPDATE, "changed: web: image moved")
    assert {result[unit][0] for unit in (DAEMONS, HOME_CLIENT, CLIENT)} == {Action.KEEP}


def test_what_is_in_configs_and_secrets_is_never_changed_in_place() -> None:
    result = decided({SERVER: DATA}, inventory=with_strategy(SERVER))
    assert result[SERVER] == (Action.RESTART, "changed: files of its configs or secrets")


def test_what_goes_down_with_another_is_not_changed_in_place() -> None:
    result = decided({SERVER: IMAGE, CLIENT: IMAGE}, inventory=with_strategy(CLIENT))
    assert actions(result)[CLIENT] is Action.RESTART


def test_the_strategy_that_was_asked_for_goes_before_the_declared_one() -> None:
    update = Request(everything=True, strategy=Strategy.UPDATE)
    assert actions(decided({CLIENT: IMAGE}, request=update))[CLIENT] is Action.UPDATE
    again = Request(everything=True, strategy=Strategy.RECREATE)
    inventory = with_strategy(CLIENT)
    result = decided({CLIENT: IMAGE}, request=again, inventory=inventory)
    assert actions(result)[CLIENT] is Action.RESTART


def test_what_others_need_is_changed_in_place_only_where_its_stack_file_says_so() -> None:
    update = Request(everything=True, strategy=Strategy.UPDATE)
    with pytest.raises(RefusedError) as refused:
        decided({SERVER: IMAGE}, request=update, app_client=before(Presence.GONE))
    (problem,) = refused.value.problems
    assert (problem.code, problem.exit_code) == ("deploy.not-in-place", ExitCode.SAFETY_REFUSED)
    assert problem.evidence == (str(DAEMONS),)
    gone = before(Presence.GONE)
    alone = decided(
        {SERVER: IMAGE}, request=update, chosen=(SERVER,), app_client=gone, app_daemons=gone
    )
    assert actions(alone) == {SERVER: Action.UPDATE}


def test_only_the_first_of_many_changes_are_told() -> None:
    words = str(Changed(words=("a", "b", "c", "d"), data=True))
    assert words == "a, b, c and 2 more"


class TestChanged:
    def found(self, **labels: str) -> Sight:
        named = tuple((name.replace("_", "."), value) for name, value in labels.items())
        return build.sight(
            services=(build.service(labels=named, image="registry/app:1@sha256:0"),),
            tasks=(build.task(),),
        )

    def test_nothing_is_said_of_what_is_unseen_or_not_there(self) -> None:
        source = build.sourced(CLIENT)
        assert not changed(FLEET, source, build.unseen(), {})
        assert not changed(FLEET, source, build.sight(), {})

    def test_a_network_that_nothing_needs_any_more_is_no_change(self) -> None:
        found = build.sight(
            services=(build.service(image="registry/app:1"),),
            networks=(build.resource("app-client_old"),),
        )
        assert str(changed(FLEET, build.sourced(CLIENT), found, {})) == ""

    def test_a_service_too_many_is(self) -> None:
        found = build.running(CLIENT, "web", "old")
        assert any(
            "old" in words for words in changed(FLEET, build.sourced(CLIENT), found, {}).words
        )
        assert How.EXTRA.value in str(changed(FLEET, build.sourced(CLIENT), found, {}))

    def test_an_image_that_moved_under_its_tag_is(self) -> None:
        old, new = (f"sha256:{letter * 64}" for letter in "ab")
        found = build.sight(services=(build.service(image=f"registry/app:1@{old}"),))
        source = build.sourced(CLIENT)
        assert "moved" in str(changed(FLEET, source, found, {"registry/app:1": new}))
        assert not changed(FLEET, source, found, {"registry/app:1": old})

    def test_files_behind_configs_and_secrets_count_where_it_is_known_what_was_deployed(
        self,
    ) -> None:
        source = build.sourced(CLIENT)
        other = {LABEL_RELEASE: "another", LABEL_DATA: "other files"}
        assert changed(FLEET, source, self.labelled(other), {}).data
        assert not changed(FLEET, source, self.labelled({LABEL_RELEASE: "another"}), {}).data
        same = {LABEL_RELEASE: source.release.digest, LABEL_DATA: "other files"}
        assert not changed(FLEET, source, self.labelled(same), {}).data
        assert not changed(FLEET, source, self.labelled({LABEL_DATA: "other files"}), {}).data

    def labelled(self, labels: Mapping[str, str]) -> Sight:
        return build.sight(
            services=(build.service(labels=tuple(labels.items()), image="registry/app:1"),),
        )


class TestScope:
    def looks(self, *absent: Unit) -> dict[str, Look]:
        there = [unit for unit in UNITS if unit not in absent]
        return {
            site: build.sight(
                site,
                services=tuple(
                    build.service(stack=u.stack, image="registry/app:1")
                    for u in there
                    if u.site == site
                ),
                tasks=tuple(build.task(stack=u.stack) for u in there if u.site == site),
            )
            for site in ("home", "far")
        }

    def scoped(
        self, found: Mapping[Unit, Changed], request: Request, *absent: Unit
    ) -> tuple[Scope, dict[Unit, Action]]:
        pins = {"app": Revision(repo="app", sha=build.SHA)}
        looks = self.looks(*absent)
        scope = make_scope(build.inventory(), Command.DEPLOY, request, looks, pins, found=found)
        return scope, {item.unit: item.action for item in scope.acted}

    def test_only_what_is_deployed_is_read(self) -> None:
        scope, found = self.scoped({CLIENT: IMAGE}, ALL)
        assert found[CLIENT] is Action.RESTART
        assert found[SERVER] is Action.KEEP
        assert scope.to_read == (CLIENT,)

    def test_what_a_changed_unit_needs_and_is_not_there_comes_up_first(self) -> None:
        _, found = self.scoped({CLIENT: IMAGE}, Request(units=(str(CLIENT),)), SERVER)
        assert found == {SERVER: Action.UP, CLIENT: Action.RESTART}

    def test_who_is_left_out_and_would_be_under_what_goes_down_refuses_it(self) -> None:
        request = Request(everything=True, without=("far",), because="its link is down")
        with pytest.raises(RefusedError):
            self.scoped({SERVER: IMAGE}, request)
        _, found = self.scoped({DAEMONS: IMAGE}, request)
        assert found[DAEMONS] is Action.RESTART

    def planned(self, unit: Unit, *absent: Unit) -> Plan:
        """Plan a deploy of all, of which `unit` alone has changed and may be updated."""
        inventory, looks = with_strategy(unit), self.looks(*absent)
        pins = {"app": Revision(repo="app", sha=build.SHA)}
        scope = make_scope(inventory, Command.DEPLOY, ALL, looks, pins, found={unit: IMAGE})
        return make_plan(
            inventory,
            command=Command.DEPLOY,
            request=ALL,
            scope=scope,
            looks=looks,
            sourced={item: build.sourced(item) for item in scope.to_read},
        )

    def test_a_change_in_place_under_what_needs_it_is_a_danger_that_the_plan_names(self) -> None:
        plan = self.planned(SERVER)
        users = "app-client@far, app-client@home, app-daemons@home"
        assert f"app@home changes in place while {users}, which need it, run" in plan.dangers
        assert [step.id for step in plan.steps if step.unit == SERVER] == [
            "deploy app@home",
            "settle app@home",
        ]
        assert plan.unit(SERVER).commands == (
            "docker stack deploy -c stacks/app.yaml --prune --with-registry-auth app",
        )
        assert not any("goes down" in danger for danger in plan.dangers)

    def test_a_change_in_place_that_nobody_needs_on_what_is_healthy_is_none(self) -> None:
        plan = self.planned(CLIENT)
        assert plan.unit(CLIENT).action is Action.UPDATE
        assert plan.dangers == ()
