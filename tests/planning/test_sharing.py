from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, SourceError
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import Fact, Look, Sight
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.sharing import (
    around,
    circle,
    declared_uses,
    inferred,
    seen_uses,
    told,
    unmet,
    unsaid_uses,
    with_all_uses,
    with_declared_uses,
    with_uses,
)
from orchestrator.sources.model import Sourced
from tests.build import inventory, resource, service, sight, sourced, spec, unseen

DB, APP, REPORTS = (Unit(stack=f"app-{name}", site="far") for name in ("db", "shop", "reports"))
NET = "app-db_net"
AT = "app:stacks/shop.yaml:7:3"


def three(**states: SiteState) -> Inventory:
    return inventory(spec(DB), spec(APP), spec(REPORTS), states=states)


def use(user: Unit = APP, maker: Unit = DB, name: str = NET, at: str = "") -> Use:
    return Use(user=user, maker=maker, kind="network", name=name, at=at)


def holding(unit: Unit, **names: tuple[str, ...]) -> Sourced:
    plain = sourced(unit)
    external = tuple((("network", n), AT) for n in names.get("external_networks", ()))
    desired = DesiredStack(
        unit=unit,
        services=plain.desired.services,
        external_at=external,
        **names,  # type: ignore[arg-type]  # names of things alone
    )
    return replace(plain, desired=desired)


MAKES = {DB: holding(DB, networks=(NET,), volumes=("app-db_data",))}
USES = {APP: holding(APP, external_networks=(NET,))}


def test_what_one_file_makes_and_another_calls_external_at_the_same_site_is_a_use() -> None:
    [found] = declared_uses(three(), USES, MAKES, {})
    assert found == use()
    assert found.at == AT


def test_another_site_makes_nothing_for_this_one() -> None:
    away = Unit(stack=DB.stack, site="home")
    assert declared_uses(three(), USES, {away: holding(away, networks=(NET,))}, {}) == ()


def test_volumes_count_as_well() -> None:
    users = {APP: holding(APP, external_volumes=("app-db_data",))}
    [found] = declared_uses(three(), users, MAKES, {})
    assert (found.kind, found.maker, found.at) == ("volume", DB, "")


def test_what_runs_made_what_its_label_says() -> None:
    looks: dict[str, Look] = {
        "far": sight(networks=(resource(NET, DB.stack),)),
        "home": unseen("home"),
    }
    assert declared_uses(three(), USES, USES, looks) == (use(),)
    strange = {"far": sight(networks=(resource(NET, "stranger"),))}
    assert declared_uses(three(), USES, USES, strange) == ()
    own = {"far": sight(networks=(resource(NET, APP.stack),))}
    assert declared_uses(three(), USES, USES, own) == ()


def test_what_nobody_makes_is_unmet() -> None:
    assert unmet(USES, USES, {"home": unseen("home")}) == {("far", "network", NET)}
    assert unmet(USES, MAKES, {}) == frozenset()
    assert unmet(USES, USES, {"far": sight(networks=(resource(NET, "any"),))}) == frozenset()


def running(user: str = APP.stack) -> Sight:
    joined = service("web", user, facts=(Fact("network", NET, ""),))
    return sight(networks=(resource(NET, DB.stack),), services=(joined,))


def test_what_runs_shows_who_uses_what() -> None:
    looks: dict[str, Look] = {"far": running(), "home": unseen("home")}
    assert seen_uses(three(), looks) == (use(),)
    assert seen_uses(three(), {"far": running("stranger")}) == ()


def test_a_user_depends_on_the_maker() -> None:
    wider, closing = with_uses(three(), (use(), use()))
    assert closing == ()
    assert wider.needs[APP] == (DB,)
    assert wider.needed_by[DB] == (APP,)
    assert with_uses(wider, (use(),)) == (wider, ())


def test_units_that_are_not_contacted_are_left_out() -> None:
    planned = three(far=SiteState.PLANNED)
    assert with_uses(planned, (use(),)) == (planned, ())


def test_a_use_that_closes_a_circle_is_left_out_and_told() -> None:
    back = use(DB, APP, "app-shop_net")
    wider, closing = with_uses(three(), (use(), back))
    assert closing == (back,)
    assert wider.uses == (use(),)


def test_for_the_way_back_what_runs_is_heeded_first() -> None:
    back = use(DB, APP, "app-shop_net")
    wider = with_all_uses(three(), (back,), {"far": running()}, USES | MAKES)
    assert wider.uses == (use(),)


