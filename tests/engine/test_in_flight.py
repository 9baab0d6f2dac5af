"""For how long what a dead process had sent may still begin, read from its journal."""

import pytest

from orchestrator.engine.in_flight import seconds_left
from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.procedures.custody import WAIT_OUT_SECONDS

DEPLOY = {"effect": "DeployStack", "unit": "app@far", "revision": "app@a6fecc7"}
OTHER = {"effect": "DeployStack", "unit": "app@home", "revision": "app@a6fecc7"}
NOW = 1000.0


def intended(at: float, body: dict[str, str], step: str = "deploy app@far") -> Entry:
    return Entry(at=at, kind=EntryKind.INTENDED, step=step, body=body)


def observed(at: float, body: dict[str, str], result: str, step: str = "deploy app@far") -> Entry:
    return Entry(at=at, kind=EntryKind.OBSERVED, step=step, body={**body, "result": result})


def test_nothing_is_waited_out_where_nothing_was_sent() -> None:
    opened = Entry(at=NOW - 1, kind=EntryKind.OPENED, body={"how": "begun"})
    assert seconds_left((), NOW) == 0
    assert seconds_left((opened,), NOW) == 0


@pytest.mark.parametrize("result", ["ok", "failed", "late"])
def test_what_was_answered_has_begun_or_never_will(result: str) -> None:
    assert seconds_left((intended(990, DEPLOY), observed(999, DEPLOY, result)), NOW) == 0


def test_a_lost_answer_is_none() -> None:
    told = (intended(990, DEPLOY), observed(999, DEPLOY, "unknown"))
    assert seconds_left(told, NOW) == WAIT_OUT_SECONDS - 10


def test_the_last_one_without_an_answer_counts() -> None:
    told = (
        intended(980, DEPLOY),
        intended(985, OTHER, "deploy app@home"),
        intended(999, DEPLOY, "deploy it again"),
        observed(999.5, DEPLOY, "ok", "deploy it again"),
    )
    assert seconds_left(told, NOW) == WAIT_OUT_SECONDS - 15


def test_an_answer_is_that_of_the_same_effect_of_the_same_step() -> None:
    told = (intended(990, DEPLOY), observed(999, OTHER, "ok"))
    assert seconds_left(told, NOW) == WAIT_OUT_SECONDS - 10
    twice = (intended(990, DEPLOY), observed(991, DEPLOY, "failed"), intended(995, DEPLOY))
    assert seconds_left(twice, NOW) == WAIT_OUT_SECONDS - 5


def test_after_a_while_nothing_is_under_way_any_more() -> None:
    assert seconds_left((intended(NOW - WAIT_OUT_SECONDS, DEPLOY),), NOW) == 0
    assert seconds_left((intended(1.0, DEPLOY),), NOW) == 0


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours() -> None:
    assert seconds_left((intended(NOW + 7200, DEPLOY),), NOW) == WAIT_OUT_SECONDS


def test_a_message_is_no_change_of_a_swarm() -> None:
    assert seconds_left((intended(999, {"effect": "Announce", "site": "home"}),), NOW) == 0
