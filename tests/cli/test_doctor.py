"""`dtdeploy doctor`'s own looks, on the simulated fleet."""

import json

from orchestrator.cli.examining import inspect_sites, meanings
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import Scenario, SiteText
from orchestrator.ui.mode import Mode
from tests.cli.desk import Desk
from tests.simulated import simulated


def desk(**sites: SiteText) -> Desk:
    return Desk(shared=simulated(Scenario(sites=sites)))


def test_a_fleet_that_is_well_gets_a_line_a_check_and_no_warning() -> None:
    here = desk()
    assert inspect_sites(here.world()) == ()
    lines = here.said().splitlines()
    assert len(lines) == 4 * 13
    assert all(" ok " in line for line in lines)


def test_what_wears_out_at_several_sites_is_one_cause() -> None:
    old = SiteText(certificate_days=5)
    here = desk(kko=old, gbo=SiteText(certificate_days=6, ssh_sessions=4))
    world = here.world()
    warnings = inspect_sites(world)
    assert {(p.code, p.where.site) for p in warnings} == {
        ("swarm.certificate-expires", "kko"),
        ("swarm.certificate-expires", "gbo"),
        ("site.sessions-few", "gbo"),
    }
    here.said()
    world.talk.warnings(warnings)
    said = here.said()
    assert said.count("should have been renewed") == 1
    assert "3 warnings; nothing stops for them" in said


def test_a_site_that_is_away_is_left_to_preflight_and_only_those_asked_for_are_seen() -> None:
    here = desk(kko=SiteText(link=LinkState.CUT))
    assert inspect_sites(here.world(), ("kko", "gbo")) == ()
    assert {line.split()[0] for line in here.said().splitlines()} == {"gbo"}


def test_versions_are_compared_between_sites() -> None:
    here = desk(kko=SiteText(engine_version="28.2.2"))
    (warning,) = inspect_sites(here.world())
    assert (warning.code, warning.where.site) == ("site.versions-differ", "kko")


def test_a_machine_gets_a_line_a_check_and_one_of_warnings() -> None:
    here = desk(kko=SiteText(reclaimable_gb=40, certificate_days=None))
    here.mode = Mode.JSON
    world = here.world()
    world.talk.warnings(inspect_sites(world, ("kko",)))
    *checks, last = map(json.loads, here.said().splitlines())
    assert {check["event"] for check in checks} == {"check"}
    assert {check["check"]: check["state"] for check in checks}["certificate"] == "unknown"
    assert [item["code"] for item in last["warnings"]] == ["site.images-unused"]


def test_every_code_has_a_meaning_in_plain_words() -> None:
    assert "certificate" in meanings()["swarm.certificate-expires"]
