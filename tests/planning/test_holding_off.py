from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import CommandGuard, GuardAnswer
from orchestrator.planning.holding_off import (
    Weather,
    disruptive,
    objections,
    override_problems,
    under,
)
from orchestrator.planning.plan import Action, Command, Override, Plan
from tests.build import SERVER, inventory, plan, unit_plan

NIGHT = Frozen(reason="the night", ends=1.0, until="2026-11-22 08:00 PST")
NO = GuardAnswer(name="telescope", agrees=False, words="observing", reason="it must be idle")
YES = GuardAnswer(name="scheduler", agrees=True)
STORM = Weather(frozen=(NIGHT,), guards=(NO, YES))
RESTART = plan(unit_plan(SERVER))


def held(override: Override | None = None, made: Plan = RESTART) -> list[str]:
    found = objections(under(made, STORM, override or Override()))
    assert {problem.exit_code for problem in found} <= {ExitCode.SAFETY_REFUSED}
    return [problem.code for problem in found]


def test_a_freeze_and_a_guard_each_hold_a_run_off() -> None:
    assert held() == ["freeze.holds", "guard.objects"]


def test_what_holds_it_off_says_until_when_why_and_how_to_go_on() -> None:
    frozen, guard = objections(under(RESTART, STORM, Override()))
    assert frozen.what == "frozen until 2026-11-22 08:00 PST: the night"
    assert "--override-freeze --because TEXT" in frozen.fix
    assert guard.what == "guard telescope does not agree (it must be idle)"
    assert guard.evidence == ("observing",)
    assert "--override-guard telescope --because TEXT" in guard.fix


def test_a_guard_that_said_nothing_is_quoted_with_nothing() -> None:
    silent = replace(NO, words="", reason="")
    [problem] = objections(under(RESTART, Weather(guards=(silent,)), Override()))
    assert (problem.what, problem.evidence) == ("guard telescope does not agree", ())


@pytest.mark.parametrize(
    ("override", "left"),
    [
        (Override(freeze=True, because="x"), ["guard.objects"]),
        (Override(guards=("telescope",), because="x"), ["freeze.holds"]),
        (Override(guards=("scheduler",), because="x"), ["freeze.holds", "guard.objects"]),
        (Override(freeze=True, guards=("telescope",), because="x"), []),
    ],
)
def test_an_override_counts_for_what_it_names_only(override: Override, left: list[str]) -> None:
    assert held(override) == left
    assert under(RESTART, STORM, override).override == override


def test_a_guard_that_was_not_asked_neither_agrees_nor_objects() -> None:
    unasked = Weather(guards=(replace(NO, asked=False),))
    assert objections(under(RESTART, unasked, Override())) == ()


@pytest.mark.parametrize("command", [Command.VERIFY, Command.ROLLBACK])
def test_looking_and_going_back_are_never_held_off(command: Command) -> None:
    made = replace(RESTART, command=command)
    assert not disruptive(made)
    assert held(made=made) == []


def test_what_changes_nothing_is_not_held_off() -> None:
    kept = plan(unit_plan(SERVER, Action.KEEP))
    assert under(kept, STORM, Override()) is kept


def test_an_override_needs_a_reason_and_a_guard_that_there_is() -> None:
    known = replace(inventory(), guards=(CommandGuard(name="telescope", command=("idle",)),))
    asked = Override(guards=("telescope", "telescop"))
    assert [p.code for p in override_problems(known, asked)] == [
        "selection.unknown-guard",
        "selection.no-reason",
    ]
    [unknown, reason] = override_problems(inventory(), Override(freeze=True, guards=("x",)))
    assert unknown.fix == "known are: none, sites.yaml has no guard"
    assert reason.what == "--override-freeze needs a reason"
    [reason] = override_problems(known, Override(guards=("telescope",), because=" "))
    assert reason.what == "--override-guard needs a reason"
    assert override_problems(known, Override(freeze=True, because="x")) == ()
    assert override_problems(known, Override()) == ()
