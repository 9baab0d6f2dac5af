"""What a test leaves broken is that test's failure, and no other's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab import faults, hosts, paths, whole
from lab.processes import wait_until
from tests.lab.conftest import DEEP, Operator
from tests.lab.fleet import ROOT, UNITS, lab

pytestmark = pytest.mark.lab
LOSERS = (
    "test_leaves_a_container_that_does_not_end",
    "test_leaves_a_dockerd_that_cannot_start",
    "test_leaves_a_disk_full",
)


def causes() -> set[str]:
    return {trouble.cause for trouble in whole.troubles(UNITS)}


def test_what_is_not_whole_is_seen(operator: Operator) -> None:
    del operator
    assert causes() == set()
    faults.docker_freeze("kko-w1")
    assert causes() == {"a dockerd does not answer"}
    faults.docker_thaw("kko-w1")
    hosts.run("aux.gbo", "mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", "/root/.dtdeploy")
    hosts.run("aux.gbo", "sh", "-c", "cat /dev/zero > /root/.dtdeploy/full 2> /dev/null; true")
    assert causes() == {"a disk is full"}
    hosts.run("aux.gbo", "umount", "/root/.dtdeploy")
    faults.stack("gbo", "datatrail-extra")
    wait_until(
        lambda: "a service of a test is left" in causes(), seconds=60, what="the stray to be seen"
    )
    hosts.docker("aux.gbo", "service", "rm", "datatrail-client_replicator")
    assert {"a service of a test is left", whole.MISSING} <= causes()


@pytest.mark.skipif(not DEEP, reason="takes three minutes: scripts/test --deep")
@pytest.mark.timeout(900)
def test_those_that_break_the_fleet_fail_and_all_after_them_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
    environment = {**os.environ, "DTDEPLOY_PLANTED": "1", "DTDEPLOY_DEEP": ""}
    del environment["PYTEST_CURRENT_TEST"]
    environment = {k: v for k, v in environment.items() if not k.startswith("PYTEST_XDIST")}
    words = [sys.executable, "-m", "pytest", "-v", "-p", "no:randomly", "-m", "lab", "-rA"]
    try:
        done = subprocess.run(
            [*words, f"--basetemp={tmp_path / 'inner'}", "tests/lab/planted.py"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=800,
            check=False,
        )
    finally:
        lab("down", "--purge")
    told = done.stdout + done.stderr
    assert set(re.findall(r"^ERROR tests/lab/planted.py::(\w+)", told, re.MULTILINE)) == set(LOSERS)
    failed = re.findall(r"^FAILED tests/lab/planted.py::(\w+)", told, re.MULTILINE)
    assert failed == ["test_leaves_a_dockerd_killed"], told
    after = set(re.findall(r"^PASSED tests/lab/planted.py::(test_after\w+)", told, re.MULTILINE))
    assert len(after) == 4, told
