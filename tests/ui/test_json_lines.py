import json
from dataclasses import replace
from io import StringIO
from typing import Any

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Where
from orchestrator.fleet.presence import Presence
from orchestrator.inventory.model import SiteState
from orchestrator.ui.consoles import open_console
from orchestrator.ui.json_lines import (
    JsonWriter,
    fleet_line,
    plan_line,
    print_json,
    problems_line,
    run_ended_json,
    run_started_json,
)
from orchestrator.ui.json_values import Json
from orchestrator.ui.status_view import Fleet, StatusRow
from tests.ui.golden import assert_golden
from tests.ui.values import (
    CRASH,
    KKO,
    SERVER,
    Clock,
    failing_run,
    plan_of,
    problem,
    report_of,
    restart_all,
    step_of,
    unit_plan,
    with_secret,
)

PLAN = restart_all()
DEPLOY = step_of(PLAN, "deploy datatrail@chime")
WAITS = StepWaits(at=2.0, step=DEPLOY, waiting_for="tasks", items=("a",), deadline=9.0)
EVENTS: list[Event] = [
    StepStarted(at=1.0, step=DEPLOY),
    WAITS,
    StepDone(at=3.0, step=DEPLOY, words="healthy", seconds=2.0),
    StepFailed(at=3.0, step=DEPLOY, problems=(CRASH,), seconds=2.0),
    StepSkipped(at=3.0, step=DEPLOY, because="remove datatrail@chime"),
    StepStopped(at=3.0, step=DEPLOY, words="left in the middle"),
    RunStopping(at=4.0),
    RunWaits(at=16.0, waiting_for="the lock", seconds=6.0, at_most=30.0),
]


def written(*events: Event) -> list[dict[str, Any]]:
    out = StringIO()
    writer = JsonWriter(open_console(out, {}), Clock())
    for event in events:
        writer(event)
    writer.close()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def pretty(value: Json) -> list[str]:
    return json.dumps(value, indent=2).splitlines()


def test_every_event_has_its_documented_keys() -> None:
    step = {"event", "at", "time", "step", "kind", "site", "unit", "stack"}
    assert {line["event"]: set(line) for line in written(*EVENTS)} == {
        "step_started": step,
        "step_waits": step | {"waiting_for", "items", "deadline"},
        "run_waits": {"event", "at", "time", "waiting_for", "seconds", "at_most"},
        "step_done": step | {"words", "seconds"},
        "step_failed": step | {"seconds", "problems"},
        "step_skipped": step | {"because"},
        "step_stopped": step | {"words"},
        "run_stopping": {"event", "at", "time"},
    }


def test_an_event_says_when_and_about_what() -> None:
    assert written(EVENTS[0]) == [
        {
            "event": "step_started",
            "at": 1.0,
            "time": "2026-11-22T03:00:01.000+00:00",
            "step": "deploy datatrail@chime",
            "kind": "deploy",
            "site": "chime",
            "unit": "datatrail@chime",
            "stack": "datatrail",
        }
    ]


def test_a_step_about_a_site_has_no_unit() -> None:
    (line,) = written(StepStarted(at=1.0, step=step_of(PLAN, "examine kko")))
    assert (line["site"], line["unit"], line["stack"]) == ("kko", None, None)


def test_a_wait_that_says_nothing_new_is_left_out() -> None:
    assert len(written(WAITS, WAITS)) == 1


def test_where_nothing_else_is_written_it_comes_again_every_twelve_seconds() -> None:
    events = [replace(WAITS, at=2.0 + number) for number in range(26)]
    assert [line["at"] for line in written(*events)] == [2.0, 14.0, 26.0]
    run = [RunWaits(at=2.0 + n, waiting_for="disk", seconds=n) for n in range(26)]
    assert [(line["at"], line["seconds"]) for line in written(*run)] == [(14.0, 12), (26.0, 24)]


def test_a_whole_run_is_one_object_a_line() -> None:
    events = failing_run(PLAN)
    assert len(written(*events)) == len(events)


def test_a_plan_as_json() -> None:
    plan = plan_of(unit_plan(SERVER, dependents=(KKO,)), unit_plan(KKO))
    assert_golden("json-plan", pretty(plan_line(plan)))


def test_the_start_and_the_end_of_a_run_as_json() -> None:
    plan = plan_of(unit_plan(KKO))
    states = {"deploy datatrail-client@kko": State.FAILED}
    states["settle datatrail-client@kko"] = State.SKIPPED
    report = report_of(plan, states, {"deploy datatrail-client@kko": (CRASH,)})
    value = [run_started_json(plan), run_ended_json(plan, report)]
    assert_golden("json-run", json.dumps(value, indent=2).splitlines())


def test_a_run_that_went_well_has_nothing_next() -> None:
    plan = plan_of(unit_plan(KKO))
    ended = run_ended_json(plan, report_of(plan, {}))
    assert (ended["exit_code"], ended["next"], ended["problems"]) == (0, None, [])


def test_the_fleet_as_json() -> None:
    row = StatusRow(unit=KKO, site_state=SiteState.ACTIVE, presence=Presence.GONE)
    fleet = Fleet(rows=(row,), undeclared=(SERVER,), unreachable=(problem(),), planned=("hco",))
    assert_golden("json-fleet", pretty(fleet_line(fleet)))


def test_problems_of_a_command_that_could_not_begin() -> None:
    invalid = problem(
        "inventory.unknown-key",
        exit_code=ExitCode.INVENTORY_INVALID,
        where=Where(file="sites.yaml", line=3, column=7),
    )
    line = problems_line([problem(), invalid])
    assert (line["event"], line["exit_code"]) == ("problems", 3)
    assert line["problems"][1]["where"] == {"file": "sites.yaml", "line": 3, "column": 7}


def test_a_remedy_of_several_commands_keeps_its_lines() -> None:
    (value,) = problems_line([problem(fix="first\n  second\x1b[2J")])["problems"]
    assert value["fix"] == "first\nsecond"


def test_a_line_is_ascii_and_whole_whatever_is_in_it() -> None:
    out = StringIO()
    print_json({"words": "caf\u00e9 \x1b[2J \u202e" + "x" * 500}, open_console(out, {}))
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()


def test_nothing_secret_is_in_any_value() -> None:
    dirty = problem(
        what=with_secret("what"), evidence=(with_secret("said"),), fix=with_secret("fix")
    )
    plan = plan_of(
        unit_plan(KKO, reason=with_secret("reason"), dangers=(with_secret("danger"),)),
        dangers=(with_secret("danger"),),
        unseen=(with_secret("unseen"),),
    )
    failed = {"deploy datatrail-client@kko": State.FAILED}
    report = report_of(plan, failed, {"deploy datatrail-client@kko": (dirty,)})
    step = step_of(plan, "deploy datatrail-client@kko")
    events = written(
        StepWaits(
            at=1.0,
            step=step,
            waiting_for=with_secret("w"),
            items=(with_secret("i"),),
            deadline=None,
        ),
        StepDone(at=1.0, step=step, words=with_secret("done"), seconds=1.0),
        StepFailed(at=1.0, step=step, problems=(dirty,), seconds=1.0),
    )
    text = json.dumps([plan_line(plan), run_ended_json(plan, report), events])
    assert "hunter2" not in text
    assert "\\u001b" not in text
