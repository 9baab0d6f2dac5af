"""No dead end: from each state of the catalogue, what the screen says leads to health."""

import pytest

from tests.states.catalogue import STATES
from tests.states.codes import ELSEWHERE, MAY_END_A_RUN
from tests.states.desks import bring
from tests.states.reader import MOST, MOST_AFTERWARDS, Way, flat, follow
from tests.states.state import State

ENOUGH = 60
"""States of which the catalogue has at least so many."""


def led(state: State) -> tuple[Way, str]:
    """Bring a fleet to `state` and follow the screen; return the way, and all that was shown."""
    brought = bring(state)
    way = follow(
        brought.screen,
        brought.keyboard,
        brought.well,
        state.act,
        tuple(brought.screens),
        nobody_mends=state.nobody_mends,
    )
    shown = [typed.screen for typed in (*brought.screens, *way.typed)]
    answered = any("--accept" in typed.line for typed in (*brought.screens, *way.typed))
    if state.by_the_files and not answered:
        # What somebody answered for may run, and the oracle is not told of it here.
        assert brought.keyboard.desk.shared.oracle.violations == []
    return way, flat(" ".join(shown))


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_the_screen_leads_back_to_health(state: State, request: pytest.FixtureRequest) -> None:
    way, shown = led(state)
    request.config.get_terminal_writer().line(f" | {state.name} | {way.shown()} |")
    assert not way.dead_end, (way.dead_end, way.shown())
    assert state.act is None or way.acted_after is not None, "nobody was told what to do"
    assert way.length <= MOST + MOST_AFTERWARDS
    assert not state.code or f"[{state.code}]" in shown, f"{state.code} is not shown"


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({state.name for state in STATES}) == len(STATES) >= ENOUGH


def test_every_code_that_a_run_can_end_with_has_a_state_or_a_reason_why_not() -> None:
    states = {state.code for state in STATES} - {""}
    assert sorted(MAY_END_A_RUN - states - ELSEWHERE.keys()) == []
    assert sorted(ELSEWHERE.keys() & states) == [], "these have a state by now"
    assert sorted(states - MAY_END_A_RUN) == [], "docs/errors.md does not know these"
    assert sorted(ELSEWHERE.keys() - MAY_END_A_RUN) == [], "no run ends with these any more"
