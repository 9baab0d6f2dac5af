"""Dead ends planted on purpose, to show that the reader is not blind.

Nothing is patched: each comes in through what stands on the screen before it is read, which is
where a dead end of dtdeploy would stand as well.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.simulation.faults import FaultKind
from tests.states.half_finished import SERVER_GOES
from tests.states.state import State, happens, killed, typed

_NEXT = re.compile(r"^NEXT  .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnd:
    """`screen` is what becomes of each screen, `caught` what is said of the way from `state`."""

    name: str
    state: State
    screen: Callable[[str], str]
    caught: str


def _refused_right_now(screen: str) -> str:
    """Name a command that needs the lock, while an unfinished run holds it."""
    return _NEXT.sub("NEXT  dtdeploy up --all --yes", screen)


def _advice_alone(screen: str) -> str:
    """Name what is to be done in words, and no command for it nor for afterwards."""
    return re.sub(r"^(NEXT  |    next: +).*$", r"\1mend what is wrong", screen, flags=re.MULTILINE)


def _naming_each_other(screen: str) -> str:
    """Let two refusals name each other: with the site it is refused, and without it as well."""
    other = "" if "[without." in screen else " --without far --because 'its link is down'"
    return _NEXT.sub(f"NEXT  dtdeploy restart --all --yes{other}", screen)


CUT = (happens(FaultKind.LINK_CUT, "far"),)
PLANTED = (
    DeadEnd(
        name="a NEXT that is refused in this very state",
        state=State(name="killed", typed=killed(SERVER_GOES), anew=True),
        screen=_refused_right_now,
        caught="refused: dtdeploy up --all --yes",
    ),
    DeadEnd(
        name="advice without a command",
        state=State(name="cut off", before=CUT),
        screen=_advice_alone,
        caught="names no command",
    ),
    DeadEnd(
        name="a circle of two refusals that name each other",
        state=State(name="cut off", before=CUT, typed=typed("dtdeploy restart --all")),
        screen=_naming_each_other,
        caught="a circle: dtdeploy restart --all --yes --without far",
    ),
)
