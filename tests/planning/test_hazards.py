from dataclasses import replace

import pytest

from orchestrator.fleet.desired import PublishedPort
from orchestrator.fleet.observed import Look, Mode, TaskState
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.planning.hazards import with_hazards
from orchestrator.planning.history import History, assess
from orchestrator.planning.plan import Action, Before, Command, Plan, UnitPlan
from orchestrator.sources.lineage import Descent, Lineage
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    SHA,
    inventory,
    node,
    running,
    sight,
    sourced,
    unseen,
    wanted,
)

OLD = "b" * 40
NEW = Revision(repo="app", sha=SHA)
RUNS = Before(presence=Presence.PRESENT, revision=OLD)
FLEET: dict[str, Look] = {"home": running(SERVER), "far": running(CLIENT)}


def item(
    unit: Unit, action: Action = Action.RESTART, before: Before = RUNS, **other: object
) -> UnitPlan:
    base = UnitPlan(
        unit=unit,
        action=action,
        reason="",
        before=before,
        after=None if action is Action.DOWN else NEW,
    )
    return replace(base, **other)  # type: ignore[arg-type] # keyword values are the caller's own


def plan(*units: UnitPlan) -> Plan:
    return Plan(
        command=Command.RESTART,
        selection="",
        coordinator="home",
        revisions=(),
        units=units,
        steps=(),
        dangers=("as before",),
    )


def judged(
    made: Plan, *lineages: Lineage, looks: dict[str, Look] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return new dangers, and what cannot be undone."""
    found = with_hazards(
        inventory(), made, looks=looks or FLEET, sourced={}, lineages=lineages, history=History()
    )
    assert found.dangers[0] == "as before"
    assert found.risk == assess(made, History())
    return found.dangers[1:], found.no_way_back


@pytest.mark.parametrize(
    ("port", "nodes", "told"),
    [
        (PublishedPort(port=22), 2, True),
        (PublishedPort(port=22), 1, False),
        (PublishedPort(port=22, mode="host"), 2, False),
        (PublishedPort(port=22, protocol="udp"), 2, False),
        (PublishedPort(port=222), 2, False),
    ],
)
def test_a_port_of_sshd_taken_on_nodes_that_nobody_looks_at(
    port: PublishedPort, nodes: int, *, told: bool
) -> None:
    there = replace(running(SERVER), nodes=tuple(node(f"n{n}") for n in range(nodes)))
    files = {SERVER: sourced(SERVER, wanted(ports=(port,)))}
    found = with_hazards(
        inventory(),
        plan(item(SERVER), item(CLIENT)),
        looks=FLEET | {"home": there},
        sourced=files,
        lineages=(),
        history=History(),
    )
    words = "app@home takes port 22 on every node: a login by SSH on 22 ends there"
    assert found.dangers[1:] == ((words,) if told else ())


def line(descent: Descent = Descent.FORWARD, *, usual: bool = True) -> Lineage:
    return Lineage(revision=NEW, ref="main", usual=usual, descents=((OLD, descent),))


def test_a_plan_without_surprises_has_none() -> None:
    assert judged(plan(item(SERVER), item(CLIENT)), line()) == ((), ())


def test_a_commit_that_is_not_on_the_usual_branch_is_a_danger() -> None:
    assert judged(plan(item(SERVER)), line(usual=False))[0] == (
        "app@aaaaaaaaaa is not on main, which sites.yaml names",
    )


@pytest.mark.parametrize(
    ("descent", "words"),
    [
        (Descent.BACK, "older than bbbbbbbbbb, which runs"),
        (Descent.SIDEWAYS, "on another line than bbbbbbbbbb, which runs"),
    ],
)
def test_going_back_or_aside_names_whom_it_meets(descent: Descent, words: str) -> None:
    kept = item(CLIENT, Action.KEEP, replace(RUNS, revision=SHA))
    [said] = judged(plan(item(SERVER), kept), line(descent))[1]
    assert said == f"app@aaaaaaaaaa is {words}: {SERVER} may meet data that it does not know"


@pytest.mark.parametrize("descent", [Descent.SAME, Descent.FORWARD, Descent.UNKNOWN])
def test_going_on_is_no_danger(descent: Descent) -> None:
    assert judged(plan(item(SERVER)), line(descent)) == ((), ())


@pytest.mark.parametrize("revision", ["", MIXED])
def test_what_nobody_could_deploy_again_is_named(revision: str) -> None:
    lost = replace(RUNS, revision=revision)
    units = (
        item(SERVER, before=lost),
        item(DAEMONS, Action.UP, lost),
        item(HOME_CLIENT, before=lost),
        item(CLIENT, Action.DOWN, lost),
        item(DAEMONS, Action.KEEP, lost),
        item(DAEMONS, before=Before(presence=Presence.GONE)),
    )
    [said] = judged(plan(*units))[1]
    assert said == (
        "nobody knows the former revision of app@home, app-client@far, app-client@home and 1 more:"
        " no rollback brings it back"
    )


def test_what_is_needed_and_is_not_well_is_a_danger() -> None:
    broken = running(SERVER)
    tasks = tuple(replace(task, state=TaskState.PENDING) for task in broken.tasks)
    looks: dict[str, Look] = {**FLEET, "home": replace(broken, tasks=tasks)}
    [said] = judged(plan(item(CLIENT)), looks=looks)[0]
    assert said.startswith("app@home is pending (")
    assert said.endswith("): app-client@far will not be deployed without it")


def test_what_is_needed_and_is_not_there_is_a_danger() -> None:
    looks: dict[str, Look] = {**FLEET, "home": sight("home")}
    assert judged(plan(item(CLIENT)), looks=looks)[0] == (
        "app@home is gone: app-client@far will not be deployed without it",
    )


def test_what_is_needed_and_cannot_be_seen_is_a_danger() -> None:
    [said] = judged(plan(item(CLIENT)), looks={**FLEET, "home": unseen("home")})[0]
    assert said.startswith("app@home is unknown (")


def test_what_the_plan_brings_up_itself_or_nobody_looked_at_is_not_asked_after() -> None:
    sick: dict[str, Look] = {"home": sight("home")}
    assert judged(plan(item(SERVER), item(CLIENT)), looks=sick)[0] == ()
    assert judged(plan(item(CLIENT, Action.DOWN)), looks=sick)[0] == ()
    assert judged(plan(item(CLIENT)), looks={"far": running(CLIENT)})[0] == ()


def test_what_is_needed_and_is_healthy_is_none() -> None:
    assert judged(plan(item(CLIENT)))[0] == ()


@pytest.mark.parametrize(
    ("action", "there", "told"),
    [
        (Action.UP, ("load",), True),
        (Action.UPDATE, ("load",), True),
        (Action.UP, (), False),
        (Action.RESTART, ("load",), False),
    ],
)
def test_jobs_that_docker_runs_again_are_named(
    action: Action, there: tuple[str, ...], *, told: bool
) -> None:
    services = (wanted("web"), wanted("load", mode=Mode.REPLICATED_JOB))
    found = with_hazards(
        inventory(),
        plan(item(SERVER, action, replace(RUNS, services=("web", *there))), item(CLIENT, action)),
        looks=FLEET,
        sourced={SERVER: sourced(SERVER, *services)},
        lineages=(),
        history=History(),
    )
    words = "load of app@home will run again: Docker runs the jobs of a stack at every deploy"
    assert found.warnings == ((words,) if told else ())
