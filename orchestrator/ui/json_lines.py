"""A run as JSON lines on stdout: one object an event, and the report last.

    run_started       run (its id, null where nothing is changed), command, selection,
                      units [stack@site], steps (how many)
    every event       time (ISO 8601, with zone), at (seconds on the run's own clock)
    step_started      step, kind, site, unit, stack
    step_waits        the same, waiting_for, items [..], deadline (on `at`'s clock, or null);
                      written when one of these changed, or nothing was written for 12 s
    run_waits         waiting_for, seconds (by now), at_most (or null): something that belongs to
                      no single step; written where nothing else was for 12 s
    step_done         the same, words, seconds
    step_failed       the same, seconds, problems [..]
    step_skipped      the same, because (the step that failed)
    step_stopped      the same, words
    run_stopping      nothing more: asked to stop, no new step starts
    run_ended         exit_code, interrupted, seconds, steps [step + state, started, ended, words,
                      because], units [unit, stack, site, standing, owed, outage_seconds,
                      still_down], problems [..], next (what to type, or null). Of a run that
                      was to hold the lock also: run (its id), kept (whether the lock is), owed
                      [unit, stack, site, reason], restored (steps, units, finished of the way
                      back, or null), or_else (what else may be typed)
    check             of doctor: site, check, state (ok, warning, unknown), words
    warnings          of doctor: warnings [problem, with exit_code 0]
    lock              who holds the lock, where a command met one; see `json_values`
    run_state         how far a run has come that is to be resumed; see `json_values`

Problems, plans and fleets are described in `json_values`. `plan`, `status`, `drift` and an error
of any command are one line each: plan, fleet, drift, problems (with exit_code) as `event`. Keys
are added, never renamed or taken away.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime

from rich.console import Console

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.report import RunEnd, RunReport, StepReport
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.planning.plan import Plan
from orchestrator.ui.drift_view import FleetDrift
from orchestrator.ui.end_view import every_problem, next_commands, owed_units
from orchestrator.ui.holding import HeldRun
from orchestrator.ui.json_drift import fleet_drift_json
from orchestrator.ui.json_values import (
    Json,
    fleet_json,
    holding_json,
    plan_json,
    problem_json,
    step_json,
    unit_json,
)
from orchestrator.ui.lines import STILL_SECONDS
from orchestrator.ui.saved_view import SavedHead, saved_json
from orchestrator.ui.standing import UnitEnd, unit_ends
from orchestrator.ui.status_view import Fleet
from orchestrator.ui.summary import ways_on
from orchestrator.words.foreign import clean

SCHEMA = "1.0"
"""Of the plan's line; the JSON Schema is docs/schema/plan.schema.json."""
STATUS_SCHEMA = "1.0"
"""Of the fleet's line; the JSON Schema is docs/schema/status.schema.json."""
_NAMES = {
    StepStarted: "step_started",
    StepWaits: "step_waits",
    StepDone: "step_done",
    StepFailed: "step_failed",
    StepSkipped: "step_skipped",
    StepStopped: "step_stopped",
    RunWaits: "run_waits",
    RunStopping: "run_stopping",
}


class JsonWriter:
    """Prints events as JSON lines."""

    def __init__(self, console: Console, clock: Callable[[], datetime]) -> None:
        self._console = console
        self._clock = clock
        self._said: dict[str, object] = {}
        self._spoke: float | None = None

    def __call__(self, event: Event) -> None:
        """Print an event; a wait that says nothing new is left out."""
        self._spoke = event.at if self._spoke is None else self._spoke
        still = event.at - self._spoke >= STILL_SECONDS
        if isinstance(event, RunWaits) and not still:
            return
        if isinstance(event, StepWaits):
            said = (event.waiting_for, event.items, event.deadline)
            if self._said.get(event.step.id) == said and not still:
                return
            self._said[event.step.id] = said
        self._spoke = event.at
        time = self._clock().isoformat(timespec="milliseconds")
        print_json(event_json(event) | {"time": time}, self._console)

    def close(self) -> None:
        """Do nothing: every line is out already."""


def print_json(value: Json, console: Console) -> None:
    """Print a value as one line, ASCII only: nothing in it can reach a terminal's controls."""
    # `##[` would be a command to GitHub's runner, wherever it stands in a line.
    console.out(json.dumps(value).replace("##[", "#\\u0023["), highlight=False)


def event_json(event: Event) -> Json:
    """Return an event, without the time of day."""
    head: Json = {"event": _NAMES[type(event)], "at": round(event.at, 3)}
    if isinstance(event, RunStopping):
        return head
    if isinstance(event, RunWaits):
        waiting_for, seconds = clean(event.waiting_for), round(event.seconds, 3)
        return head | {"waiting_for": waiting_for, "seconds": seconds, "at_most": event.at_most}
    return head | step_json(event.step) | _details(event)


