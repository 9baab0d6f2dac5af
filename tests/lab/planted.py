"""Tests that leave the fleet broken, and tests after them that need it whole.

No test file by its name: `tests/lab/test_fleet.py` runs it in a pytest of its own, and anybody may:

    DTDEPLOY_PLANTED=1 .venv/bin/pytest -v -p no:randomly -m lab tests/lab/planted.py
"""

import os

import pytest

from lab import faults, hosts
from tests.lab.conftest import Operator
from tests.lab.fleet import COORDINATOR

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.environ.get("DTDEPLOY_PLANTED", "") != "1", reason="only when asked for"),
]
STACK = "datatrail-client"


def works(operator: Operator) -> None:
    done = operator.types("restart", "--site", "gbo", "--yes")
    assert done.code == 0, done


def test_leaves_a_container_that_does_not_end(operator: Operator) -> None:
    faults.image("stuck", stack=STACK, service="replicator", site="gbo")
    assert operator.types("restart", "--site", "gbo", "--yes").code == 0
    hosts.docker("aux.gbo", "service", "rm", f"{STACK}_replicator")


def test_after_it(operator: Operator) -> None:
    works(operator)


def test_leaves_a_dockerd_killed(operator: Operator) -> None:
    del operator
    faults.docker_crash("aux.gbo")
    pytest.fail("planted: what it left is mended")


def test_after_that(operator: Operator) -> None:
    works(operator)


def test_leaves_a_dockerd_that_cannot_start(operator: Operator) -> None:
    del operator
    faults.docker_crash(COORDINATOR)
    hosts.run(COORDINATOR, "sh", "-c", "echo '{' > /var/lib/docker/swarm/docker-state.json")


def test_after_that_one(operator: Operator) -> None:
    works(operator)


def test_leaves_a_disk_full(operator: Operator) -> None:
    del operator
    hosts.run("aux.gbo", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/root/.dtdeploy")
    hosts.run("aux.gbo", "sh", "-c", "cat /dev/zero > /root/.dtdeploy/full 2>&1; true")


def test_after_all_of_them(operator: Operator) -> None:
    works(operator)
