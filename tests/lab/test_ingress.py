"""Restarting a stack that publishes a port, over and over, on a tiny ingress network."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, hosts, lifecycle, paths
from lab.standins.compose import idle_stack
from lab.topology import Shape
from tests.lab.conftest import DEEP, Operator

pytestmark = pytest.mark.lab

CYCLES = 30 if DEEP else 4
# Of the 14 addresses one is the gateway's, one the node's and one the service's: 11 are left.
INGRESS = "10.99.0.0/28"
REPLICAS = 5
COMPOSE = idle_stack(replicas=REPLICAS, published=18080)
SITES = """
version: 1
managed_prefix: pool
coordinator: home
repos: {datatrail: {url: "ssh://git@github.com/chimefrb/datatrail", ref: main}}
sites: {home: {manager: frb-vsop.chime, stacks: [pool]}}
"""
STACK = """
repo: datatrail
compose: stacks/pool.yaml
services: [idle]
policy: {stable: 1s}
"""


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Operator]:
    """Give an operator of one site, in a lab of its own."""
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "pool.yaml").write_text(STACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
        # As `python -m lab up` reads it: for a lab of its own nobody does.
        engine = os.environ.get("DTDEPLOY_LAB_ENGINE") or None
        lifecycle.up(Shape(sites=1, workers=0, ingress_subnet=INGRESS, engine=engine))
        faults.commit("datatrail", {"stacks/pool.yaml": COMPOSE})
        yield Operator(tmp_path / "sites.yaml")
        lifecycle.down(purge=True)


@pytest.mark.timeout(1500)
def test_restarts_leak_no_address(pool: Operator) -> None:
    """Removing a network under stopping tasks leaks their ingress addresses: 3 cycles suffice."""
    assert pool.types("up", "--all", "--yes").code == 0
    for cycle in range(CYCLES):
        done = pool.types("restart", "--all", "--yes")
        assert done.code == 0, f"cycle {cycle}: {done}"
    ask = ["service", "ps", "pool_idle", "--format", "{{.CurrentState}}"]
    states = hosts.docker("frb-vsop.chime", *ask)
    assert states.stdout.count("Running") == REPLICAS
    assert "New" not in states.stdout