def test_what_depends_on_covers_is_not_told_again() -> None:
    wider, _ = with_uses(inventory(spec(DB), spec(APP, DB), spec(REPORTS)), (use(),))
    assert inferred(wider) == ()
    wider, _ = with_uses(three(), (use(), use(REPORTS, APP, "app-shop_net")))
    assert [u.user for u in around(wider, (DB,))] == [APP]
    assert told(wider)[APP, DB] == f"uses network {NET}, which app-db makes"


def test_a_warning_names_the_depends_on_that_is_lacking() -> None:
    home = [Unit(stack=unit.stack, site="home") for unit in (APP, DB)]
    wide = inventory(spec(DB), spec(APP), *(spec(unit) for unit in home))
    wider, _ = with_uses(wide, (use(at=AT), use(home[0], home[1], at=AT), use(name="other")))
    first, second = unsaid_uses(wider)
    assert first.what == (
        f"app-shop@far uses network {NET}, which app-db makes, and no depends_on says so"
        " (and 1 more likewise)"
    )
    assert str(first.where).endswith("app:stacks/shop.yaml:7:3")
    assert "add app-db@{site} to depends_on in stacks/app-shop.yaml" in first.fix
    assert "likewise" not in second.what
    # Where the maker is not at each site of its user, `{site}` would name what is not declared.
    alone = inventory(spec(DB), spec(APP), spec(home[0]))
    [only] = unsaid_uses(with_uses(alone, (use(at=AT),))[0])
    assert "add app-db@far to depends_on in stacks/app-shop.yaml" in only.fix


def test_a_circle_that_files_make_is_an_error_at_its_place() -> None:
    closing = use(DB, REPORTS, "app-reports_net", at=AT)
    wider, _ = with_uses(
        inventory(spec(DB), spec(APP), spec(REPORTS, APP)), (use(at="app:x.yaml:1:1"),)
    )
    problem = circle(wider, closing)
    assert (problem.code, problem.exit_code) == ("source.circle", ExitCode.SOURCE_FAILED)
    assert (problem.where.file, problem.where.line, problem.where.column) == (
        "app:stacks/shop.yaml",
        7,
        3,
    )
    assert problem.what.endswith("app-db@far -> app-reports@far -> app-shop@far -> app-db@far")
    assert problem.evidence == (
        f"app-db@far uses network app-reports_net, which app-reports makes ({AT})",
        "app-reports@far depends on app-shop@far (depends_on)",
        f"app-shop@far uses network {NET}, which app-db makes (app:x.yaml:1:1)",
    )
    assert problem.fix.startswith("let one unit make it")


def test_files_that_close_no_circle_give_the_order_and_others_are_refused() -> None:
    read = {**MAKES, **USES}
    assert with_declared_uses(three(), read, read, {}).uses == (use(at=AT),)
    both = {
        DB: holding(DB, networks=(NET,), external_networks=("app-shop_net",)),
        APP: holding(APP, networks=("app-shop_net",), external_networks=(NET,)),
    }
    with pytest.raises(SourceError) as refused:
        with_declared_uses(three(), both, both, {})
    assert [problem.code for problem in refused.value.problems] == ["source.circle"]


def test_what_only_runs_the_other_way_round_goes_down_first() -> None:
    wider, _ = with_uses(three(), (use(),))
    problem = circle(wider, use(DB, APP, "app-shop_net", at=AT))
    assert problem.fix.startswith(
        "dtdeploy down app-db@far app-shop@far && dtdeploy up app-db@far app-shop@far;"
    )


def test_what_runs_in_a_circle_is_taken_down_by_hand() -> None:
    wider, _ = with_uses(three(), (use(),))
    problem = circle(wider, use(DB, APP, "app-shop_net"))
    assert (problem.code, problem.exit_code) == ("removal.circle", ExitCode.SAFETY_REFUSED)
    assert problem.fix.startswith("docker stack rm app-db app-shop   # on far's manager, twice")


@pytest.mark.parametrize("kind", ["network", "config", "secret", "volume"])
def test_makes_and_external_name_every_kind(kind: str) -> None:
    names = {f"{kind}s": ("a",), f"external_{kind}s": ("b",)}
    desired = holding(APP, **names).desired
    assert desired.makes == ((kind, "a"),)
    assert desired.external == ((kind, "b"),)
