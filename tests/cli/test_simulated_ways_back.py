"""Going back and bringing back on the simulated fleet, with the code that runs live."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.journals import JournalFolder
from orchestrator.cli.judging import fully_healthy
from orchestrator.cli.meeting import find_run
from orchestrator.cli.resuming import resume_in
from orchestrator.cli.rolling_back import roll_back_in
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, FleetError, RefusedError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.owed import Owed, change_owed
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import Scenario
from tests.cli.desk import Desk, order
from tests.operators import Operators
from tests.simulated import ALL, Simulated, simulated

KKO = Unit(stack="datatrail-client", site="kko")
GBO = Unit(stack="datatrail-client", site="gbo")
SERVER = Unit(stack="datatrail", site="chime")
WITHOUT_GBO = Request(
    everything=True, without=("gbo",), because="its link is down", accept_unknown=(str(GBO),)
)


def scenario(**text: Any) -> Scenario:
    return Scenario.model_validate(text)


def revisions(desk: Desk) -> set[str]:
    return {row.revision for row in fleet_status(desk.world()).rows}


def of(sources: dict[Unit, Any]) -> set[str]:
    return {sourced.release.revision.sha for sourced in sources.values()}


def stopped_half_way(shared: Simulated, desk: Desk) -> str:
    """Kill a restart in the middle; returns its run id."""
    turns = Operators(shared.fleet)
    first = turns.start("first", lambda backend: follow(desk.world(backend), order()))
    first.kill(at=6.0)
    turns.run(until=7.0)
    turns.close()
    desk.alive.clear()
    found = find_run(desk.world())
    assert found is not None
    return found.hold.run


def roll_back(desk: Desk, run: str, *, dry_run: bool = False, take_over: bool = False) -> ExitCode:
    return roll_back_in(desk.world(), run, take_over=take_over, yes=True, dry_run=dry_run)


@pytest.mark.usefixtures("signals")
def test_an_unfinished_run_is_rolled_back_to_what_ran_before() -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    run = stopped_half_way(shared, desk)
    assert roll_back(desk, run) == ExitCode.DONE
    assert revisions(desk) == of(shared.former)
    assert fully_healthy(fleet_status(desk.world()))
    assert shared.oracle.violations == []


@pytest.mark.usefixtures("signals")
def test_a_way_back_is_shown_before_it_is_gone() -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    run = stopped_half_way(shared, desk)
    desk.said()
    assert roll_back(desk, run, dry_run=True) == ExitCode.DONE
    said = desk.said()
    assert "UNFINISHED" in said
    assert "back to what ran before" in said
    assert find_run(desk.world()) is not None


def finished(desk: Desk, command: Command = Command.RESTART, request: Request = ALL) -> str:
    world = desk.world()
    assert follow(world, order(command, request)) == ExitCode.DONE
    return world.run_id


def test_a_finished_run_is_rolled_back_by_its_journal(tmp_path: Path) -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared, journals=JournalFolder(tmp_path / "runs"))
    run = finished(desk)
    assert revisions(desk) == of(shared.sources)
    assert roll_back(desk, run) == ExitCode.DONE
    assert revisions(desk) == of(shared.former)
    assert fully_healthy(fleet_status(desk.world()))
    assert shared.oracle.violations == []
    assert roll_back(desk, run) == ExitCode.DONE
    assert "nothing to do" in desk.said()


def test_what_comes_back_is_the_very_image_that_ran(tmp_path: Path) -> None:
    """The tag of the former revision leads to another image by now."""
    shared = simulated(generation=2)
    desk = Desk(shared=shared, journals=JournalFolder(tmp_path / "runs"))
    was = images(shared)
    run = finished(desk)
    assert images(shared) != was
    for site in shared.fleet.sites.values():
        for image in {image.partition("@")[0] for image in was.values()}:
            site.swarm.registry.generation[image] = 1
    assert roll_back(desk, run) == ExitCode.DONE
    assert images(shared) == was


def images(shared: Simulated) -> dict[tuple[str, str], str]:
    return {
        (site.swarm.site, service.name): service.image
        for site in shared.fleet.sites.values()
        for service in site.swarm.services.values()
    }


def test_a_finished_run_is_rolled_back_by_what_the_services_say() -> None:
    shared = simulated(generation=2)
    run = finished(Desk(shared=shared))
    other = Desk(shared=shared, name="ops2")
    assert roll_back(other, run) == ExitCode.DONE
    assert revisions(other) == of(shared.former)
    assert shared.oracle.violations == []


def test_what_depends_on_what_is_rolled_back_comes_back_as_it_was() -> None:
    """One client was restarted again since: it is no part of the run, and stays at its revision."""
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    run = finished(desk)
    finished(desk, request=Request(units=(str(KKO),)))
    assert roll_back(Desk(shared=shared, name="ops2"), run) == ExitCode.DONE
    rows = {row.unit: row.revision for row in fleet_status(desk.world()).rows}
    assert rows[KKO] == shared.sources[KKO].release.revision.sha
    assert rows[GBO] == shared.former[GBO].release.revision.sha
    assert shared.oracle.violations == []


def test_a_first_deploy_is_rolled_back_to_nothing() -> None:
    shared = simulated(
        scenario(sites={"kko": {"deployed": "none"}, "gbo": {"deployed": "none"}}), generation=2
    )
    desk = Desk(shared=shared)
    run = finished(desk, command=Command.UP)
    assert roll_back(Desk(shared=shared, name="ops2"), run) == ExitCode.DONE
    assert "datatrail-client@kko" not in shared.stacks_running()
    assert "datatrail@chime" in shared.stacks_running()


def test_a_run_of_which_nobody_knows_is_not_rolled_back() -> None:
    desk = Desk(shared=simulated())
    with pytest.raises(RefusedError) as refused:
        roll_back(desk, "run-of-yesterday")
    assert refused.value.problems[0].code == "rollback.unknown-run"


def test_no_finished_run_is_rolled_back_while_a_site_cannot_be_seen() -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    run = finished(desk)
    shared.fleet.sites["gbo"].link.state = LinkState.CUT
    with pytest.raises(FleetError) as refused:
        roll_back(desk, run)
    assert refused.value.exit_code == ExitCode.SITE_UNREACHABLE


def test_what_nobody_knows_the_former_revision_of_stays_and_is_told() -> None:
    shared = simulated(scenario(sites={"chime": {"labelled": False}}), generation=2)
    desk = Desk(shared=shared)
    run = finished(desk)
    assert roll_back(desk, run) == ExitCode.SAFETY_REFUSED
    assert "restore.unknown-revision" in desk.said()
    rows = {row.unit: row.revision for row in fleet_status(desk.world()).rows}
    assert rows[KKO] == shared.former[KKO].release.revision.sha
    assert fully_healthy(fleet_status(desk.world()))


def test_a_rollback_takes_nothing_down_that_it_could_not_bring_back() -> None:
    shared = simulated(scenario(sites={"kko": {"labelled": False}}), generation=2)
    desk = Desk(shared=shared)
    run = finished(desk)
    assert roll_back(desk, run) == ExitCode.SAFETY_REFUSED
    said = desk.said()
    assert "restore.unknown-revision" in said
    assert "restore.left" in said
    rows = {row.unit: row.revision for row in fleet_status(desk.world()).rows}
    assert rows[SERVER] == shared.sources[SERVER].release.revision.sha
    assert rows[KKO] == shared.sources[KKO].release.revision.sha
    assert rows[GBO] == shared.former[GBO].release.revision.sha
    assert fully_healthy(fleet_status(desk.world()))


@pytest.mark.usefixtures("signals")
def test_another_run_is_not_rolled_back_while_one_is_unfinished() -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    stopped_half_way(shared, desk)
    with pytest.raises(RefusedError) as refused:
        roll_back(desk, "run-of-yesterday")
    assert refused.value.exit_code == ExitCode.LOCK_HELD


def bad_for(seconds: float) -> Scenario:
    """A client that crash-loops while it is deployed anew, and not when it is put back."""
    return scenario(
        behaviours=[
            {
                "image": "registry.example/datatrail-client:2",
                "site": "kko",
                "kind": "crash_loop",
                "run_seconds": seconds,
            }
        ]
    )


def test_a_restart_that_fails_brings_back_what_ran_before() -> None:
    shared = simulated(bad_for(1.0), generation=2)
    desk = Desk(shared=shared)
    code = follow(desk.world(), order(on_failure=OnFailure.RESTORE))
    said = desk.said()
    assert code == ExitCode.RESTORED, said
    assert "exit code 22: restored" in said
    assert "RESTORED" in said
    assert revisions(desk) == of(shared.former)
    assert fully_healthy(fleet_status(desk.world()))
    assert find_run(desk.world()) is None


def test_restoring_is_refused_before_anything_where_nobody_knows_what_ran() -> None:
    shared = simulated(scenario(sites={"kko": {"labelled": False}}), generation=2)
    desk = Desk(shared=shared)
    with pytest.raises(RefusedError) as refused:
        follow(desk.world(), order(on_failure=OnFailure.RESTORE))
    assert refused.value.problems[0].code == "restore.unknown-revision"
    assert find_run(desk.world()) is None


def test_what_was_left_out_is_owed_until_it_is_brought_back() -> None:
    shared = simulated(scenario(sites={"gbo": {"link": "cut"}}), generation=2)
    desk = Desk(shared=shared)
    assert follow(desk.world(), order(request=WITHOUT_GBO)) == ExitCode.DONE
    assert "NEXT  dtdeploy up --owed" in desk.said()
    shared.fleet.sites["gbo"].link.state = LinkState.OK
    fleet = fleet_status(desk.world())
    assert [item.unit for item in fleet.owed] == [GBO]
    assert not fully_healthy(fleet)
    assert follow(desk.world(), order(owed=True, request=Request())) == ExitCode.DONE
    fleet = fleet_status(desk.world())
    assert fleet.owed == ()
    assert fully_healthy(fleet)
    assert revisions(desk) == of(shared.sources)
    assert follow(desk.world(), order(owed=True, request=Request())) == ExitCode.DONE
    assert "nothing is owed" in desk.said()


def test_what_is_no_longer_declared_is_owed_no_longer() -> None:
    shared = simulated()
    desk = Desk(shared=shared)
    lost = Unit(stack="datatrail-old", site="kko")
    gone = Owed(unit=lost, run="r0", since=1.0, reason="its site was away")
    carry_alone(shared.backend, change_owed("chime", add=(gone,)))
    assert follow(desk.world(), order(owed=True, request=Request(), dry_run=True)) == 0
    assert fleet_status(desk.world()).owed == (gone,)
    assert follow(desk.world(), order(owed=True, request=Request())) == ExitCode.DONE
    assert "no inventory line declares it" in desk.said()
    assert fleet_status(desk.world()).owed == ()


def test_a_run_that_was_rolling_back_is_gone_on_with_in_the_same_direction() -> None:
    shared = simulated(generation=2)
    desk = Desk(shared=shared)
    run = stopped_half_way(shared, desk)
    turns = Operators(shared.fleet)
    back = turns.start(
        "back",
        lambda backend: roll_back_in(
            desk.world(backend), run, take_over=False, yes=True, dry_run=False
        ),
        at=10.0,
    )
    back.kill(at=13.0)
    turns.run(until=14.0)
    turns.close()
    desk.alive.clear()
    desk.said()
    code = resume_in(desk.world(), run, take_over=False, yes=True, dry_run=False)
    said = desk.said()
    assert code == ExitCode.RESTORED, said
    assert revisions(desk) == of(shared.former)
    assert shared.oracle.violations == []
