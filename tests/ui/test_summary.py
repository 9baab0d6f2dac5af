from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.engine.report import RunReport
from orchestrator.engine.schedule import State
from orchestrator.planning.plan import Action, Command, Plan, StepKind
from orchestrator.ui.summary import next_command, print_summary, render_summary
from tests.ui.golden import assert_golden
from tests.ui.values import (
    CRASH,
    GONE,
    KKO,
    SERVER,
    UNITS,
    plan_of,
    problem,
    report_of,
    restart_all,
    unit_plan,
)

PLAN = restart_all()
UNFINISHED = problem("removal.unfinished", "still there")
UNFIT = problem("site.disk-low", "no space")


def upwards(state: State) -> dict[str, State]:
    return {f"{kind} {unit}": state for kind in ("deploy", "settle") for unit in UNITS}


def nothing(state: State) -> dict[str, State]:
    every = {step.id: state for step in PLAN.steps if not step.id.startswith("examine")}
    return {**every, "gate: preflight passed": state}


SERVER_BROKEN = report_of(
    PLAN,
    upwards(State.SKIPPED) | {f"deploy {SERVER}": State.FAILED},
    {f"deploy {SERVER}": (CRASH,)},
)
CLIENT_BROKEN = report_of(
    PLAN,
    {f"deploy {KKO}": State.FAILED, f"settle {KKO}": State.SKIPPED},
    {f"deploy {KKO}": (CRASH,)},
)
STUCK = report_of(
    PLAN,
    upwards(State.SKIPPED) | {f"remove {KKO}": State.FAILED, f"remove {SERVER}": State.SKIPPED},
    {f"remove {KKO}": (UNFINISHED,)},
)
UNFIT_SITE = report_of(
    PLAN, nothing(State.SKIPPED) | {"examine kko": State.FAILED}, {"examine kko": (UNFIT,)}
)
INTERRUPTED = report_of(
    PLAN,
    upwards(State.WAITING) | {f"deploy {SERVER}": State.STOPPED},
    interrupted=True,
)
UNSTABLE = report_of(PLAN, {f"settle {KKO}": State.FAILED}, {f"settle {KKO}": (CRASH,)})
UNWATCHED = report_of(PLAN, {f"settle {KKO}": State.STOPPED}, interrupted=True)
INTERRUPTED_EARLY = report_of(PLAN, nothing(State.WAITING), interrupted=True)
REPORTS = {
    "done": report_of(PLAN, {}),
    "server-broken": SERVER_BROKEN,
    "client-broken": CLIENT_BROKEN,
    "stuck": STUCK,
    "unfit-site": UNFIT_SITE,
    "interrupted": INTERRUPTED,
    "unwatched": UNWATCHED,
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", REPORTS)
def test_summaries_read_well(name: str, width: int) -> None:
    assert_golden(f"summary-{name}-{width}", render_summary(PLAN, REPORTS[name], width))


@pytest.mark.parametrize(
    ("report", "command"),
    [
        (report_of(PLAN, {}), ""),
        (SERVER_BROKEN, "dtdeploy up --all"),
        (CLIENT_BROKEN, "dtdeploy up datatrail-client@kko"),
        (STUCK, "dtdeploy restart --all"),
        (UNFIT_SITE, "dtdeploy restart --all"),
        (INTERRUPTED, "dtdeploy up --all"),
        (UNSTABLE, "dtdeploy up datatrail-client@kko"),
        (UNWATCHED, "dtdeploy verify --all"),
        (INTERRUPTED_EARLY, "dtdeploy restart --all"),
    ],
)
def test_the_next_command_leads_on_from_what_stands(report: RunReport, command: str) -> None:
    assert next_command(PLAN, report) == command


def test_what_was_taken_down_halfway_is_taken_down_again() -> None:
    plan = plan_of(unit_plan(KKO, Action.DOWN), command=Command.DOWN, selection=str(KKO))
    report = report_of(plan, {f"remove {KKO}": State.STOPPED}, interrupted=True)
    assert next_command(plan, report) == "dtdeploy down datatrail-client@kko"


def test_a_preflight_alone_touches_nothing_and_leads_nowhere() -> None:
    steps = tuple(step for step in PLAN.steps if step.kind is StepKind.EXAMINE)
    plan = replace(PLAN, steps=steps)
    report = report_of(plan, {"examine kko": State.FAILED}, {"examine kko": (UNFIT,)})
    assert next_command(plan, report) == ""
    assert render_summary(plan, report) == [
        "FAILED  preflight of restart --all in 4.0 s, 3 of 4 steps done",
        "        nothing was touched",
    ]


def test_an_up_that_failed_is_tried_again_only_where_it_failed() -> None:
    plan = plan_of(
        unit_plan(SERVER, Action.KEEP), unit_plan(KKO, Action.UP, before=GONE), command=Command.UP,
        selection="--site kko",
    )  # fmt: skip
    states = {f"deploy {KKO}": State.FAILED, f"settle {KKO}": State.SKIPPED}
    report = report_of(plan, states, {f"deploy {KKO}": (CRASH,)})
    assert next_command(plan, report) == "dtdeploy up datatrail-client@kko"


def test_a_selection_is_typed_so_that_a_shell_takes_it_as_it_is() -> None:
    plan: Plan = plan_of(unit_plan(KKO), selection="--site $(reboot)")
    states = {step.id: State.SKIPPED for step in plan.steps}
    report = report_of(plan, states | {"examine kko": State.FAILED}, {"examine kko": (UNFIT,)})
    assert next_command(plan, report) == "dtdeploy restart --site '$(reboot)'"


def test_success_is_short_and_says_how_long_the_server_was_down() -> None:
    lines = render_summary(PLAN, report_of(PLAN, {}))
    assert lines[0].startswith("DONE  restart --all in ")
    assert lines[1].startswith("      datatrail@chime was down for ")
    assert len(lines) == 3


def test_it_is_printed_where_it_is_told_to() -> None:
    out = StringIO()
    print_summary(PLAN, STUCK, Console(file=out, width=80))
    assert out.getvalue().splitlines() == render_summary(PLAN, STUCK, 80)


def test_what_was_refused_over_running_dependents_is_not_to_be_repeated() -> None:
    refused = problem("deploy.over-running", "runs, and something depends on it")
    states = upwards(State.SKIPPED) | {f"deploy {SERVER}": State.FAILED}
    report = report_of(PLAN, states, {f"deploy {SERVER}": (refused,)})
    assert next_command(PLAN, report) == f"dtdeploy restart {SERVER}"
