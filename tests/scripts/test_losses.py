"""Fleets lost on the lab: each is counted once, and the third to one cause ends the run."""

from pathlib import Path
from typing import Literal

import pytest

from tests.losses import LOST, MOST_LOST, Losses


def report(
    cause: str, when: Literal["setup", "call", "teardown"] = "teardown"
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="test_it",
        location=(str(Path(__file__)), 1, "test_it"),
        keywords={},
        outcome="failed",
        longrepr=None,
        when=when,
        user_properties=[(LOST, [cause, "test_it", "made anew"])],
    )


def test_the_third_fleet_lost_to_one_cause_ends_the_run() -> None:
    losses = Losses()
    for _ in range(MOST_LOST - 1):
        losses.take_in(report("a disk is full"))
        losses.take_in(report("a host is gone"))
    with pytest.raises(pytest.exit.Exception, match="a disk is full"):
        losses.take_in(report("a disk is full"))


def test_a_loss_is_told_in_each_phase_and_counted_in_the_last() -> None:
    losses = Losses()
    for when in ("setup", "call", "teardown"):
        losses.take_in(report("a disk is full", when))
    assert losses.lines == ["test_it: a disk is full; made anew"]