def run_started_json(plan: Plan, run: str = "") -> Json:
    """Return the line that opens a run; `run` is its id if it is to hold the lock."""
    return {
        "event": "run_started",
        "run": run or None,
        "command": plan.command.value,
        "selection": clean(plan.selection),
        "units": [str(item.unit) for item in plan.units],
        "steps": len(plan.steps),
    }


def run_ended_json(plan: Plan, report: RunReport, again: str = "") -> Json:
    """Return the line that closes a run; `again` as in `ways_on`."""
    commands = ways_on(plan, report, again)
    return {
        "event": "run_ended",
        "at": round(report.ended, 3),
        "exit_code": report.exit_code.value,
        "interrupted": report.interrupted,
        "seconds": round(report.ended - report.began, 3),
        "steps": [_step_report(step) for step in report.steps],
        "units": [_unit_end(end) for end in unit_ends(plan, report)],
        "problems": [problem_json(problem) for problem in report.problems],
        "next": commands[0] if commands else None,
        "or_else": list(commands[1:]),
    }


def end_line(end: RunEnd, code: ExitCode) -> Json:
    """Return the line that closes a run which was to hold the lock; `code` is the exit code."""
    report, commands = end.report, next_commands(end)
    nothing: Json = {"at": None, "interrupted": False, "seconds": None, "steps": [], "units": []}
    head = run_ended_json(end.plan, report) if report else {"event": "run_ended"} | nothing
    back = end.restored
    return head | {
        "exit_code": code.value,
        "problems": [problem_json(problem) for problem in every_problem(end)],
        "run": end.run,
        "kept": end.kept,
        "owed": [{**unit_json(u), "reason": clean(why)} for u, why in owed_units(end).items()],
        "unsaid": [problem_json(problem) for problem in end.unsaid],
        "restored": _restored(end.way_back, back) if end.way_back and back else None,
        "next": commands[0] if commands else None,
        "or_else": list(commands[1:]),
    }


def _restored(plan: Plan, report: RunReport) -> Json:
    whole = run_ended_json(plan, report)
    kept = ("interrupted", "seconds", "steps", "units")
    return {"finished": report.finished} | {key: whole[key] for key in kept}


def lock_line(holding: HeldRun) -> Json:
    """Return who holds the lock as one line."""
    return {"event": "lock", "held": True} | holding_json(holding)


def plan_line(
    plan: Plan,
    holding: HeldRun | None = None,
    saved: SavedHead | None = None,
    refused: Iterable[Problem] = (),
) -> Json:
    """Return a plan as the one line of `dtdeploy plan --json`.

    `holding` is who holds the lock, `saved` its file, if it is saved, `refused` what a run of it
    would be refused for.
    """
    lock = holding_json(holding) if holding else None
    file = saved_json(saved) if saved else None
    head = {"event": "plan", "schema": SCHEMA}
    no = [problem_json(problem) for problem in refused]
    return head | plan_json(plan) | {"refused": no, "lock": lock, "saved": file}


def fleet_line(fleet: Fleet) -> Json:
    """Return the fleet as the one line of `dtdeploy status --json`."""
    return {"event": "fleet", "schema": STATUS_SCHEMA} | fleet_json(fleet)


def drift_line(fleet: FleetDrift) -> Json:
    """Return what differs as the one line of `dtdeploy drift --json`."""
    return {"event": "drift"} | fleet_drift_json(fleet)


def problems_line(problems: Iterable[Problem], ways: tuple[str, ...] = ()) -> Json:
    """Return problems as the one line of a command that failed before any run.

    `ways` are what to type next, where no problem's own `fix` says it.
    """
    every = tuple(problems)
    return {
        "event": "problems",
        "exit_code": worst(every).value,
        "problems": [problem_json(p) for p in every],
        "next": ways[0] if ways else None,
        "or_else": list(ways[1:]),
    }


def _details(event: StepEvent) -> Json:
    match event:
        case StepStarted():
            return {}
        case StepWaits():
            items = [clean(item) for item in event.items]
            waiting_for = clean(event.waiting_for)
            return {"waiting_for": waiting_for, "items": items, "deadline": event.deadline}
        case StepDone():
            return {"words": clean(event.words), "seconds": round(event.seconds, 3)}
        case StepFailed():
            problems = [problem_json(problem) for problem in event.problems]
            return {"seconds": round(event.seconds, 3), "problems": problems}
        case StepSkipped():
            return {"because": event.because}
        case StepStopped():
            return {"words": clean(event.words)}


def _step_report(report: StepReport) -> Json:
    return {
        **step_json(report.step),
        "state": report.state.value,
        "started": report.started,
        "ended": report.ended,
        "words": clean(report.words),
        "because": report.because or None,
    }


def _unit_end(end: UnitEnd) -> Json:
    return {
        **unit_json(end.unit),
        "standing": end.standing.value,
        "owed": end.owed,
        "outage_seconds": end.outage_seconds,
        "still_down": end.still_down,
    }
