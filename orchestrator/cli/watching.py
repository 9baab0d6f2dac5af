"""The status screen, once or again and again, for a terminal, a pipe or a machine."""

from contextlib import nullcontext

from orchestrator.cli.fleet_status import Rounds
from orchestrator.cli.wiring import World
from orchestrator.ui.status_view import Fleet


def look_once(world: World, rounds: Rounds) -> Fleet:
    """Look, on a terminal with rows that fill in as sites answer, and show what came of it."""
    with world.talk.status_screen() or nullcontext() as screen:
        fleet = rounds.look(screen)
    world.talk.status(fleet)
    return fleet


def watch(world: World, rounds: Rounds, seconds: float) -> None:
    """Look every `seconds` until Ctrl-C, or until nobody reads any more."""
    try:
        _watched(world, rounds, seconds)
    except KeyboardInterrupt:
        return


def _watched(world: World, rounds: Rounds, seconds: float) -> None:
    talk = world.talk
    screen = talk.status_screen()
    if screen is None:
        while talk.heard:
            talk.status(rounds.look(), at=talk.clock())
            world.sleep(seconds)
        return
    fleet: Fleet | None = None
    try:
        with screen:
            fleet = rounds.look(screen)
            while True:
                footer = f"{talk.clock():%H:%M:%S}, again every {seconds:g} s; Ctrl-C ends"
                screen(fleet, footer)
                world.sleep(seconds)
                fleet = rounds.look()
    finally:
        if fleet is not None:
            talk.status(fleet)
