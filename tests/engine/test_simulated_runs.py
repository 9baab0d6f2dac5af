"""Whole runs on the simulated fleet: the order, and the refusals."""

from typing import Any

import pytest

from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.simulation.happening import Happening, What
from orchestrator.simulation.scenario import Scenario
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


def fault(at: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "kind": kind, **more}


def mutations(world: Simulated) -> list[Happening]:
    seen: list[Happening] = []
    changing = (What.SERVICE_REMOVED, What.SERVICE_CREATED, What.NETWORK_REMOVED)
    world.fleet.subscribe(lambda h: seen.append(h) if h.what in changing else None)
    return seen


def test_restart_all_brings_everything_back_and_breaks_no_rule() -> None:
    world = simulated()
    seen = mutations(world)
    assert world.run(Command.RESTART).exit_code is ExitCode.DONE
    assert world.stacks_running() == EVERYTHING
    assert world.oracle.violations == []
    removed = [f"{h.stack}@{h.site}" for h in seen if h.what is What.SERVICE_REMOVED]
    assert removed[-1] == "datatrail@chime"
    assert set(removed) == EVERYTHING


def test_down_and_up_again() -> None:
    world = simulated()
    assert world.run(Command.DOWN).exit_code is ExitCode.DONE
    assert world.stacks_running() == set()
    assert world.run(Command.UP).exit_code is ExitCode.DONE
    assert world.stacks_running() == EVERYTHING
    assert world.oracle.violations == []


def test_up_of_a_healthy_fleet_at_the_same_revision_changes_nothing() -> None:
    world = simulated()
    seen = mutations(world)
    assert world.run(Command.UP).exit_code is ExitCode.DONE
    assert seen == []


def test_restart_of_one_site_touches_that_site_only() -> None:
    world = simulated()
    seen = mutations(world)
    assert world.run(Command.RESTART, Request(sites=("kko",))).exit_code is ExitCode.DONE
    assert {h.site for h in seen} == {"kko"}


@pytest.mark.parametrize(
    ("site", "about", "code"),
    [
        ("kko", {"link": "cut"}, ExitCode.SITE_UNREACHABLE),
        ("kko", {"link": "host_key"}, ExitCode.HOST_KEY_REFUSED),
        ("kko", {"link": "login"}, ExitCode.LOGIN_REFUSED),
        ("kko", {"registry": "denied"}, ExitCode.LOGIN_REFUSED),
        ("gbo", {"undeclared": ["datatrail-extra"]}, ExitCode.SAFETY_REFUSED),
        ("gbo", {"disk_free_gb": 0.2}, ExitCode.SAFETY_REFUSED),
        ("gbo", {"clock_offset_seconds": 90}, ExitCode.SAFETY_REFUSED),
        ("kko", {"workers": ["w1"], "down": ["w1"]}, ExitCode.SAFETY_REFUSED),
    ],
    ids=lambda value: str(value)[:40],
)
def test_preflight_refuses_and_nothing_is_touched_anywhere(
    site: str, about: dict[str, Any], code: ExitCode
) -> None:
    world = simulated(scenario(sites={site: about}))
    seen = mutations(world)
    report = world.run(Command.RESTART)
    assert report.exit_code is code
    assert any(problem.where.site == site for problem in report.problems)
    assert seen == []


def test_a_database_that_is_down_refuses_before_anything_goes_down() -> None:
    world = simulated(scenario(outside={"frb-l4.chime:5432": "down"}))
    seen = mutations(world)
    report = world.run(Command.RESTART)
    assert report.exit_code is ExitCode.SAFETY_REFUSED
    assert any("database" in problem.what for problem in report.problems)
    assert seen == []


def test_problems_of_all_sites_are_reported_together() -> None:
    sites = {"kko": {"link": "cut"}, "gbo": {"registry": "denied"}}
    report = simulated(scenario(sites=sites)).run(Command.RESTART)
    assert {problem.where.site for problem in report.problems} >= {"kko", "gbo"}


def test_a_client_that_never_goes_away_leaves_the_server_up() -> None:
    stuck = [{"site": "gbo", "stack": "datatrail-client", "kind": "stuck"}]
    world = simulated(scenario(behaviours=stuck))
    report = world.run(Command.RESTART)
    assert report.exit_code in (ExitCode.REMOVAL_UNFINISHED, ExitCode.OUTCOME_UNKNOWN)
    assert "datatrail@chime" in world.stacks_running()
    assert world.oracle.violations == []


def test_a_worker_that_freezes_in_the_middle_keeps_the_server_up() -> None:
    world = simulated(
        scenario(
            sites={"kko": {"workers": ["kko-w1"]}},
            faults=[fault(3.0, "node_frozen", site="kko", node="kko-w1")],
        )
    )
    report = world.run(Command.RESTART)
    assert report.exit_code is ExitCode.OUTCOME_UNKNOWN
    assert "datatrail@chime" in world.stacks_running()
    assert world.oracle.violations == []


def test_a_daemon_that_crash_loops_fails_the_run_and_the_rest_comes_up() -> None:
    loop = [{"stack": "datatrail-daemons", "service": "inventory", "kind": "crash_loop"}]
    world = simulated(scenario(behaviours=loop))
    report = world.run(Command.RESTART)
    assert report.exit_code is ExitCode.UNHEALTHY
    assert "non-zero exit" in " ".join(report.problems[0].evidence)
    assert world.stacks_running() >= EVERYTHING - {"datatrail-daemons@chime"}


def test_a_docker_command_that_is_too_old_refuses_before_anything_goes_down() -> None:
    world = simulated(scenario(faults=[fault(0, "file_refused", site="kko")]))
    seen = mutations(world)
    report = world.run(Command.RESTART)
    assert report.exit_code is ExitCode.SOURCE_FAILED
    assert [(p.code, p.where.site) for p in report.problems] == [("source.manager-refuses", "kko")]
    assert seen == []
    assert world.stacks_running() == EVERYTHING


def test_what_an_older_engine_drops_keeps_those_down_that_need_the_unit() -> None:
    world = simulated(scenario(faults=[fault(0, "field_dropped", site="chime")]))
    report = world.run(Command.RESTART)
    assert report.exit_code is ExitCode.UNHEALTHY
    (problem,) = (p for p in report.problems if p.code == "deploy.differs")
    assert str(problem.where.stack) == "datatrail"
    assert any("health check" in line for line in problem.evidence)
    assert world.stacks_running() <= {"datatrail@chime"}
    assert world.oracle.violations == []
