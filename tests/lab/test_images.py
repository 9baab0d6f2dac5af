"""The same bytes everywhere: what the plan says is what runs, however tags and registries move."""

import pytest

from lab import faults, hosts
from lab.daemons import registry
from lab.standins.images import CLIENT_IMAGE
from tests.lab.conftest import DEEP, Operator

pytestmark = pytest.mark.lab

ROUNDS = 20 if DEEP else 1
MANAGERS = ("frb-vsop.chime", "aux.kko", "aux.gbo")


def digests(host: str, image: str) -> set[str]:
    """Return by which digests the tasks on a host's Swarm run `image`."""
    ids = hosts.docker(host, "service", "ls", "-q").stdout.split()
    words = ["service", "ps", "--no-trunc", "--filter", "desired-state=running"]
    ran = hosts.docker(host, *words, "--format", "{{.Image}}", *ids).stdout.split()
    return {name.partition("@")[2] for name in ran if image in name}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_tag_that_moves_after_the_plan_is_made_reaches_no_site(
    operator: Operator, number: int
) -> None:
    del number
    try:
        was = {host: digests(host, CLIENT_IMAGE) for host in MANAGERS}
        running = operator.starts("restart", "--stack", "datatrail-client", "--yes")
        running.until_it_says("examine kko  started")
        registry.move_tags()
        done = running.ends()
        assert done.code == 0, done
        assert all(was.values())
        assert {host: digests(host, CLIENT_IMAGE) for host in MANAGERS} == was
        assert operator.violations() == []
    finally:
        registry.fill()


def test_once_prepared_a_restart_needs_no_registry(operator: Operator) -> None:
    """Packets to the registry vanish from then on: whoever asked it would wait for a minute."""
    running = operator.starts("restart", "--stack", "datatrail-client", "--yes")
    try:
        running.until_it_says("remove datatrail-client@kko  started")
        faults.cut("registry.lab")
        done = running.ends(seconds=90)
        assert done.code == 0, done
    finally:
        faults.heal()
