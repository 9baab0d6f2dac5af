"""Plans, problems and events to show, shaped like the five production sites."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.engine.events import (
    Event,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepWaits,
)
from orchestrator.engine.report import RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.planning.history import History, PastRun, assess
from orchestrator.planning.plan import (
    Action,
    Before,
    Command,
    Plan,
    Step,
    StepKind,
    UnitPlan,
    Untouched,
)

SHA = "5d4c3b2a10" + "0" * 30
OLD = "1a2b3c4d5e" + "0" * 30
SERVER = Unit(stack="datatrail", site="chime")
DAEMONS = Unit(stack="datatrail-daemons", site="chime")
CLIENTS = tuple(
    Unit(stack="datatrail-client", site=site)
    for site in ("chime", "outrigger-buffer", "kko", "gbo")
)
KKO = CLIENTS[2]
UNITS = (SERVER, DAEMONS, *CLIENTS)
REPOS = {"datatrail": "datatrail", "datatrail-daemons": "datatrail"}
COMPOSE = {
    "datatrail": "stacks/server-compose.yaml",
    "datatrail-daemons": "stacks/daemon-compose.yaml",
}


def healthy(tasks: int = 6, revision: str = "") -> Before:
    return Before(
        presence=Presence.PRESENT,
        verdict=Verdict.HEALTHY,
        running=tasks,
        expected=tasks,
        revision=revision,
    )


GONE = Before(presence=Presence.GONE)


def commands(unit: Unit, action: Action) -> tuple[str, ...]:
    stack = unit.stack
    compose = COMPOSE.get(stack, f"stacks/{unit.site}-client.yaml")
    remove = (
        f"docker service rm $(docker service ls -q -f label=com.docker.stack.namespace={stack})",
        f"docker stack ps {stack}   # until no task runs any more",
        f"docker stack rm {stack}",
    )
    deploy = (f"docker stack deploy -c {compose} --with-registry-auth {stack}",)
    return {
        Action.RESTART: remove + deploy,
        Action.DOWN: remove,
        Action.UP: deploy,
        Action.KEEP: (),
    }[action]


def unit_plan(
    unit: Unit,
    action: Action = Action.RESTART,
    *,
    before: Before | None = None,
    reason: str = "selected by --all",
    dangers: tuple[str, ...] = (),
    dependents: tuple[Unit, ...] = (),
) -> UnitPlan:
    deploys = action in (Action.RESTART, Action.UP)
    removes = action in (Action.RESTART, Action.DOWN)
    repo = REPOS.get(unit.stack, "datatrail-admin")
    return UnitPlan(
        unit=unit,
        action=action,
        reason=reason,
        before=before or healthy(),
        after=Revision(repo=repo, sha=SHA) if deploys else None,
        compose=COMPOSE.get(unit.stack, f"stacks/{unit.site}-client.yaml"),
        services=("replicator", "event_registration") if deploys else (),
        dependents=dependents,
        dependencies=() if unit == SERVER else (SERVER,),
        commands=commands(unit, action),
        remove_seconds=40.0 if removes else 0.0,
        healthy_seconds=180.0 if deploys else 0.0,
        dangers=dangers,
    )


def steps_of(units: tuple[UnitPlan, ...]) -> tuple[Step, ...]:
    """Lay out the steps as the planner does: the server goes last and comes first."""
    acted = [item for item in units if item.action is not Action.KEEP]
    sites = tuple(dict.fromkeys(item.unit.site for item in acted))
    passed, placed = "gate: preflight passed", "gate: releases and images in place"
    steps = [
        Step(id=f"examine {s}", kind=StepKind.EXAMINE, site=s, wait_seconds=60.0) for s in sites
    ]
    examined = tuple(step.id for step in steps)
    steps.append(Step(id=passed, kind=StepKind.GATE, site="chime", needs=examined))
    prepares = [
        Step(id=f"prepare {s}", kind=StepKind.PREPARE, site=s, needs=(passed,), wait_seconds=900.0)
        for s in sites
        if any(item.unit.site == s and item.after for item in acted)
    ]
    steps += prepares
    needs = (passed, *(step.id for step in prepares))
    steps.append(Step(id=placed, kind=StepKind.GATE, site="chime", needs=needs))
    return (*steps, *(step for item in acted for step in _unit_steps(item, acted, placed)))


def _unit_steps(item: UnitPlan, acted: list[UnitPlan], placed: str) -> list[Step]:
    others = [other.unit for other in acted if item.unit == SERVER and other.unit != SERVER]
    below = [other.unit for other in acted if other.unit == SERVER and item.unit != SERVER]
    removes = item.action in (Action.RESTART, Action.DOWN)
    steps = []
    if removes:
        needs = (placed, *(f"remove {unit}" for unit in others))
        steps.append(_step(StepKind.REMOVE, item.unit, needs, item.remove_seconds))
    if item.after:
        own = f"remove {item.unit}" if removes else placed
        needs = (own, *(f"deploy {unit}" for unit in below))
        steps.append(_step(StepKind.DEPLOY, item.unit, needs, item.healthy_seconds))
        needs = (f"deploy {item.unit}",)
        reason = "the same tasks must keep running for 10 s"
        steps.append(_step(StepKind.SETTLE, item.unit, needs, 60.0, reason))
    return steps


def _step(
    kind: StepKind, unit: Unit, needs: tuple[str, ...], wait_seconds: float, reason: str = ""
) -> Step:
    return Step(
        id=f"{kind.value} {unit}",
        kind=kind,
        site=unit.site,
        unit=unit,
        needs=needs,
        reason=reason,
        wait_seconds=wait_seconds,
    )


def plan_of(
    *units: UnitPlan,
    command: Command = Command.RESTART,
    selection: str = "--all",
    untouched: tuple[Untouched, ...] = (Untouched(name="hco", reason="planned: soon"),),
    dangers: tuple[str, ...] = (),
    unseen: tuple[str, ...] = (),
) -> Plan:
    return Plan(
        command=command,
        selection=selection,
        coordinator="chime",
        revisions=tuple(sorted({item.after for item in units if item.after})),
        units=units,
        steps=steps_of(units),
        untouched=untouched,
        dangers=dangers,
        unseen=unseen,
    )


def past(runs: int = 14, *, unreadable: int = 0) -> History:
    """Remember restarts of everything, each a second slower than the one before."""
    return History(
        runs=tuple(
            PastRun(
                run=f"r{number}",
                command=Command.RESTART,
                stacks=frozenset(unit.stack for unit in UNITS),
                outages=((SERVER, 7.5 + number), (KKO, 26.0 + number)),
            )
            for number in range(runs)
        ),
        unreadable=unreadable,
    )


def restart_all() -> Plan:
    plan = plan_of(
        unit_plan(SERVER, before=healthy(5), dependents=(DAEMONS, *CLIENTS)),
        *(unit_plan(unit, before=healthy(9 if unit == DAEMONS else 6)) for unit in UNITS[1:]),
        dangers=("datatrail@chime goes down, for everybody who uses it",),
    )
    return replace(plan, risk=assess(plan, past()))


def problem(
    code: str = "site.unreachable", what: str = "the manager does not answer", **other: object
) -> Problem:
    values: dict[str, object] = {
        "exit_code": ExitCode.SITE_UNREACHABLE,
        "where": Where(site="kko"),
        "runbook": "site-unreachable",
    }
    return Problem(code=code, what=what, **(values | other))  # type: ignore[arg-type]  # keyword values are the caller's own


def with_secret(words: str) -> str:
    return f"{words} https://bot:hunter2@git.example/x DB_PASSWORD=hunter2 \x1b[2J\x1b[1;1H[bold]"


CRASH = Problem(
    code="deploy.unhealthy",
    what="datatrail-client@kko will not become healthy",
    exit_code=ExitCode.UNHEALTHY,
    where=Where(
        site="kko", stack="datatrail-client", service="datatrail-client_replicator", task="1"
    ),
    evidence=(
        "datatrail-client_replicator/1 on aux.kko: failed 3 times: task: non-zero exit (3)",
        "datatrail-client_event_registration/1 on aux.kko: starting",
        "datatrail-client_replication_healer/1 on aux.kko: starting",
    ),
    fix="docker service ps --no-trunc SERVICE   # at kko; then dtdeploy up datatrail-client@kko",
    state_left="datatrail-client@kko is deployed, 3 of 6 tasks run",
    runbook="service-not-healthy",
)


def report_of(
    plan: Plan,
    states: dict[str, State],
    problems: dict[str, tuple[Problem, ...]] | None = None,
    *,
    interrupted: bool = False,
) -> RunReport:
    """Report a run in which step number n took from n to n + 1; what is not named was done."""
    reports = []
    for number, step in enumerate(plan.steps):
        state = states.get(step.id, State.DONE)
        ran = state not in (State.WAITING, State.SKIPPED)
        reports.append(
            StepReport(
                step=step,
                state=state,
                started=float(number) if ran else None,
                ended=float(number + 1) if ran else None,
                problems=(problems or {}).get(step.id, ()),
            )
        )
    return RunReport(
        steps=tuple(reports), began=0.0, ended=float(len(plan.steps)), interrupted=interrupted
    )


def step_of(plan: Plan, name: str) -> Step:
    return {step.id: step for step in plan.steps}[name]


def failing_run(plan: Plan) -> list[Event]:
    """Tell of a run in which kko's client crash-loops; 100.0 is when it began."""
    events: list[Event] = []
    at = 100.0
    for step in plan.steps:
        at += 1
        if step.id == "settle datatrail-client@kko":
            events.append(StepSkipped(at=at, step=step, because="deploy datatrail-client@kko"))
            continue
        events.append(StepStarted(at=at, step=step))
        if step.kind in (StepKind.REMOVE, StepKind.DEPLOY):
            events += [_waits(step, at + 0.5), _waits(step, at + 3.5)]
            at += 4
        if step.id == "deploy datatrail-client@kko":
            events.append(StepFailed(at=at, step=step, problems=(CRASH,), seconds=4.0))
        else:
            events.append(StepDone(at=at, step=step, words="done well", seconds=4.0))
    return events


def _waits(step: Step, at: float) -> StepWaits:
    return StepWaits(
        at=at,
        step=step,
        waiting_for="2 of 3 tasks to run",
        items=("datatrail_server/1 on frb-vsop.chime: starting",),
        deadline=at + 100,
    )


class Clock:
    """The time of day, a second later each time it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now
