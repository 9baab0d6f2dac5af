"""What a dtdeploy leaves behind, made on a simulated fleet: always the same, of the same code."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from orchestrator.cli.journals import Journals
from orchestrator.cli.wiring import World
from orchestrator.errors import ExitCode
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import FaultKind
from tests.cli.desk import Desk
from tests.simulated import simulated
from tests.states.keyboard import Keyboard
from tests.states.state import HAMLET, Line, Thing, behaves, created, happens, mended

PLAN = "saved.plan"
"""The file that a scene's plan is written to, in the scene's folder."""
USED_PLAN = "used.plan"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the fleet or is typed there, and how that ends: -9 is killed."""

    what: Thing | Line
    code: int = ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Scene:
    """What is stored once all of `steps` happened, one after another."""

    name: str
    steps: tuple[Step, ...]


_LEAVING_FAR_OUT = (
    "dtdeploy restart --all --without far --accept-unknown app-client@far"
    " --accept-unknown app-edge@far --because 'its link is down'"
)
_KILLED = Step(
    Line(
        words="dtdeploy restart --all --because 'a new kernel'",
        killed=created("app-client", "away"),
    ),
    -9,
)
STOPPED = Scene("stopped", (_KILLED,))
"""A run that was killed when the server was back and some of its clients."""
BROKEN = Scene(
    "broken",
    (_KILLED, Step(Line(words="dtdeploy lock break run-0001 --because 'nobody knows it'"))),
)
"""The same run, given up."""
ENDED = Scene(
    "ended",
    (
        Step(happens(FaultKind.LINK_CUT, "far")),
        Step(Line(words=_LEAVING_FAR_OUT)),
        Step(mended(FaultKind.LINK_CUT, "far")),
        Step(
            Line(words=f"dtdeploy plan --for restart app-client@home --out {{folder}}/{USED_PLAN}")
        ),
        Step(Line(words=f"dtdeploy apply {{folder}}/{USED_PLAN} --expect {{hash}}")),
        Step(
            Line(words=f"dtdeploy plan --for restart --stack app-daemons --out {{folder}}/{PLAN}")
        ),
    ),
)
"""A run without a site, whose units are owed; a saved plan that was applied, and one to apply."""
FAILED = Scene(
    "failed",
    (
        Step(behaves(Kind.CRASH_LOOP, "app", "home")),
        Step(Line(words="dtdeploy restart --all"), ExitCode.UNHEALTHY),
    ),
)
"""A run whose server did not come back: it is kept, with what its tasks wrote last."""
SCENES = (STOPPED, BROKEN, ENDED, FAILED)


def keyboard(journals: Journals) -> Keyboard:
    """Return a keyboard at a fleet where all is well, whose runs have the same names each time."""
    numbers = count(1)

    def numbered(world: World) -> World:
        number = next(numbers)
        holder = replace(world.holder, session=f"ops-{number}", pid=1000 + number)
        return replace(world, run_id=f"run-{number:04}", holder=holder)

    made = Keyboard(desk=Desk(shared=simulated(inventory=HAMLET, generation=2), journals=journals))
    made.changes.append(numbered)
    return made


def play(scene: Scene, folder: Path, journals: Journals) -> Keyboard:
    """Let a scene happen, and return the keyboard that it was typed on."""
    made = keyboard(journals)
    for step in scene.steps:
        match step.what:
            case Line(words=words, killed=killed):
                words = fill_in(words, folder)
                typed = made.type(words, by_heart=True, killed=killed)
                assert typed.code == step.code, typed.screen
            case thing:
                _do(thing, made)
    return made


def fill_in(words: str, folder: Path) -> str:
    """Return a command with the folder of its plans, and with the hash of the one it applies."""
    filled = words.replace("{folder}", str(folder))
    if "{hash}" not in filled:
        return filled
    return filled.replace("{hash}", json.loads((folder / USED_PLAN).read_bytes())["sha256"])


def _do(thing: Callable[[Keyboard], None], made: Keyboard) -> None:
    thing(made)
