from dataclasses import replace

import pytest

from orchestrator.fleet.observed import Attached, Fact, Service
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use, makers_seen, usages, used
from tests.build import node, resource, service, sight

DB, APP = "shop-db", "shop-app"
NET = Fact("network", "shop-db_net", "as app")


def test_a_use_says_what_is_used_and_who_makes_it() -> None:
    use = Use(user=Unit(APP, "a"), maker=Unit(DB, "a"), kind="network", name="shop-db_net")
    assert str(use) == "uses network shop-db_net, which shop-db makes"


@pytest.mark.parametrize(
    ("fact", "thing"),
    [
        (NET, {("network", "shop-db_net")}),
        (Fact("config", "settings at /etc/s", "owner 0:0"), {("config", "settings")}),
        (Fact("secret", "key at key", "owner 0:0"), {("secret", "key")}),
        (Fact("config", "spec for the runtime", ""), {("config", "spec")}),
        (Fact("mount", "/data", "volume shop-db_data, read-only"), {("volume", "shop-db_data")}),
        (Fact("mount", "/data", "volume shop-db_data"), {("volume", "shop-db_data")}),
        (Fact("mount", "/data", "bind /srv"), set()),
        (Fact("label", "network", "x"), set()),
    ],
)
def test_what_a_service_uses_is_read_off_its_facts(fact: Fact, thing: set[tuple[str, str]]) -> None:
    assert used((fact,)) == thing


def app(*facts: Fact, stack: str = APP) -> Service:
    return service("web", stack, facts=facts)


def test_what_a_stack_uses_of_its_own_is_no_use() -> None:
    seen = sight(networks=(resource("shop-db_net", DB),), services=(app(NET, stack=DB),))
    assert usages(seen) == ()


def test_what_belongs_to_no_stack_has_no_maker() -> None:
    seen = sight(networks=(resource("shop-db_net", ""),), services=(app(NET),))
    assert usages(seen) == ()
    assert makers_seen(seen) == {}


def test_services_of_others_and_of_nobody_are_told_with_what_shows_them() -> None:
    seen = sight(
        networks=(resource("shop-db_net", DB),),
        configs=(resource("shop-db_conf", DB),),
        secrets=(resource("shop-db_key", DB),),
        services=(
            app(
                NET,
                Fact("config", "shop-db_conf at /c", ""),
                Fact("secret", "shop-db_key at k", ""),
            ),
            replace(service("probe", "", facts=(NET,)), name="probe"),
        ),
    )
    found = usages(seen)
    assert [(u.kind, u.by, u.stack, u.maker) for u in found] == [
        ("network", "service probe", "", DB),
        ("config", "service shop-app_web", APP, DB),
        ("network", "service shop-app_web", APP, DB),
        ("secret", "service shop-app_web", APP, DB),
    ]
    assert found[0].look() == "docker service ps probe   # on the manager"
    assert found[0].look("ada@far") == "ssh ada@far docker service ps probe"
    assert str(found[0]) == "service probe uses network shop-db_net"


def test_a_plain_container_is_told_with_its_node() -> None:
    attached = Attached(id="0ff61d5af5cd37ed", node_id="id-far-m", network="shop-db_net")
    lost = Attached(id="79619bc66219", node_id="elsewhere", network="shop-db_net")
    seen = sight(
        nodes=(node(),), networks=(resource("shop-db_net", DB),), attached=(attached, lost)
    )
    first, second = usages(seen)
    assert first.by == "container 0ff61d5af5cd on far-m"
    # The manager that was asked is reached by ssh; how other nodes are, nobody told us.
    assert first.look("ada@far") == "ssh ada@far docker ps -a --filter id=0ff61d5af5cd"
    assert second.look("ada@far") == "docker ps -a --filter id=79619bc66219   # on node elsewhere"
    assert second.by == "container 79619bc66219 on elsewhere"


def test_a_volume_is_its_stacks_by_its_name_as_nodes_keep_no_label() -> None:
    data = Fact("mount", "/data", "volume shop-db_data")
    seen = sight(services=(app(data, stack=DB), app(data)))
    [use] = usages(seen)
    assert (use.kind, use.maker, use.stack) == ("volume", DB, APP)
    alone = sight(services=(app(data),))
    assert usages(alone) == ()


def test_a_container_that_nobody_declared_is_named_with_what_ends_it() -> None:
    there = sight(
        networks=(resource("app-client_net"),),
        attached=(Attached(id="0123456789abcdef", node_id="id-far-m", network="app-client_net"),),
    )
    (usage,) = usages(there)
    assert usage.release == (
        "docker network disconnect --force app-client_net 0123456789ab   # on node far-m"
    )
