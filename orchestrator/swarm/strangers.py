"""Managers that the inventory names for one site, and that are of another Swarm than its own."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from orchestrator.errors import FleetError, Problem
from orchestrator.swarm.link import SiteLink
from orchestrator.swarm.remote_command import Clock

OTHER_SWARM = "swarm.other-swarm"


def ask_others(link: SiteLink, clock: Clock) -> Callable[[float], tuple[Problem, ...]]:
    """Ask every manager of a site's list but the one in use of which Swarm it is, side by side.

    Returns:
        What waits, for at most so many seconds, until all have answered, and returns what is
        wrong with those that are of another Swarm. Those that do not answer are no matter: none
        of them is believed as long as the one in use is.

    """
    others = link.others()
    words: SimpleQueue[Problem | None] = SimpleQueue()
    for one in others:
        threading.Thread(target=lambda one=one: words.put(_stranger(one)), daemon=True).start()

    def wait(seconds: float) -> tuple[Problem, ...]:
        end, found = clock() + seconds, []
        for _ in others:
            try:
                found.append(words.get(timeout=max(0.0, end - clock())))
            except Empty:
                break
        return tuple(problem for problem in found if problem is not None)

    return wait


def _stranger(one: SiteLink) -> Problem | None:
    try:
        one.api.ask_with_info((), max_age_seconds=0.0)
    except FleetError as error:
        return next((p for p in error.problems if p.code == OTHER_SWARM), None)
    finally:
        one.close()
    return None
