from dataclasses import replace

from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.planning.plan import Override, Plan
from orchestrator.ui.plan_markdown import plan_markdown
from orchestrator.ui.plan_view import render_plan
from orchestrator.ui.weather_words import weather_rows
from tests.ui.values import restart_all, with_secret

NIGHT = Frozen(reason="the night", ends=1.0, until="2026-11-22 08:00 PST")
NO = GuardAnswer(name="telescope", agrees=False, words="observing", reason="must be idle")


def stormy(override: Override | None = None, *guards: GuardAnswer) -> Plan:
    return replace(
        restart_all(),
        frozen=(NIGHT,),
        guards=guards or (NO,),
        override=override or Override(),
    )


def test_what_holds_a_run_off_says_how_to_go_on() -> None:
    assert list(weather_rows(stormy())) == [
        (
            "FROZEN",
            (
                "until 2026-11-22 08:00 PST: the night; to go on anyway:"
                " --override-freeze --because TEXT"
            ),
        ),
        (
            "OBJECTS",
            (
                "telescope (must be idle): observing; to go on anyway: --override-guard telescope"
                " --because TEXT"
            ),
        ),
    ]


def test_what_was_overridden_says_why() -> None:
    over = Override(freeze=True, guards=("telescope",), because="it burns")
    assert list(weather_rows(stormy(over))) == [
        ("FROZEN", "until 2026-11-22 08:00 PST: the night; overridden"),
        ("OBJECTS", "telescope (must be idle): observing; overridden"),
        ("BECAUSE", "it burns"),
    ]


def test_who_agrees_or_was_not_asked_is_said_quietly() -> None:
    plan = stormy(
        None,
        GuardAnswer(name="a", agrees=True),
        GuardAnswer(name="b", agrees=True, asked=False),
        GuardAnswer(name="c", agrees=False),
    )
    assert [row for row in weather_rows(plan) if row[0] != "FROZEN"] == [
        ("GUARD", "a agrees"),
        ("GUARD", "b was not asked"),
        ("OBJECTS", "c; to go on anyway: --override-guard c --because TEXT"),
    ]


def test_it_stands_on_the_first_screen_and_in_the_comment() -> None:
    assert any(row.startswith("FROZEN ") for row in render_plan(stormy(), 80)[:10])
    assert any(row.startswith("- **FROZEN** until") for row in plan_markdown(stormy())[:10])


def test_what_a_guard_prints_neither_steers_nor_leaks() -> None:
    loud = replace(NO, words=with_secret("words"))
    text = "\n".join(render_plan(stormy(None, loud), 200) + plan_markdown(stormy(None, loud)))
    assert "hunter2" not in text
    assert "\x1b" not in text
