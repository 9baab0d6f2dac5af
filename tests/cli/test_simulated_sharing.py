"""Units that use what others make, on the simulated fleet: from the command to the Swarm."""

from dataclasses import replace

import pytest

from orchestrator.cli.checking import unsaid
from orchestrator.cli.planning import draw, make_book
from orchestrator.errors import ExitCode, RefusedError, SourceError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Action, Command
from orchestrator.planning.selection import Request
from orchestrator.simulation.happening import Happening, What
from tests.cli.desk import Desk
from tests.hamlet import CLIENTS, DAEMONS, hamlet
from tests.simulated import ALL, Simulated, simulated

HOME = CLIENTS[0]
SHARED = {HOME: (DAEMONS.stack,)}
"""The client at home uses the daemons' network, secret and config; no `depends_on` says so."""
ONE = Request(units=(str(DAEMONS),))


def shop() -> Simulated:
    return simulated(inventory=hamlet(), shared=SHARED)


def moves(fleet: Simulated) -> list[tuple[What, str]]:
    """Record the services of both that come and go, from now on."""
    seen: list[tuple[What, str]] = []

    def note(told: Happening) -> None:
        if told.site == "home" and told.what in (What.SERVICE_CREATED, What.SERVICE_REMOVED):
            seen.append((told.what, told.stack))

    fleet.fleet.subscribe(note)
    return seen


def test_all_goes_down_and_comes_up_in_the_order_of_what_is_used() -> None:
    fleet = shop()
    seen = moves(fleet)
    assert fleet.run(Command.DOWN).problems == ()
    last = max(i for i, move in enumerate(seen) if move[1] == HOME.stack)
    assert last < seen.index((What.SERVICE_REMOVED, DAEMONS.stack))
    assert fleet.stacks_running() == set()
    seen.clear()
    assert fleet.run(Command.UP).problems == ()
    last = max(i for i, move in enumerate(seen) if move[1] == DAEMONS.stack)
    assert last < seen.index((What.SERVICE_CREATED, HOME.stack))
    assert fleet.oracle.violations == []


def test_the_user_is_dragged_in_by_what_runs_although_no_file_is_read() -> None:
    plan = make_book(Desk(shared=shop()).world(), Command.DOWN, ONE, {}).plan
    assert [item.unit for item in plan.units] == [DAEMONS, HOME]
    assert "uses network app-daemons_default, which app-daemons makes" in plan.unit(HOME).reason
    assert {use.kind for use in plan.uses} == {"network", "config", "secret"}


def test_the_maker_is_found_in_a_file_that_nobody_asked_for() -> None:
    fleet = shop()
    assert fleet.run(Command.DOWN).problems == ()
    plan = make_book(Desk(shared=fleet).world(), Command.UP, Request(units=(str(HOME),)), {}).plan
    assert {item.unit: item.action for item in plan.units}[DAEMONS] is Action.UP
    assert f"({HOME} uses network app-daemons_default" in plan.unit(DAEMONS).reason


def test_what_the_inventory_does_not_say_is_a_warning() -> None:
    fleet = shop()
    assert fleet.run(Command.DOWN).problems == ()
    warned = unsaid(Desk(shared=fleet).world())
    assert [problem.where.stack for problem in warned] == [HOME.stack] * len(warned)
    assert "app-daemons@home to depends_on in stacks/app-client.yaml" in warned[0].fix


def round_about(fleet: Simulated) -> Simulated:
    """Let the files of the daemons use what the client makes, which is the other way round."""
    other = simulated(inventory=hamlet(), shared={DAEMONS: (HOME.stack,)})
    return replace(fleet, sources=fleet.sources | {DAEMONS: other.sources[DAEMONS]})


def test_files_in_a_circle_are_refused_with_the_units_named() -> None:
    fleet = round_about(shop())
    for call in (
        lambda: unsaid(Desk(shared=fleet).world()),
        lambda: draw(Desk(shared=fleet).world(), Asked(command=Command.RESTART, request=ALL)),
    ):
        with pytest.raises(SourceError) as caught:
            call()
        [problem, *_] = caught.value.problems
        assert (problem.code, problem.exit_code) == ("source.circle", ExitCode.SOURCE_FAILED)
        assert f"{DAEMONS}" in problem.what
        assert f"{HOME}" in problem.what


def test_what_runs_in_a_circle_goes_down_by_hand_and_may_come_up_all_the_same() -> None:
    tied = simulated(inventory=hamlet(), shared={HOME: (DAEMONS.stack,), DAEMONS: (HOME.stack,)})
    with pytest.raises(RefusedError) as caught:
        make_book(Desk(shared=tied).world(), Command.DOWN, ALL, {})
    [problem, *_] = caught.value.problems
    assert problem.code == "removal.circle"
    assert problem.fix.startswith("docker stack rm ")
    assert make_book(Desk(shared=tied).world(), Command.UP, ALL, {}).plan.changes is False


def test_a_unit_that_is_not_shared_goes_alone() -> None:
    far = Request(units=(str(Unit("app-edge", "far")),))
    plan = make_book(Desk(shared=shop()).world(), Command.DOWN, far, {}).plan
    assert len(plan.units) == 1
    assert plan.uses == ()
