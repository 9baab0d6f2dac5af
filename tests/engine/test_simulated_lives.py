"""Runs under their lock on the simulated fleet: begun, stopped, resumed, restored."""

from typing import Any

import pytest

from orchestrator.errors import ExitCode
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.selection import Request
from orchestrator.simulation.scenario import Scenario
from tests.lives import Machine
from tests.simulated import Simulated, simulated

EVERYTHING = {
    "datatrail@chime",
    "datatrail-daemons@chime",
    "datatrail-client@chime",
    "datatrail-client@outrigger-buffer",
    "datatrail-client@kko",
    "datatrail-client@gbo",
}


def scenario(**text: Any) -> Scenario:
    return Scenario.model_validate(text)


def configs(world: Simulated) -> set[str]:
    swarm = world.fleet.sites["chime"].swarm
    return {c.name for c in swarm.configs.values() if c.name.startswith("dtdeploy")}


def test_a_run_that_ends_well_leaves_no_lock() -> None:
    world = simulated()
    end = Machine(world=world, backend=world.backend).begins()
    assert end.exit_code is ExitCode.DONE, end
    assert world.stacks_running() == EVERYTHING
    assert configs(world) == set()
    assert world.oracle.violations == []


def test_a_refused_run_releases_the_lock() -> None:
    world = simulated(scenario(sites={"kko": {"link": "cut"}}))
    end = Machine(world=world, backend=world.backend).begins()
    assert end.exit_code is ExitCode.SITE_UNREACHABLE
    assert not end.kept
    assert configs(world) == set()


def test_a_run_stopped_half_way_is_resumed_from_another_machine() -> None:
    world = simulated(generation=2)
    first = Machine(world=world, backend=world.backend, stop=lambda: world.backend.now() > 12.0)
    end = first.begins()
    assert end.exit_code is ExitCode.INTERRUPTED
    assert end.kept
    assert world.stacks_running() != EVERYTHING
    second = Machine(world=world, backend=world.backend, name="other")
    resumed = second.resumes()
    assert resumed is not None
    assert resumed.exit_code is ExitCode.DONE, resumed
    assert world.stacks_running() == EVERYTHING
    assert configs(world) == set()
    assert second.resumes() is None
    assert world.oracle.violations == []


def test_a_new_server_that_never_gets_healthy_is_replaced_by_the_former_one() -> None:
    loop = [{"stack": "datatrail", "kind": "crash_loop"}]
    world = simulated(scenario(behaviours=loop), generation=2)
    machine = Machine(world=world, backend=world.backend)
    end = machine.begins(on_failure=OnFailure.RESTORE)
    assert end.way_back is not None
    assert end.exit_code in (ExitCode.UNHEALTHY, ExitCode.RESTORED)


def test_a_site_that_is_left_out_is_owed() -> None:
    world = simulated(scenario(sites={"gbo": {"link": "cut"}}))
    request = Request(
        everything=True,
        without=("gbo",),
        accept_unknown=("datatrail-client@gbo",),
        because="link down",
    )
    end = Machine(world=world, backend=world.backend).begins(request=request)
    assert end.exit_code is ExitCode.DONE, end
    assert configs(world) == {"dtdeploy.owed"}


@pytest.mark.parametrize("at", [1.0, 3.0, 8.0, 14.0, 20.0])
def test_rolling_back_a_stopped_run_brings_back_what_ran(at: float) -> None:
    world = simulated(generation=2)
    first = Machine(world=world, backend=world.backend, stop=lambda: world.backend.now() > at)
    end = first.begins()
    if not end.kept:
        return
    back = Machine(world=world, backend=world.backend, name="other").rolls_back()
    assert back is not None
    assert back.exit_code is ExitCode.RESTORED, back
    assert world.stacks_running() == EVERYTHING
    shas = {s.release.revision.sha for s in world.former.values()}
    look = {
        label
        for site in world.fleet.sites.values()
        for service in site.swarm.services.values()
        for name, label in service.look().labels
        if name == "dtdeploy.revision"
    }
    assert look <= shas
    assert world.oracle.violations == []
