"""The reader of the catalogue finds dead ends: each of those that are planted is caught."""

import pytest

from tests.states.desks import bring
from tests.states.planted import PLANTED, DeadEnd
from tests.states.reader import follow


@pytest.mark.parametrize("dead_end", PLANTED, ids=lambda dead_end: dead_end.name)
def test_a_planted_dead_end_is_caught(dead_end: DeadEnd) -> None:
    brought = bring(dead_end.state, dead_end.screen)
    way = follow(brought.screen, brought.keyboard, brought.well, None, tuple(brought.screens))
    assert way.dead_end.startswith(dead_end.caught), way.shown()
