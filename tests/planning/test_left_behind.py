from dataclasses import replace

import pytest

from orchestrator.fleet.observed import Fact, Sight
from orchestrator.fleet.unit import Unit
from orchestrator.planning.left_behind import left_behind
from orchestrator.planning.plan import Action
from orchestrator.sources.model import Sourced
from tests.build import CLIENT, plan, resource, running, sourced, unit_plan, unseen, wanted

DATA = Fact("mount", "/data", "volume app-client_data, read-only")
CACHE = Fact("mount", "/cache", "volume app-client_cache")
BIND = Fact("mount", "/etc", "bind /etc")
COMPOSE = "stacks/app-client.yaml"


def seen(*facts: Fact, **parts: object) -> Sight:
    look = running(CLIENT)
    services = tuple(replace(service, facts=facts) for service in look.services)
    return replace(look, services=services, **parts)  # type: ignore[arg-type] # keyword values are the caller's own


def declared(*facts: Fact, **parts: object) -> Sourced:
    source = sourced(CLIENT, wanted(facts=facts))
    desired = replace(source.desired, **parts)  # type: ignore[arg-type] # keyword values are the caller's own
    return replace(source, desired=desired)


def left(look: Sight, source: Sourced, action: Action = Action.RESTART) -> list[str]:
    made = plan(unit_plan(CLIENT, action, compose=COMPOSE))
    return list(left_behind(made, {CLIENT.site: look}, {CLIENT: source}))


def test_a_volume_that_nothing_declares_any_more_keeps_its_data_and_has_no_user() -> None:
    [said] = left(seen(DATA, BIND), declared())
    assert said == (
        f"{CLIENT}: {COMPOSE} does not declare volume app-client_data: the data stay, and nothing"
        " uses them"
    )


def test_several_are_said_at_once() -> None:
    [said] = left(seen(DATA, CACHE), declared())
    assert "volumes app-client_cache, app-client_data:" in said


def test_a_volume_that_is_mounted_elsewhere_now_is_not_lost() -> None:
    assert left(seen(DATA), declared(Fact("mount", "/new", "volume app-client_data"))) == []


def test_a_secret_or_config_that_is_not_declared_goes_with_the_stack() -> None:
    look = seen(secrets=(resource("app-client_token"),), configs=(resource("app-client_a"),))
    assert left(look, declared()) == [
        f"{CLIENT}: {COMPOSE} does not declare secret app-client_token: gone for good",
        f"{CLIENT}: {COMPOSE} does not declare config app-client_a: gone for good",
    ]
    assert left(look, declared(secrets=("app-client_token",), configs=("app-client_a",))) == []


def test_in_place_a_volume_loses_its_user_and_secrets_stay() -> None:
    look = seen(DATA, secrets=(resource("app-client_token"),))
    [said] = left(look, declared(), Action.UPDATE)
    assert "volume app-client_data" in said


@pytest.mark.parametrize("action", [Action.UP, Action.DOWN, Action.KEEP])
def test_what_replaces_nothing_leaves_nothing_behind(action: Action) -> None:
    assert left(seen(DATA), declared(), action) == []


def test_what_cannot_be_seen_or_was_not_read_is_not_judged() -> None:
    made = plan(unit_plan(CLIENT), unit_plan(Unit("app", "nowhere")))
    assert list(left_behind(made, {CLIENT.site: unseen()}, {CLIENT: declared()})) == []
    assert list(left_behind(made, {CLIENT.site: seen(DATA)}, {})) == []
