"""Plans, problems and events to show, shaped like the five production sites."""

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision, Unit
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


def restart_all() -> Plan:
    return plan_of(
        unit_plan(SERVER, before=healthy(5), dependents=(DAEMONS, *CLIENTS)),
        *(unit_plan(unit, before=healthy(9 if unit == DAEMONS else 6)) for unit in UNITS[1:]),
        dangers=("datatrail@chime goes down, for everybody who uses it",),
    )


def problem(
    code: str = "site.unreachable", what: str = "the manager does not answer", **other: object
) -> Problem:
    values: dict[str, object] = {
        "exit_code": ExitCode.SITE_UNREACHABLE,
        "where": Where(site="kko"),
        "runbook": "site-unreachable",
    }
    return Problem(code=code, what=what, **(values | other))  # type: ignore[arg-type]  # keyword values are the caller's own
