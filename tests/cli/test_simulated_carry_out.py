import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, FleetError
from orchestrator.fleet.observed import TaskState
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.asking import ask_sleep
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import FaultText, Scenario, SiteText
from tests.cli.desk import Desk, order
from tests.simulated import simulated


def test_a_site_that_blinks_while_it_is_planned_does_not_end_in_done() -> None:
    """It is seen by the preflight, so nothing is wrong, and nothing was done either."""
    blinks = Scenario(
        sites={"kko": SiteText(link=LinkState.CUT)},
        faults=(FaultText(at=8.0, kind=FaultKind.LINK_OK, site="kko"),),
    )
    desk = Desk(shared=simulated(blinks))
    with pytest.raises(FleetError) as refused:
        follow(desk.world(), order(Command.RESTART))
    [problem] = refused.value.problems
    assert problem.fix == "give the same command again: it plans anew"
    assert problem.where.site == "kko"
    assert desk.shared.oracle.touched == set()


SERVER = Request(units=("datatrail@chime",))


def scaled_to_nothing() -> Desk:
    """Return a desk where somebody scaled a service of the server to nothing."""
    desk = Desk(shared=simulated())
    fleet = desk.shared.fleet
    names = [s.name for s in fleet.sites["chime"].swarm.services_of("datatrail")]
    scale = Fault(
        at=0,
        kind=FaultKind.SERVICE_SCALE,
        site="chime",
        stack="datatrail",
        service=min(names).removeprefix("datatrail_"),
        count=0,
    )
    inject(fleet, scale)
    carry_alone(desk.shared.backend, ask_sleep(60))
    assert not fully_healthy(fleet_status(desk.world()))
    return desk


def test_what_does_not_run_is_started_while_others_that_need_it_run() -> None:
    """Nothing of the service runs, so nothing can be restarted under anybody."""
    desk = scaled_to_nothing()
    tasks = running_tasks(desk)
    assert follow(desk.world(), order(Command.UP, SERVER)) == ExitCode.DONE
    assert fully_healthy(fleet_status(desk.world()))
    assert tasks <= running_tasks(desk)


def running_tasks(desk: Desk) -> set[str]:
    return {
        task.id
        for site in desk.shared.fleet.sites.values()
        for task in site.swarm.task_list()
        if task.state is TaskState.RUNNING
    }
