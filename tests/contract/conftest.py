"""Each contract is held against two worlds: the simulated fleet, and the lab's real Swarms."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.packages import require
from tests.contract.real import RealWorld, heal
from tests.contract.scene import Scene
from tests.contract.simulated import SimulatedWorld
from tests.contract.stories import KNOWN, OneByOne, Stories, side_by_side
from tests.contract.world import QUIET, Late, World
from tests.lab import fleet
from tests.lab.performing import performing

_ROOT = Path(__file__).parent.parent.parent
_LAB_SECONDS = 240
_NUMBERS = count(1)
_REAL = pytest.param("real", marks=[pytest.mark.lab, pytest.mark.engine])


def _bring_the_lab_up() -> None:
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    try:
        require()
    except LabError as error:
        pytest.fail(str(error))
    words = [sys.executable, "-m", "lab", "up"]
    subprocess.run(words, cwd=_ROOT, check=True, timeout=_LAB_SECONDS)


@contextmanager
def _real() -> Iterator[RealWorld]:
    with performing() as performer:
        yield RealWorld(performer)


@pytest.fixture(scope="session", params=["simulated", _REAL])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "simulated":
        yield SimulatedWorld()
        return
    _bring_the_lab_up()
    heal()
    with _real() as world:
        yield world
        world.clear_away_the_last()
    heal()


@pytest.fixture(scope="session")
def stories(request: pytest.FixtureRequest, world: World) -> Iterator[Stories]:
    if not isinstance(world, RealWorld):
        yield OneByOne(world)
        return
    asked = {name for item in request.session.items for name in _fixtures(item)}
    with side_by_side([name for name in KNOWN if name in asked], _real) as telling:
        yield telling


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture
def late(world: World) -> Late:
    return lambda seconds: seconds * world.patience


@pytest.fixture
def scene(world: World, stories: Stories) -> Iterator[Scene]:
    """Give a stack at a site of one node: all of its containers are seen."""
    del stories  # they are to be told meanwhile
    scene = Scene(world, world.unit(str(next(_NUMBERS)), QUIET))
    yield scene
    world.clear_away(scene.unit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Hold that the last of them leaves the lab's hosts well."""
    try:
        return (yield)
    finally:
        if _is_real(item) and not _is_real(nextitem):
            fleet.hold_hosts_well(item)


def _is_real(item: pytest.Item | None) -> bool:
    return isinstance(item, pytest.Function) and "[real" in item.nodeid
