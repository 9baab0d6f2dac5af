"""`dtdeploy doctor` against real Swarms: what it can find out, and what it says of faults."""

import json
from typing import Any

import pytest

from lab import faults
from orchestrator.errors import ExitCode
from tests.lab.conftest import Done, Operator

pytestmark = pytest.mark.lab


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_all_that_wears_out_can_be_found_out_and_nothing_is_touched(operator: Operator) -> None:
    done = operator.types("--json", "doctor")
    assert done.code == ExitCode.DONE, done
    checks = [item for item in lines(done) if item["event"] == "check"]
    assert {item["site"] for item in checks} == {"chime", "outrigger-buffer", "kko", "gbo"}
    assert len(checks) == 4 * 13
    found = {item["check"]: item for item in checks if item["site"] == "kko"}
    for name in ("ingress pool", "disk", "images", "certificate", "SSH sessions", "pulls"):
        assert found[name]["state"] != "unknown", found[name]
    assert "expires in 9" in found["certificate"]["words"] or "8" in found["certificate"]["words"]
    assert operator.touched() == []


def test_one_cause_at_several_sites_is_told_once_with_its_meaning(operator: Operator) -> None:
    for host in ("aux.kko", "aux.gbo"):
        faults.registry_logout(host)
    done = operator.types("doctor")
    assert done.code == ExitCode.LOGIN_REFUSED, done
    headlines = [line for line in done.err.splitlines() if line.startswith("ERROR")]
    assert headlines, done
    assert all(line.startswith("ERROR  kko, gbo: ") for line in headlines), done
    assert "means: " in done.err
    assert "docker login" in done.err
    assert "registry.not-pullable" in done.err
