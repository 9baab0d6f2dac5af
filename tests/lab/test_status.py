"""`dtdeploy status` against real Swarms: the dead cost their own time-out, the others show."""

import json
import signal
from typing import Any

import jsonschema
import pytest

from lab import faults, hosts
from lab.processes import wait_until
from orchestrator.errors import ExitCode
from orchestrator.ui.status_schema import status_schema
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab


def fleet(operator: Operator, *words: str) -> dict[str, Any]:
    done = operator.types("--json", "status", *words)
    (line,) = done.out.splitlines()
    value: dict[str, Any] = json.loads(line)
    jsonschema.validate(value, status_schema())
    return value


def test_all_is_told_of_a_fleet_that_is_well(operator: Operator) -> None:
    found = fleet(operator, "--fetch")
    for row in found["units"]:
        assert row["verdict"] == "healthy"
        assert row["newer_commits"] is not None
        assert row["differing"] is not None
        assert row["since_seconds"] >= 0
    assert found["mirrors"]
    assert found["missing"] == []
    assert operator.types("status").code == ExitCode.DONE


@pytest.mark.parametrize("how", ["cut", "reject", "sshd"])
def test_of_a_dead_site_its_time_out_is_told_and_the_others_show(
    operator: Operator, how: str
) -> None:
    try:
        if how == "sshd":
            hosts.run("aux.gbo", "pkill", "-STOP", "-x", "sshd")
        else:
            (faults.cut if how == "cut" else faults.reject)("gbo")
        # So long that on a busy machine the others answer in time; both wait at once.
        shown = operator.starts("status", "--timeout", "8")
        found = fleet(operator, "--timeout", "8")
        done = shown.ends()
    finally:
        hosts.run("aux.gbo", "pkill", "-CONT", "-x", "sshd", check=False)
    assert done.code == ExitCode.SITE_UNREACHABLE, done
    assert "gbo did not answer in 8." in done.out or "refuses the connection" in done.out
    states = {row["unit"]: row["verdict"] for row in found["units"]}
    assert states.pop("datatrail-client@gbo") is None
    assert set(states.values()) == {"healthy"}
    assert [problem["code"] for problem in found["unreachable"]] == ["site.unreachable"]


@pytest.mark.alone
def test_a_dead_site_costs_no_more_than_its_time_out(operator: Operator) -> None:
    """Far from what a site that does not answer costs otherwise."""
    well = operator.types("status", "--timeout", "1")
    faults.cut("gbo")
    dead = operator.types("status", "--timeout", "1")
    assert dead.seconds < 1 + 3 * well.seconds, (well, dead)
    assert dead.code == ExitCode.SITE_UNREACHABLE, dead


def test_without_a_mirror_what_it_would_tell_is_not_known(operator: Operator) -> None:
    operator.forgets()
    found = fleet(operator)
    assert {row["newer_commits"] for row in found["units"]} == {None}
    assert found["missing"]
    assert found["mirrors"] == []


def test_watching_ends_with_ctrl_c_and_shows_each_round(operator: Operator) -> None:
    watching = operator.starts("--json", "status", "--watch", "0.5")
    try:
        wait_until(lambda: watching.out().count("\n") > 2, seconds=60, what="three rounds")
    finally:
        watching.send(signal.SIGINT)
    done = watching.ends(seconds=60)
    assert done.code == ExitCode.DONE, done
    rounds = [json.loads(line) for line in done.out.splitlines()]
    assert all(item["event"] == "fleet" for item in rounds)
