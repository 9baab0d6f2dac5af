"""Bring a fleet to a state of the catalogue, and tell whether it is well."""

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.cli.meeting import find_run
from orchestrator.simulation.scenario import Scenario
from tests.cli.desk import Desk
from tests.simulated import Simulated, simulated
from tests.states.keyboard import Keyboard, Typed
from tests.states.state import Line, State, Thing


@dataclass(slots=True)
class Brought:
    """A fleet in a state, who sits at it, and what stands on the screen."""

    keyboard: Keyboard
    screen: str
    screens: list[Typed]
    goal: str

    def well(self) -> bool:
        """Whether nobody holds the lock, nothing is owed, and all runs; or nothing, if so meant."""
        desk = self.keyboard.desk
        if self.goal == "down":
            return find_run(desk.world()) is None and not desk.shared.stacks_running()
        return fully_healthy(fleet_status(desk.world()))


def bring(state: State, seen: Callable[[str], str] = str) -> Brought:
    """Build a fleet and bring it to `state`; `seen` may change what stands on each screen."""
    shared: Simulated = simulated(
        Scenario.model_validate({"sites": state.sites, "behaviours": list(state.behaviours)}),
        inventory=state.inventory,
        generation=2,
        shared=dict(state.shared),
    )
    keyboard = Keyboard(desk=Desk(shared=shared), seen=seen)
    for thing in state.before:
        thing(keyboard)
    screens = [_type(keyboard, line) for line in state.typed]
    for thing in state.after:
        thing(keyboard)
    if state.elsewhere:
        keyboard = Keyboard(desk=Desk(shared=shared, name="ops2"), seen=seen)
    screens += [keyboard.type(words, by_heart=True) for words in state.later]
    screen = "" if state.anew or not screens else screens[-1].screen
    return Brought(keyboard, screen, screens, state.goal)


def _type(keyboard: Keyboard, line: Line) -> Typed:
    upon = tuple((when, _later(keyboard, thing)) for when, thing in line.upon)
    held = find_run(keyboard.desk.world()) if "{run}" in line.words else None
    words = line.words.replace("{run}", held.hold.run if held else "")
    typed = keyboard.type(words, by_heart=True, killed=line.killed, stopped=line.stopped, upon=upon)
    if line.then is not None:
        line.then(keyboard)
    return typed


def _later(keyboard: Keyboard, thing: Thing) -> Callable[[], None]:
    return lambda: thing(keyboard)
