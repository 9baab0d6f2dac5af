"""Restarting a stack that publishes a port, over and over, on a tiny ingress network."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, hosts
from lab.standins.compose import idle_stack
from tests.lab.conftest import DEEP, ROOT, Operator

pytestmark = pytest.mark.lab

CYCLES = 30 if DEEP else 6
COMPOSE = idle_stack(replicas=3, published=18080)
SITES = """
version: 1
managed_prefix: pool
coordinator: home
repos: {datatrail: {url: "ssh://git@github.com/chimefrb/datatrail", ref: main}}
sites: {home: {manager: aux.gbo, stacks: [pool]}}
"""
STACK = """
repo: datatrail
compose: stacks/pool.yaml
services: [idle]
policy: {stable: 1s}
"""


@pytest.fixture
def pool(lab_is_up: None, tmp_path: Path) -> Iterator[Operator]:
    del lab_is_up
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "pool.yaml").write_text(STACK)
    words = [sys.executable, "-m", "lab", "up", "--ingress-subnet"]
    subprocess.run([*words, "10.99.0.0/28"], cwd=ROOT, check=True, timeout=240)
    faults.commit("datatrail", {"stacks/pool.yaml": COMPOSE})
    yield Operator(tmp_path / "sites.yaml")
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=ROOT, check=True, timeout=240)


@pytest.mark.timeout(1500)
def test_restarts_leak_no_address(pool: Operator) -> None:
    """Removing a network under stopping tasks leaks their ingress addresses: 4 cycles suffice."""
    assert pool.types("up", "--all", "--yes").code == 0
    for cycle in range(CYCLES):
        done = pool.types("restart", "--all", "--yes")
        assert done.code == 0, f"cycle {cycle}: {done}"
    states = hosts.docker("aux.gbo", "service", "ps", "pool_idle", "--format", "{{.CurrentState}}")
    assert states.stdout.count("Running") == 3
    assert "New" not in states.stdout
