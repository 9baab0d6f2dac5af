"""A simulated Swarm of several managers: one dies, and what the others do meanwhile."""

from dataclasses import replace

import pytest

from orchestrator.engine.alone import carry_alone
from orchestrator.fleet.observed import Node, NodeState, Sight, Unseen
from orchestrator.inventory.model import Manager
from orchestrator.procedures.asking import ask_observe, ask_sleep
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.scenario import Scenario
from tests.simulated import Simulated, simulated

SITE = "kko"
FIRST, SECOND, THIRD = "aux.kko", "m2.kko", "m3.kko"
LONG_SECONDS = 60.0


@pytest.fixture
def three() -> Simulated:
    sites = {SITE: {"managers": [SECOND, THIRD]}}
    return simulated(Scenario.model_validate({"sites": sites}))


def dies(world: Simulated, *, for_seconds: float = 0.0) -> None:
    now = world.backend.now()
    fault = Fault(at=now, kind=FaultKind.MANAGER_DIES, site=SITE, for_seconds=for_seconds)
    inject(world.fleet, fault)
    passes(world, 0.1)


def passes(world: Simulated, seconds: float) -> None:
    carry_alone(world.backend, ask_sleep(seconds))


def look(world: Simulated) -> Sight | Unseen:
    return carry_alone(world.backend, ask_observe(SITE))


def node(sight: Sight | Unseen, name: str) -> Node:
    assert isinstance(sight, Sight)
    return next(node for node in sight.nodes if node.hostname == name)


def test_the_first_of_several_leads_and_is_asked(three: Simulated) -> None:
    seen = look(three)
    assert isinstance(seen, Sight)
    assert seen.via == ""
    assert [n.hostname for n in seen.nodes if n.leader] == [FIRST]
    assert {n.hostname for n in seen.nodes if n.manager} == {FIRST, SECOND, THIRD}


def test_without_a_leader_nothing_is_seen_until_another_is_elected(three: Simulated) -> None:
    dies(three)
    passes(three, 6.0)
    blind = look(three)
    assert isinstance(blind, Unseen)
    assert blind.problem.code == "swarm.no-quorum"
    passes(three, LONG_SECONDS)
    seen = look(three)
    assert isinstance(seen, Sight)
    assert seen.via == SECOND
    assert seen.info.node_id == node(seen, SECOND).id
    assert (node(seen, SECOND).leader, node(seen, FIRST).leader) == (True, False)
    assert node(seen, FIRST).state is NodeState.DOWN
    assert node(seen, FIRST).reachability == "unreachable"


def test_what_lay_on_its_disk_is_not_on_the_others(three: Simulated) -> None:
    site = three.fleet.sites[SITE]
    lay = dict(site.releases)
    assert lay
    dies(three)
    assert site.releases == {}
    assert site.releases_elsewhere == lay


def test_with_two_of_three_dead_there_is_no_leader(three: Simulated) -> None:
    dies(three)
    passes(three, LONG_SECONDS)
    dies(three)
    passes(three, LONG_SECONDS)
    assert isinstance(look(three), Unseen)


def test_one_that_comes_back_does_not_lead(three: Simulated) -> None:
    dies(three, for_seconds=90.0)
    passes(three, 90.0 + LONG_SECONDS)
    seen = look(three)
    assert node(seen, FIRST).state is NodeState.READY
    assert node(seen, SECOND).leader


@pytest.mark.parametrize("kind", [FaultKind.NODE_OFF, FaultKind.NODE_LOST, FaultKind.NODE_FROZEN])
def test_another_is_asked_whatever_befalls_the_one_that_was(
    three: Simulated, kind: FaultKind
) -> None:
    inject(three.fleet, Fault(at=0.0, kind=kind, site=SITE))
    passes(three, LONG_SECONDS)
    seen = look(three)
    assert node(seen, SECOND).leader
    assert node(seen, FIRST).reachability == "unreachable"


def test_with_two_that_do_not_lead_lost_there_is_no_leader_until_one_is_back(
    three: Simulated,
) -> None:
    for name in (SECOND, THIRD):
        inject(three.fleet, Fault(at=0.0, kind=FaultKind.NODE_OFF, site=SITE, node=name))
    passes(three, LONG_SECONDS)
    assert isinstance(look(three), Unseen)
    back = three.backend.now()
    inject(three.fleet, Fault(at=back, kind=FaultKind.NODE_BACK, site=SITE, node=THIRD))
    passes(three, LONG_SECONDS)
    assert node(look(three), FIRST).leader


def test_where_all_were_lost_one_of_those_that_come_back_leads(three: Simulated) -> None:
    for _ in range(3):
        dies(three)
    now = three.backend.now()
    for name in (SECOND, THIRD):
        inject(three.fleet, Fault(at=now, kind=FaultKind.NODE_BACK, site=SITE, node=name))
    inject(three.fleet, Fault(at=now, kind=FaultKind.LINK_OK, site=SITE))
    passes(three, LONG_SECONDS)
    assert sum(node.leader for node in sight(three).nodes) == 1
    assert not node(sight(three), FIRST).leader


def sight(world: Simulated) -> Sight:
    seen = look(world)
    assert isinstance(seen, Sight), seen
    return seen


def test_the_only_manager_that_dies_takes_the_way_there_along() -> None:
    world = simulated()
    dies(world, for_seconds=LONG_SECONDS)
    assert isinstance(look(world), Unseen)
    passes(world, 2 * LONG_SECONDS)
    assert isinstance(look(world), Sight)


def test_managers_that_the_inventory_names_are_there() -> None:
    world = simulated()
    sites = tuple(
        replace(site, others=(Manager(host=SECOND),)) if site.name == SITE else site
        for site in world.inventory.sites
    )
    named = simulated(inventory=replace(world.inventory, sites=sites))
    assert node(look(named), SECOND).manager
