from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Override, Plan
from orchestrator.planning.risk import Risk, Typical
from orchestrator.procedures.announcement import (
    before,
    clock,
    downtime,
    ended,
    failed,
    one_line,
    resumed,
    title,
)
from tests.build import CLIENT, SERVER, inventory, plan, spec, unit_plan

UP = Before(presence=Presence.PRESENT)
GONE = Before(presence=Presence.GONE)
INVENTORY = inventory(spec(SERVER, announce=True), spec(CLIENT, SERVER))
MANY = tuple(Unit(stack="app-client", site=f"s{number}") for number in range(6))


def restart(*more: Unit, action: Action = Action.RESTART) -> Plan:
    units = (SERVER, CLIENT, *more)
    return plan(*(unit_plan(unit, action=action, before=UP) for unit in units))


def said(made: Plan, begins: float | None = None) -> list[str]:
    text = before(made, (SERVER,), words="restart --all", teller="ann@desk", begins=begins)
    return text.splitlines()


def test_what_goes_down_is_said_in_five_lines() -> None:
    risk = Risk(outage=Typical(median_seconds=7.2, worst_seconds=31.0, runs=4))
    assert said(replace(restart(), risk=risk, because="a leak")) == [
        "app@home goes down now.",
        "Why: a leak (dtdeploy restart --all)",
        "Expected length: about 7.2 s, at worst 31 s (past runs like this: 4).",
        "Down as well: app-client@far",
        "Who: ann@desk",
    ]


def test_notice_says_when() -> None:
    assert said(restart(), begins=43_200.0)[0] == "app@home goes down at 12:00 UTC, not before."


def test_without_a_history_nobody_knows_how_long() -> None:
    assert "not known" in said(restart())[2]


def test_what_always_took_as_long_is_said_once() -> None:
    risk = Risk(outage=Typical(median_seconds=300.0, worst_seconds=300.0, runs=1))
    assert said(replace(restart(), risk=risk))[2].endswith("about 5 min (past runs like this: 1).")


def test_what_is_taken_down_stays_so() -> None:
    made = replace(restart(action=Action.DOWN), risk=Risk(comes_back=False))
    assert said(made)[2] == "Expected length: until it is brought up again."


def test_a_reason_may_be_that_of_an_override() -> None:
    made = replace(restart(), override=Override(freeze=True, because="it burns"))
    assert said(made)[1] == "Why: it burns (dtdeploy restart --all)"


def test_many_units_are_counted() -> None:
    assert said(restart(*MANY))[3].endswith("app-client@s2 and 3 more")
    text = before(restart(), MANY[:2], words="w", teller="t", begins=None)
    assert text.startswith("app-client@s0, app-client@s1 go down now.")


def test_only_what_is_there_and_says_so_has_to_be_announced() -> None:
    assert downtime(INVENTORY, restart()) == (SERVER,)
    assert downtime(INVENTORY, plan(unit_plan(SERVER, action=Action.RESTART, before=GONE))) == ()
    assert downtime(INVENTORY, plan(unit_plan(SERVER, action=Action.UPDATE, before=UP))) == ()
    assert downtime(INVENTORY, plan(unit_plan(CLIENT, action=Action.RESTART, before=UP))) == ()


def test_all_messages_of_a_run_have_one_title() -> None:
    assert title("r1", (SERVER,)) == "Downtime of app@home, run r1"


def test_a_resume_says_who_goes_on_and_what_is_down() -> None:
    assert resumed((SERVER,), teller="ann@desk", former="ann@desk", down=()).splitlines() == [
        "The run had stopped; ann@desk goes on with it."
    ]
    text = resumed((SERVER,), teller="bob@lap", former="ann@desk", down=(SERVER, CLIENT))
    assert text.splitlines() == [
        "The run had stopped; bob@lap took over from ann@desk.",
        "app@home is down until it is done.",
    ]


def over(made: Plan, *, missing: tuple[Unit, ...] = (), restored: bool = False) -> list[str]:
    return ended(
        made,
        (SERVER,),
        outages=((SERVER, 12.2), (CLIENT, 99.0)),
        missing=missing,
        restored=restored,
        teller="ann@desk",
    ).splitlines()


def test_the_end_says_the_measured_outage() -> None:
    assert over(restart()) == [
        "app@home is up again.",
        "Measured outage: app@home 12 s.",
        "Who: ann@desk",
    ]
    assert over(restart(), missing=(CLIENT, SERVER))[2] == "Not back yet: app-client@far"


def test_what_went_down_on_purpose_is_not_called_up() -> None:
    made = restart(action=Action.DOWN)
    text = ended(made, (SERVER,), outages=(), missing=(), restored=False, teller="t")
    assert text.splitlines() == ["app@home is down, as planned.", "Who: t"]


def test_what_was_brought_back_is_said_to_be() -> None:
    assert over(restart(action=Action.DOWN), restored=True) == [
        "app@home is up again.",
        "Measured outage: app@home 12 s.",
        "The run failed; what ran before was brought back.",
        "Who: ann@desk",
    ]


def short(**changes: object) -> list[str]:
    given: dict[str, object] = {
        "touched": True,
        "down": (SERVER,),
        "problem": "it crashes",
        "fix": "dtdeploy resume r1",
        "teller": "ann@desk",
    }
    return failed((SERVER,), **(given | changes)).splitlines()  # type: ignore[arg-type]


def test_a_failure_says_what_is_down_why_and_what_comes_next() -> None:
    assert short() == [
        "Not over: app@home is still down.",
        "Because: it crashes",
        "Next: dtdeploy resume r1",
        "Who: ann@desk",
    ]
    assert short(down=(CLIENT,))[0] == "Stopped half-way: app@home may be up or down."


def test_what_was_called_off_touched_nothing() -> None:
    assert short(touched=False, problem="", fix="") == [
        "Called off: nothing was touched, app@home did not go down.",
        "Who: ann@desk",
    ]


def test_times_are_those_of_greenwich() -> None:
    assert clock(0.0) == "00:00 UTC"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("one\ntwo\r\x1b[31m", "one two [31m"),
        ("@here <!channel> @Everyone: app@home", "(at)here (!channel) (at)Everyone: app@home"),
        ("token=abcdef https://me:pw@x/", "token=*** https://***@x/"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_words_of_others_are_one_line_that_calls_nobody(words: str, shown: str) -> None:
    assert one_line(words) == shown


@given(st.text(), st.text())
def test_a_message_never_has_more_than_five_lines(words: str, because: str) -> None:
    made = replace(restart(*MANY), because=because)
    text = before(made, (SERVER,), words=words, teller=words, begins=None)
    assert len(text.splitlines()) <= 5
    assert max(map(len, text.splitlines())) <= 200
