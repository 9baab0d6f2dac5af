"""Each contract is held against two worlds: the simulated fleet, and the lab's real Swarms."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.packages import require
from orchestrator.fleet.unit import Unit
from tests.contract.real import RealWorld
from tests.contract.scene import Scene
from tests.contract.simulated import SimulatedWorld
from tests.contract.world import FRAGILE, PAIR, QUIET, World
from tests.lab.performing import performing

_ROOT = Path(__file__).parent.parent.parent
_LAB_SECONDS = 240
_NUMBERS = count(1)


def _bring_the_lab_up() -> None:
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    try:
        require()
    except LabError as error:
        pytest.fail(str(error))
    words = [sys.executable, "-m", "lab", "up"]
    subprocess.run(words, cwd=_ROOT, check=True, timeout=_LAB_SECONDS)


@pytest.fixture(scope="session", params=["simulated", pytest.param("real", marks=pytest.mark.lab)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as until_the_end:
        if request.param == "simulated":
            yield SimulatedWorld()
            return
        _bring_the_lab_up()
        world = RealWorld(until_the_end.enter_context(performing()))
        until_the_end.callback(world.heal)
        world.heal()
        yield world


def _scene(world: World, site: str) -> Iterator[Scene]:
    scene = Scene(world, Unit(f"contract-{next(_NUMBERS)}", site))
    yield scene
    world.person_removes(scene.unit)


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    """Give a stack at a site of one node: all of its containers are seen."""
    yield from _scene(world, QUIET)


@pytest.fixture
def pair(world: World) -> Iterator[Scene]:
    """Give a stack at a site of a manager and a worker, which is back in the end."""
    scenes = _scene(world, PAIR)
    scene = next(scenes)
    yield scene
    world.bring_worker_back()
    next(scenes, None)


@pytest.fixture
def fragile(world: World) -> Iterator[Scene]:
    """Give a stack at a site that is disturbed as a whole, and whole again in the end."""
    scenes = _scene(world, FRAGILE)
    scene = next(scenes)
    yield scene
    world.heal()
    next(scenes, None)
