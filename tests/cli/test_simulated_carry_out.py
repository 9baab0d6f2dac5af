import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.errors import FleetError
from orchestrator.planning.plan import Command
from orchestrator.simulation.faults import FaultKind
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
    assert problem.evidence[0].startswith("kko: ")
    assert desk.shared.oracle.touched == set()
