import pytest

from orchestrator.errors import Problem, RefusedError, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import SiteState
from orchestrator.planning.selection import (
    Request,
    check_names,
    dependencies,
    dependents,
    select,
    select_seen,
)
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER, inventory, spec


def wrong(request: Request) -> list[Problem]:
    with pytest.raises(UsageError) as raised:
        select(inventory(), request)
    return list(raised.value.problems)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(everything=True), "--all"),
        (Request(everything=True, sites=("far",), stacks=("app",), units=("x",)), "--all"),
        (
            Request(sites=("far", "home"), stacks=("app",), units=("app@home",)),
            "--site far --site home --stack app app@home",
        ),
        (
            Request(everything=True, without=("far",), accept_unknown=(str(CLIENT),), because="x"),
            "--all --without far --accept-unknown app-client@far",
        ),
        (
            Request(everything=True, accept_lost=("w1@far", "w2@far"), because="x"),
            "--all --accept-lost w1@far --accept-lost w2@far",
        ),
    ],
)
def test_a_request_is_told_as_it_would_be_typed(request_: Request, words: str) -> None:
    assert str(request_) == words


@pytest.mark.parametrize(
    ("request_", "chosen"),
    [
        (Request(everything=True), (SERVER, DAEMONS, HOME_CLIENT, CLIENT)),
        (Request(sites=("far",)), (CLIENT,)),
        (Request(stacks=("app-client",)), (HOME_CLIENT, CLIENT)),
        (Request(sites=("home",), stacks=("app-client",)), (HOME_CLIENT,)),
        (Request(sites=("home",), stacks=("app",), units=(str(CLIENT),)), (SERVER, CLIENT)),
        (Request(units=(str(DAEMONS),)), (DAEMONS,)),
    ],
)
def test_what_is_meant(request_: Request, chosen: tuple[Unit, ...]) -> None:
    assert select(inventory(), request_) == chosen


def test_watched_and_planned_sites_are_passed_over_unless_named() -> None:
    for state in (SiteState.WATCHED, SiteState.PLANNED):
        inv = inventory(states={"far": state})
        assert select(inv, Request(stacks=("app-client",))) == (HOME_CLIENT,)
        for request in (Request(sites=("far",)), Request(units=(str(CLIENT),))):
            with pytest.raises(RefusedError) as refused:
                select(inv, request)
            assert refused.value.problems[0].code == f"selection.{state.value}"


def test_what_is_left_out_is_not_chosen() -> None:
    request = Request(everything=True, without=("far",), because="cut")
    assert select(inventory(), request) == (SERVER, DAEMONS, HOME_CLIENT)


def test_a_request_that_leaves_nothing_is_told_so() -> None:
    inv = inventory(states={"far": SiteState.WATCHED}, extra_sites=("away",))
    (problem,) = wrong(Request(stacks=("app",), sites=("far",)))
    assert (problem.code, problem.what) == (
        "selection.empty",
        "--site far --stack app selects no unit at an active site",
    )
    with pytest.raises(UsageError):
        select(inv, Request(sites=("away",)))


def test_to_leave_out_what_was_asked_for_is_a_contradiction() -> None:
    for request in (
        Request(sites=("far",), without=("far",), because="x"),
        Request(units=(str(CLIENT),), without=("far",), because="x"),
    ):
        (problem,) = wrong(request)
        assert problem.code == "selection.contradiction"
        assert "is selected and left out at once" in problem.what


def test_only_at_a_site_that_is_left_out_may_something_be_unknown() -> None:
    accepted = (str(CLIENT), str(HOME_CLIENT))
    request = Request(everything=True, without=("far",), accept_unknown=accepted, because="x")
    (problem,) = wrong(request)
    assert problem.code == "selection.accept-unknown"
    assert problem.what.startswith(str(HOME_CLIENT))
    assert problem.fix == (
        "--without home too, if nobody can see home; if it is a node of it that nobody can see, "
        "--accept-lost NODE@home instead of both"
    )


def test_a_node_is_named_at_a_site_that_is_known_and_not_left_out() -> None:
    request = Request(everything=True, accept_lost=("w1@fra",), because="x")
    assert [p.code for p in wrong(request)] == ["selection.unknown-site"]
    request = Request(everything=True, without=("far",), accept_lost=("w1@far",), because="x")
    (problem,) = wrong(request)
    assert problem.code == "selection.accept-lost"
    assert problem.fix == "drop --without far if far answers, else drop --accept-lost w1@far"


def test_to_answer_for_a_node_takes_a_reason() -> None:
    (problem,) = wrong(Request(everything=True, accept_lost=("w1@far",)))
    assert problem.code == "selection.no-reason"
    assert problem.what == "--accept-lost needs a reason"


@pytest.mark.parametrize("because", ["", "  "])
def test_to_leave_something_out_takes_a_reason(because: str) -> None:
    (problem,) = wrong(Request(everything=True, without=("far",), because=because))
    assert (problem.code, problem.fix) == ("selection.no-reason", "say why: --because TEXT")


def test_all_that_is_wrong_is_told_at_once() -> None:
    problems = wrong(Request(without=("fra",), accept_unknown=("x",)))
    assert [problem.code for problem in problems] == [
        "selection.unknown-site",
        "selection.unknown-unit",
        "selection.empty",
        "selection.accept-unknown",
        "selection.no-reason",
    ]


def test_a_name_like_nothing_known_gets_the_list() -> None:
    (problem,) = wrong(Request(stacks=("zzzzzz",)))
    assert problem.fix == "known are: app, app-client, app-daemons"


def test_names_can_be_checked_alone() -> None:
    check_names(inventory(), Request())
    check_names(inventory(), Request(sites=("far",)))
    with pytest.raises(UsageError):
        check_names(inventory(), Request(sites=("fra",)))


def test_who_depends_on_whom_over_several_links() -> None:
    away = Unit(stack="app-viewer", site="far")
    inv = inventory(spec(away, CLIENT))
    assert dependents(inv, frozenset({SERVER})) == {DAEMONS, HOME_CLIENT, CLIENT, away}
    assert dependencies(inv, frozenset({away})) == {CLIENT, SERVER}
    assert inv.needs[away] == (CLIENT,)
    assert inv.needed_by[CLIENT] == (away,)


def test_planned_sites_have_no_part_in_it() -> None:
    inv = inventory(states={"far": SiteState.PLANNED})
    assert CLIENT not in dependents(inv, frozenset({SERVER}))
    assert CLIENT not in inv.needs


def test_what_is_only_looked_at_may_be_anything_that_is_contacted() -> None:
    inv = inventory(states={"far": SiteState.WATCHED})
    everything = (SERVER, DAEMONS, HOME_CLIENT, CLIENT)
    assert select_seen(inv, Request()) == everything
    assert select_seen(inv, Request(everything=True)) == everything
    assert select_seen(inv, Request(sites=("far",))) == (CLIENT,)
    assert select_seen(inv, Request(units=(str(DAEMONS),))) == (DAEMONS,)


def test_what_is_only_looked_at_must_be_known_and_contacted() -> None:
    with pytest.raises(UsageError) as unknown:
        select_seen(inventory(), Request(sites=("fra",)))
    assert unknown.value.problems[0].code == "selection.unknown-site"
    with pytest.raises(UsageError) as planned:
        select_seen(inventory(states={"far": SiteState.PLANNED}), Request(sites=("far",)))
    assert planned.value.problems[0].code == "selection.empty"
