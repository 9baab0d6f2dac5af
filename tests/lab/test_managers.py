"""A Swarm of three managers and two workers whose first manager dies, in a lab of its own."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lab import faults, hosts, lifecycle, paths
from lab.processes import wait_until
from lab.standins.compose import idle_stack
from lab.topology import Shape
from tests.contract.failover import failover, hold
from tests.contract.real import RealWorld
from tests.contract.world import PAIR
from tests.lab.conftest import DEEP, Done, Operator, Running
from tests.lab.performing import performing

pytestmark = pytest.mark.lab

FIRST, SECOND, THIRD = "aux.kko", "kko-m2", "kko-m3"
SITES = """
version: 1
managed_prefix: shop
coordinator: {coordinator}
repos: {{datatrail: {{url: "ssh://git@github.com/chimefrb/datatrail", ref: main}}}}
sites:
  kko: {{manager: {managers}, stacks: [shop, shop-client]}}
  chime: {{manager: frb-vsop.chime, stacks: [shop-client]}}
"""
STACK = """
repo: datatrail
compose: stacks/shop.yaml
services: [idle]
policy: {stable: 2s}
"""
CLIENT = """
repo: datatrail
compose: stacks/shop-client-{site}.yaml
depends_on: [shop@kko]
services: [idle]
policy: {stable: 2s}
"""
ON_WORKERS = '      placement: {constraints: ["node.role == worker"]}\n'
# Where in a restart the first manager dies.
PLACES = ["remove shop@kko  started"]
MORE_PLACES = [
    "deploy shop@kko  started",
    "prepare kko  started",
    "remove shop-client@kko  started",
    "deploy shop-client@kko  started",
]
_NODES = 5
_BACK_SECONDS = 120


def written(folder: Path, managers: str, coordinator: str) -> Path:
    """Write an inventory that names these managers; return its file."""
    (folder / "stacks").mkdir(parents=True)
    text = SITES.format(managers=managers, coordinator=coordinator)
    (folder / "sites.yaml").write_text(text)
    (folder / "stacks" / "shop.yaml").write_text(STACK)
    (folder / "stacks" / "shop-client.yaml").write_text(CLIENT)
    return folder / "sites.yaml"


@pytest.fixture(scope="module")
def _lab() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
        lifecycle.up(Shape(sites=3, workers=2, managers_there=3))
        there = idle_stack() + ON_WORKERS
        faults.commit(
            "datatrail",
            {
                "stacks/shop.yaml": there,
                "stacks/shop-client-kko.yaml": there,
                "stacks/shop-client-chime.yaml": idle_stack(),
            },
        )
        yield
        lifecycle.down(purge=True)


# Which Swarm holds the lock: the one whose manager dies, which is the harder, or another.
COORDINATORS = ["kko", "chime"] if DEEP else ["kko"]


@pytest.fixture(params=COORDINATORS)
def operator(_lab: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Operator]:
    """Give an operator of a fleet that is well; the lock lies on either Swarm."""
    names = f"[{FIRST}, {SECOND}, {THIRD}]"
    somebody = Operator(written(tmp_path / "list", names, request.param))
    assert somebody.types("up", "--all", "--yes").code == 0
    yield somebody
    for running in list(Running.alive):
        running.kill()
    heal()


def heal() -> None:
    faults.heal()
    wait_until(_all_are_ready, seconds=_BACK_SECONDS, what="all nodes of kko to be ready")


def _all_are_ready() -> bool:
    asked = hosts.docker(SECOND, "node", "ls", "--format", "{{.Status}}", check=False)
    return asked.stdout.split() == ["Ready"] * _NODES


def ended_in_the_middle(operator: Operator, place: str) -> Done:
    """Restart everything, let the first manager vanish at `place`, and wait for the end."""
    restart = operator.starts("restart", "--all", "--yes")
    restart.until_it_says(place)
    faults.cut(FIRST)
    return restart.ends()


def all_is_well(operator: Operator) -> Done:
    status = operator.types("status", "--timeout", "30")
    assert status.code == 0, status
    return status


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", [*PLACES, *MORE_PLACES] if DEEP else PLACES)
def test_a_run_goes_on_when_the_first_manager_dies(operator: Operator, place: str) -> None:
    done = ended_in_the_middle(operator, place)
    if done.code != 0:
        resumed = operator.types("resume", "--yes")
        assert resumed.code == 0, f"{done}\n{resumed}"
    assert f"THROUGH  {SECOND}" in all_is_well(operator).out


@pytest.mark.skipif(not DEEP, reason="runs go on through it in the others: scripts/test --deep")
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_lab")
def test_what_is_seen_of_a_failover_is_what_the_simulation_shows() -> None:
    with performing() as performer:
        world = RealWorld(performer)
        try:
            told = failover(world, partial(faults.cut, FIRST))
        finally:
            heal()
        world.person_removes(world.unit("failover", PAIR))
    hold(told)


@pytest.mark.timeout(900)
def test_a_manager_that_is_dead_before_the_start_stops_nothing(operator: Operator) -> None:
    """Once the Swarm calls its node down; nothing of the plan was seen there."""
    faults.cut(FIRST)
    wait_until(_one_is_down, seconds=_BACK_SECONDS, what="the first manager's node to be down")
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert "one more loss ends the quorum" in " ".join(done.out.split())
    assert f"THROUGH  {SECOND}" in all_is_well(operator).out


def _one_is_down() -> bool:
    asked = hosts.docker(SECOND, "node", "ls", "--format", "{{.Status}}", check=False)
    return "Down" in asked.stdout.split()


@pytest.mark.timeout(900)
def test_a_run_is_resumed_through_a_manager_that_it_did_not_know(
    operator: Operator, tmp_path: Path
) -> None:
    """The dead manager was the only one that was named; another one is, and that is all."""
    coordinator = "chime" if "coordinator: chime" in operator.inventory.read_text() else "kko"
    alone = Operator(written(tmp_path / "alone", FIRST, coordinator))
    restart = alone.starts("restart", "--all", "--yes")
    restart.until_it_says("deploy shop@kko  started")
    restart.kill()
    faults.cut(FIRST)
    assert alone.types("resume", "--yes").code != 0
    other = Operator(written(tmp_path / "other", SECOND, coordinator))
    done = other.types("resume", "--yes", "--take-over")
    assert done.code == 0, done
    all_is_well(other)


@pytest.mark.timeout(900)
def test_a_list_with_a_manager_of_another_swarm_is_refused_before_anything_is_touched(
    operator: Operator, tmp_path: Path
) -> None:
    """Nobody has planned anything with it before, so nothing says which Swarm it should be."""
    if "coordinator: kko" in operator.inventory.read_text():
        pytest.skip("it does not matter where the lock lies")
    mixed = Operator(written(tmp_path / "mixed", f"[{FIRST}, outrigger_buffer.chime]", "chime"))
    mixed.begin()
    done = mixed.types("restart", "--all", "--yes")
    assert done.code == 20, done
    assert "swarm.other-swarm" in done.err
    assert mixed.touched() == []


@pytest.mark.timeout(900)
def test_another_swarm_is_never_taken_for_the_one_that_was_planned_for(
    operator: Operator, tmp_path: Path
) -> None:
    if "coordinator: kko" in operator.inventory.read_text():
        pytest.skip("the lock itself lies on the Swarm that is not reached")
    restart = operator.starts("restart", "--all", "--yes")
    restart.until_it_says("deploy shop@kko  started")
    restart.kill()
    strange = Operator(written(tmp_path / "strange", "outrigger_buffer.chime", "chime"))
    strange.begin()
    done = strange.types("resume", "--yes", "--take-over")
    assert "swarm.other-swarm" in done.err, done
    assert not [line for line in strange.touched() if line.startswith("outrigger_buffer.chime")]
    assert operator.types("resume", "--yes", "--take-over").code == 0
    all_is_well(operator)
