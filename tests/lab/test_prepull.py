"""Images are on every node before anything stops, on a Swarm of a manager and two workers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, hosts, lifecycle, paths
from lab.processes import wait_until
from lab.topology import Shape
from lab.witness import records
from tests.lab.conftest import PULL, Operator
from tests.lab.test_recovery import deep

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

MANAGER = "aux.kko"
WORKERS = ("kko-w1", "kko-w2")
IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail-client"
COMPOSE = f"""
version: "3.8"
services:
  web:
    image: {IMAGE}:latest
    command: ["idle"]
    deploy: {{placement: {{constraints: ["node.role == worker"]}}}}
"""
SITES = """
version: 1
managed_prefix: pool
coordinator: home
repos: {datatrail: {url: "ssh://git@github.com/chimefrb/datatrail", ref: main}}
sites: {home: {manager: aux.kko, stacks: [pool]}}
"""
STACK = """
repo: datatrail
compose: stacks/pool.yaml
services: [web]
policy: {stable: 1s}
"""


@pytest.fixture(scope="module")
def own_lab() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
        lifecycle.up(Shape(sites=3, workers=2))
        faults.commit("datatrail", {"stacks/pool.yaml": COMPOSE})
        yield
        lifecycle.down(purge=True)


@pytest.fixture
def pool(own_lab: None, tmp_path: Path) -> Iterator[Operator]:
    """Give an operator of one stack that runs, and workers without its image but where it runs."""
    del own_lab
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "pool.yaml").write_text(STACK)
    operator = Operator(tmp_path / "sites.yaml")
    done = operator.types("up", "--all", "--yes")
    assert done.code == 0, done
    forget_images()
    operator.begin()
    yield operator
    faults.heal()
    faults.registry_up()
    for worker in WORKERS:
        hosts.docker(MANAGER, "node", "update", "--availability", "active", worker)


def forget_images() -> None:
    """Take the image from nodes that do not run it; a node keeps what a container is made of."""
    for worker in WORKERS:
        ids = hosts.docker(worker, "images", "--quiet").stdout.split()
        hosts.docker(worker, "image", "rm", *ids, check=False)


def holds(worker: str) -> bool:
    return IMAGE in hosts.docker(worker, "images").stdout


def runs_at() -> str:
    ask = ["service", "ps", "pool_web", "--filter", "desired-state=running"]
    return hosts.docker(MANAGER, *ask, "--format", "{{.Node}}").stdout.strip()


def pulls() -> list[str]:
    ask = ["service", "ls", "--quiet", "--filter", "label=dtdeploy.pull"]
    return hosts.docker(MANAGER, *ask).stdout.split()


def begun(pool: Operator) -> list[str]:
    """Return the services that were created since for nodes to pull through."""
    return [event.name for event in records.pulls(since=pool.since)]


def containers(worker: str) -> int:
    return len(hosts.docker(worker, "ps", "--all", "--quiet").stdout.split())


def other(worker: str) -> str:
    return next(name for name in WORKERS if name != worker)


def test_a_restart_has_the_image_on_both_workers_and_leaves_nothing(pool: Operator) -> None:
    assert not holds(other(runs_at()))
    done = pool.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert "1 images in place, on 2 more nodes as well" in done.err
    assert all(holds(worker) for worker in WORKERS)
    assert pulls() == []
    assert sum(containers(worker) for worker in WORKERS) <= 2, "the former one may linger"


def test_a_task_comes_up_on_another_worker_though_the_registry_is_gone_by_then(
    pool: Operator,
) -> None:
    former = runs_at()
    hosts.docker(MANAGER, "node", "update", "--availability", "pause", former)
    restart = pool.starts("restart", "--all", "--yes")
    wait_until(
        lambda: any("service remove pool_web" in words for words in pool.touched()),
        seconds=60,
        what="the stack to be removed",
    )
    faults.registry_down()
    done = restart.ends()
    assert done.code == 0, done
    assert runs_at() == other(former)


def test_a_node_that_cannot_pull_refuses_before_anything_is_touched(pool: Operator) -> None:
    bad = other(runs_at())
    no_registry = ("OUTPUT", "-p", "tcp", "--dport", "5000", "-j", "REJECT")
    hosts.run(bad, "iptables", "-I", *no_registry)
    try:
        refused = pool.types("restart", "--all", "--yes")
    finally:
        hosts.run(bad, "iptables", "-D", *no_registry)
    assert refused.code == 20, refused
    assert "registry.node-cannot-pull" in refused.err
    assert f"node {bad} cannot pull {IMAGE}:latest" in refused.err
    assert f"docker node update --availability pause {bad}" in refused.err
    assert pool.touched() == []
    assert pulls() == []


def test_pulls_of_a_killed_run_confuse_nobody_and_the_next_run_ends_them(pool: Operator) -> None:
    faults.slow(other(runs_at()), rate="400kbit")
    restart = pool.starts("restart", "--all", "--yes")
    wait_until(lambda: bool(pulls()), seconds=60, what="a pull on nodes")
    restart.kill()
    left = pulls()
    assert left
    assert pool.touched() == []
    shown = pool.types("--json", "status")
    assert {unit["stack"] for unit in json.loads(shown.out.splitlines()[0])["units"]} == {"pool"}
    for words in (("status",), ("drift",), ("doctor",)):
        assert PULL not in (said := pool.types(*words)).out + said.err, said
    faults.heal()
    done = pool.types("resume", "--yes")
    assert done.code == 0, done
    assert pulls() == []
    assert all(holds(worker) for worker in WORKERS)


def test_down_ends_no_later_because_of_them(pool: Operator) -> None:
    """They stand in the way of no removal."""
    create = ["service", "create", "--quiet", "--detach", "--mode", "global"]
    never = ["--restart-condition", "none", "--log-driver", "json-file"]
    label = ["--log-opt", "dtdeploy-pulls-only=yes", "--label", "dtdeploy.pull=another"]
    hosts.docker(MANAGER, *create, *never, *label, f"{IMAGE}:latest")
    done = pool.types("down", "--all", "--yes")
    assert done.code == 0, done
    assert pulls(), "nothing had to be pulled"
    assert pool.types("up", "--all", "--yes").code == 0
    assert pulls() == []


@deep
def test_a_policy_leaves_workers_alone(pool: Operator) -> None:
    stack = pool.inventory.parent / "stacks" / "pool.yaml"
    stack.write_text(STACK.replace("stable: 1s", "stable: 1s, prepull: managers"))
    done = pool.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert begun(pool) == []
    stack.write_text(STACK)
    assert pool.types("restart", "--all", "--yes").code == 0
    assert len(begun(pool)) == 1
