import pytest

from orchestrator.errors import ExitCode, Problem, RefusedError, Retry, Where
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.leaving_out import leave_out
from orchestrator.planning.plan import Before, LeftOut
from orchestrator.planning.selection import Request
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER, inventory, sight, spec

AWAY_DAEMONS = Unit(stack="app-daemons", site="far")
PRESENT, GONE = Before(presence=Presence.PRESENT), Before(presence=Presence.GONE)
UNKNOWN = Before(presence=Presence.UNKNOWN, words=("far cannot be seen: timed out",))
HOME = dict.fromkeys((SERVER, DAEMONS, HOME_CLIENT), PRESENT)
LOOKS = {"far": sight("far")}
ALL = Request(everything=True, without=("far",), because=" cut ")
ACCEPTED = Request(everything=True, without=("far",), because="cut", accept_unknown=(str(CLIENT),))


def left(
    request: Request,
    far: Before,
    *,
    removing: bool = True,
    acted: tuple[Unit, ...] = (SERVER, DAEMONS, HOME_CLIENT),
    inv: Inventory | None = None,
) -> tuple[LeftOut, ...]:
    return leave_out(
        inv or inventory(),
        request,
        dict.fromkeys(acted, "selected"),
        {**HOME, CLIENT: far},
        LOOKS,
        removed=frozenset(acted) if removing else frozenset(),
    )


def refusal(request: Request, far: Before, inv: Inventory | None = None) -> Problem:
    with pytest.raises(RefusedError) as refused:
        left(request, far, inv=inv)
    assert refused.value.exit_code is ExitCode.SAFETY_REFUSED
    (problem,) = refused.value.problems
    assert problem.where.site == "far"
    return problem


def test_nothing_is_left_out_unless_asked_for() -> None:
    assert left(Request(everything=True), UNKNOWN) == ()


def test_the_way_on_names_all_options_that_have_to_go_together() -> None:
    assert refusal(ACCEPTED, PRESENT).fix.startswith(
        f"drop --without far and --accept-unknown {CLIENT}: "
    )


def test_what_runs_there_may_not_lose_what_it_needs() -> None:
    problem = refusal(ALL, PRESENT)
    assert problem == Problem(
        code="without.runs",
        what=f"{CLIENT} runs, and what it depends on would go down under it",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site="far", stack="app-client"),
        fix="drop --without far: the site can be seen, so its units can go down too",
        state_left="nothing was touched",
        runbook="site-unreachable",
        retry=Retry(drops=(("--without", "far"),), never=True),
    )
    # Accepting the unknown is not accepting what is known.
    assert refusal(ACCEPTED, PRESENT).code == "without.runs"


def test_what_may_run_there_may_not_either_unless_that_is_accepted() -> None:
    problem = refusal(ALL, UNKNOWN)
    assert problem == Problem(
        code="without.unknown",
        what=f"nobody can tell whether {CLIENT} runs, and what it depends on would go down",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site="far", stack="app-client"),
        evidence=UNKNOWN.words,
        fix=f"if that is acceptable, add --accept-unknown {CLIENT}",
        state_left="nothing was touched",
        runbook="site-unreachable",
        retry=Retry(adds=(("--accept-unknown", str(CLIENT)),), never=True),
    )
    assert left(ACCEPTED, UNKNOWN) == (
        LeftOut(unit=CLIENT, reason="cut (nobody could tell whether it runs)", accepted=True),
    )


def test_what_is_gone_there_is_owed_all_the_same_when_everything_was_meant() -> None:
    assert left(ALL, GONE) == (
        LeftOut(unit=CLIENT, reason="cut (not running when it was left out)"),
    )


@pytest.mark.parametrize("far", [PRESENT, GONE, UNKNOWN])
def test_where_nothing_goes_down_nothing_is_refused(far: Before) -> None:
    found = left(ALL, far, removing=False)
    assert [(item.unit, item.accepted) for item in found] == [(CLIENT, False)]


def test_what_runs_on_is_said() -> None:
    assert left(ALL, PRESENT, removing=False)[0].reason == "cut (running when it was left out)"


def test_only_what_would_have_been_acted_on_is_owed() -> None:
    daemons = Request(stacks=("app-daemons",), without=("far",), because="cut")
    assert left(daemons, UNKNOWN, acted=(DAEMONS,)) == ()
    clients = Request(stacks=("app-client",), without=("far",), because="cut")
    assert [item.unit for item in left(clients, UNKNOWN, acted=(HOME_CLIENT,))] == [CLIENT]


def test_what_safety_would_have_dragged_in_is_owed() -> None:
    server = Request(
        units=(str(SERVER),),
        without=("far",),
        because="cut",
        accept_unknown=(str(CLIENT),),
    )
    assert [item.unit for item in left(server, UNKNOWN, acted=(SERVER,))] == [CLIENT]
    assert left(server, GONE, acted=(SERVER,)) == ()
    dragged = left(server, GONE, acted=(SERVER, CLIENT))
    assert [item.unit for item in dragged] == [CLIENT]


def test_a_watched_site_owes_nothing_but_may_have_to_be_accepted() -> None:
    watched = inventory(states={"far": SiteState.WATCHED})
    assert refusal(ALL, UNKNOWN, watched).code == "without.unknown"
    assert [item.accepted for item in left(ACCEPTED, UNKNOWN, inv=watched)] == [True]
    assert left(ACCEPTED, GONE, inv=watched) == ()
    assert left(ALL, UNKNOWN, removing=False, inv=watched) == ()


def test_every_unit_that_is_in_the_way_is_named_at_once() -> None:
    inv = inventory(spec(AWAY_DAEMONS, SERVER))
    before = {**HOME, CLIENT: UNKNOWN, AWAY_DAEMONS: PRESENT}
    with pytest.raises(RefusedError) as refused:
        leave_out(inv, ALL, dict.fromkeys(HOME, "selected"), before, LOOKS, removed=frozenset(HOME))
    assert [p.code for p in refused.value.problems] == ["without.unknown", "without.runs"]
