"""`dtdeploy status` on the simulated fleet: the dead, the slow, rows that fill in, watching."""

import json
from dataclasses import replace

import jsonschema

from orchestrator.cli.fleet_status import Rounds, fleet_status
from orchestrator.cli.judging import fully_healthy, reconciled
from orchestrator.cli.watching import look_once, watch
from orchestrator.cli.wiring import World
from orchestrator.fleet.unit import Unit
from orchestrator.simulation.faults import FaultKind
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import FaultText, Scenario, SiteText
from orchestrator.ui.holding import Life
from orchestrator.ui.mode import Mode
from orchestrator.ui.status_schema import status_schema
from orchestrator.ui.status_view import Fleet, render_status
from tests.cli.desk import Desk
from tests.simulated import simulated
from tests.ui.runs import held
from tests.ui.test_plan_schema import strict


def desk(**sites: LinkState) -> Desk:
    text = {site: SiteText(link=link) for site, link in sites.items()}
    return Desk(shared=simulated(scenario=Scenario(sites=text)))


def rounds(world: World, timeout: float = 1.2) -> Rounds:
    return Rounds(world, (), timeout=timeout)


def test_a_dead_site_costs_its_time_out_and_no_more() -> None:
    world = desk(kko=LinkState.CUT).world()
    fleet = fleet_status(world, timeout=1.5)
    assert world.backend.now() < 1.6
    (problem,) = fleet.unreachable
    assert problem.what == "kko did not answer in 1.5 s"
    assert [row.unit.site for row in fleet.rows if row.verdict is None] == ["kko"]
    assert fleet.waiting == ()


def test_a_dead_coordinator_is_told_once() -> None:
    fleet = fleet_status(desk(chime=LinkState.CUT).world(), timeout=1.5)
    assert len(fleet.unreachable) == 1
    assert not fully_healthy(fleet)


def test_a_site_that_speaks_is_waited_for_longer() -> None:
    world = replace(desk(kko=LinkState.CUT).world(), reaches=lambda site: site == "kko")
    fleet_status(world, timeout=1.5)
    assert world.backend.now() >= 6.0


def test_rows_fill_in_and_the_dead_one_is_asked_until_the_end() -> None:
    shown: list[Fleet] = []
    fleet = rounds(desk(kko=LinkState.CUT).world()).look(shown.append)
    assert len(shown[0].waiting) == 4
    assert len(shown[0].rows) == len(fleet.rows)
    assert "kko" in shown[-1].waiting


def test_what_is_declared_is_read_from_what_is_here() -> None:
    behind = fleet_status(Desk(shared=simulated(generation=2)).world())
    assert {row.newer_commits for row in behind.rows} == {1}
    assert all(row.differing for row in behind.rows)
    fresh = fleet_status(Desk(shared=simulated()).world())
    assert {(row.newer_commits, row.differing) for row in fresh.rows} == {(0, 0)}


def test_a_fetch_happens_once() -> None:
    asking = Rounds(desk().world(), (), timeout=1.2, fetch=True)
    assert asking.look().mirrors == asking.look().mirrors


def test_one_look_is_one_line_of_json_as_the_schema_says() -> None:
    here = desk(kko=LinkState.CUT)
    here.mode = Mode.JSON
    world = here.world()
    look_once(world, rounds(world))
    (line,) = here.said().splitlines()
    jsonschema.validate(json.loads(line), strict(status_schema()))


class _Enough:
    """Ctrl-C after so many rounds."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, _seconds: float) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_watching_a_pipe_gives_a_block_with_the_time_each_round_until_ctrl_c() -> None:
    here = desk(kko=LinkState.CUT)
    world = replace(here.world(), sleep=_Enough(3))
    watch(world, rounds(world), 2.0)
    said = here.said()
    assert said.count("--- 2026-11-22T00:00:00+00:00\n") == 3
    assert said.count("5 of 6 units healthy") == 3


def test_a_site_that_comes_back_is_seen_in_a_later_round() -> None:
    here = desk(kko=LinkState.CUT)
    world = here.world()
    watching = rounds(world)
    assert watching.look().unreachable
    here.shared.fleet.sites["kko"].link.state = LinkState.OK
    assert any(not watching.look().unreachable for _ in range(30))


SERVER = Unit("datatrail", "chime")


def test_probes_are_asked_beside_the_looks_and_their_answers_shown() -> None:
    here = Desk(shared=simulated())
    asking = Rounds(here.world(), (), timeout=1.2, probes=True)
    fleet = asking.look()
    (row,) = (row for row in fleet.rows if row.probes)
    (answer,) = row.probes
    assert (row.unit, answer.name, answer.ok) == (SERVER, "server health", True)
    assert answer.words.startswith("HTTP 200")
    assert fully_healthy(fleet)
    text = " ".join(" ".join(render_status(fleet, width=200)).split())
    assert f"PROBES {SERVER} server health: HTTP 200" in text


def test_a_probe_that_is_answered_badly_makes_its_unit_unwell() -> None:
    """Its tasks all run: without --probes nobody would know."""
    down = FaultText(at=0, kind=FaultKind.OUTSIDE_DOWN, outside="frb-l4.chime:5432")
    here = Desk(shared=simulated(scenario=Scenario(faults=(down,))))
    assert fully_healthy(fleet_status(here.world(), timeout=1.2))
    fleet = Rounds(here.world(), (), timeout=1.2, probes=True).look()
    (row,) = (row for row in fleet.rows if row.words)
    assert row.unit == SERVER
    assert row.words[0].startswith("probe server health: ")
    assert not fully_healthy(fleet)


def test_a_probe_of_a_dead_site_is_not_waited_for() -> None:
    world = desk(chime=LinkState.CUT).world()
    fleet = Rounds(world, (), timeout=1.5, probes=True).look()
    assert world.backend.now() < 1.6
    assert not any(row.probes for row in fleet.rows)
    assert [problem.where.site for problem in fleet.unreachable] == ["chime"]


def test_what_runs_well_is_not_said_to_be_down_though_a_dead_run_wrote_so() -> None:
    fleet = fleet_status(Desk(shared=simulated()).world())
    lost = Unit("datatrail-client", "nowhere")
    left = held(Life.DEAD, down=((SERVER, 10.0), (lost, 10.0)))
    assert reconciled(left, fleet.rows).hold.down == ((lost, 10.0),)
