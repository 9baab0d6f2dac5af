"""`dtdeploy drift`, and what a plan says of drift, on the simulated fleet."""

import json

import pytest

from orchestrator.cli.differing import fleet_drift
from orchestrator.cli.planning import make_book
from orchestrator.errors import UsageError
from orchestrator.fleet.drift import How
from orchestrator.fleet.presence import Presence
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import Scenario, SiteText
from orchestrator.ui.mode import Mode
from tests.cli.desk import Desk
from tests.simulated import ALL, simulated


def lines(desk: Desk, **request: tuple[str, ...]) -> dict[str, list[str]]:
    found = fleet_drift(desk.world(), Request(**request), {})  # type: ignore[arg-type] # tuples
    return {str(unit.unit): [str(change) for change in unit.changes] for unit in found.units}


def test_what_was_deployed_as_declared_has_no_drift() -> None:
    desk = Desk(shared=simulated())
    found = fleet_drift(desk.world(), Request(), {})
    assert not found.differs
    assert len(found.units) == 6
    assert found.spans == ()


def test_another_revision_differs_in_its_images_and_its_commits_are_asked_for() -> None:
    desk = Desk(shared=simulated(generation=2))
    found = fleet_drift(desk.world(), Request(stacks=("datatrail-daemons",)), {})
    (unit,) = found.units
    assert unit.differs
    assert {(change.kind, change.how) for change in unit.changes} == {("image", How.CHANGED)}
    assert (
        "registry.example/datatrail-daemons:1, declared registry.example/datatrail-daemons:2"
        in (str(unit.changes[0]))
    )
    ((old, new),) = [(span.old, span.new) for span in found.spans]
    assert (old.sha, new) == (unit.revision, unit.pinned)


def test_a_tag_that_leads_elsewhere_is_drift_at_every_site_and_a_danger_of_a_plan() -> None:
    shared = simulated()
    for site in shared.fleet.sites.values():
        site.swarm.registry.generation["registry.example/datatrail-client:1"] = 1
    desk = Desk(shared=shared)
    found = lines(desk, stacks=("datatrail-client",))
    assert len(found) == 4
    assert all("image registry.example/datatrail-client:1 moved" in c[0] for c in found.values())
    book = make_book(desk.world(), Command.RESTART, ALL, {})
    dangers = {danger for item in book.plan.units for danger in item.dangers}
    assert len(dangers) == 1
    assert "datatrail-client:1 moved" in dangers.pop()


def test_a_site_that_cannot_be_seen_hides_no_other() -> None:
    cut = Scenario(sites={"kko": SiteText(link=LinkState.CUT)})
    desk = Desk(shared=simulated(cut, generation=2))
    found = fleet_drift(desk.world(), Request(), {})
    assert [problem.where.site for problem in found.unreachable] == ["kko"]
    unseen = [unit for unit in found.units if unit.presence is Presence.UNKNOWN]
    assert [unit.unit.site for unit in unseen] == ["kko"]
    assert all(unit.changes for unit in found.units if unit not in unseen)


def test_what_is_not_deployed_differs_and_is_not_listed_service_by_service() -> None:
    desk = Desk(shared=simulated(Scenario(sites={"gbo": SiteText(deployed="none")})))
    found = fleet_drift(desk.world(), Request(sites=("gbo",)), {})
    (unit,) = found.units
    assert (unit.presence, unit.differs, unit.changes) == (Presence.GONE, True, ())


def test_an_unknown_site_is_a_mistake() -> None:
    with pytest.raises(UsageError):
        fleet_drift(Desk(shared=simulated()).world(), Request(sites=("kkp",)), {})


def test_it_is_told_as_text_and_as_json() -> None:
    desk = Desk(shared=simulated(generation=2))
    desk.talk().drift(fleet_drift(desk.world(), Request(), {}))
    assert desk.said().startswith("6 of 6 units differ from what is declared")
    desk.mode = Mode.JSON
    desk.talk().drift(fleet_drift(desk.world(), Request(sites=("kko",)), {}))
    told = json.loads(desk.said())
    assert (told["event"], told["differs"], len(told["units"])) == ("drift", True, 1)
