from dataclasses import replace

import pytest

from orchestrator.fleet.desired import DesiredService, Policy
from orchestrator.fleet.observed import Fact, Look, Mode, NodeState, Sight, TaskState
from orchestrator.fleet.running import LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.plan import Command, LeftOut, Plan
from orchestrator.procedures.book import Book
from orchestrator.procedures.guards import (
    at_their_end,
    direct_dependencies,
    overwrite_blockers,
    removal_blockers,
    removal_guard,
    restarted,
    strays,
    unhealthy_dependency,
)
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    inventory,
    node,
    plan,
    resource,
    running,
    service,
    sight,
    sourced,
    spec,
    task,
    unit_plan,
    unseen,
    wanted,
)


def book(
    inv: Inventory | None = None,
    *,
    left_out: tuple[LeftOut, ...] = (),
    deployed: dict[Unit, tuple[DesiredService, ...]] | None = None,
) -> Book:
    plan = Plan(
        command=Command.RESTART,
        selection="--all",
        coordinator="home",
        revisions=(),
        units=(),
        steps=(),
        left_out=left_out,
    )
    sources = {unit: sourced(unit, *services) for unit, services in (deployed or {}).items()}
    return Book(run="r1", inventory=inv or inventory(), plan=plan, sourced=sources)


def blockers(looks: dict[str, Look], of: Book | None = None) -> tuple[str, ...]:
    of = of or book()
    return removal_blockers(of, removal_guard(of, SERVER), looks)


EMPTY: dict[str, Look] = {"home": sight("home"), "far": sight("far")}
HIDDEN = sight(nodes=(node(state=NodeState.DOWN),), tasks=(task(),))


def test_what_depends_on_a_unit_is_asked_for_everywhere_its_own_site_first() -> None:
    away = Unit(stack="app-client", site="away")
    inv = inventory(spec(away, CLIENT), extra_sites=("away",))
    guard = removal_guard(book(inv), SERVER)
    assert guard.dependents == (away, CLIENT, HOME_CLIENT, DAEMONS)
    assert guard.sites == ("home", "away", "far")


def test_a_planned_site_is_not_asked() -> None:
    guard = removal_guard(book(inventory(states={"far": SiteState.PLANNED})), SERVER)
    assert guard.sites == ("home",)


def test_nothing_blocks_once_all_that_depends_on_it_is_gone() -> None:
    assert blockers({**EMPTY, "home": running(SERVER)}) == ()


@pytest.mark.parametrize(
    ("far", "words"),
    [
        (running(CLIENT), f"{CLIENT} is present: service app-client_web; task task-app-cli"),
        (unseen("far"), f"{CLIENT} is unknown: far cannot be seen: timed out"),
        (sight(networks=(resource("net"),)), f"{CLIENT} is present: network net"),
        (HIDDEN, f"{CLIENT} is unknown: task removed service svc-app-clie.1"),
    ],
)
def test_each_dependent_that_is_not_known_to_be_gone_blocks_in_words(far: Look, words: str) -> None:
    found = blockers({**EMPTY, "far": far})
    assert len(found) == 1
    assert found[0].startswith(words)


def test_no_more_than_four_pieces_of_evidence_are_told() -> None:
    left = tuple(resource(f"n{number}") for number in range(9))
    found = blockers({**EMPTY, "far": sight(networks=left)})
    assert found == (f"{CLIENT} is present: network n0; network n1; network n2; network n3",)


@pytest.mark.parametrize("site", ["home", "far"])
def test_a_stack_that_nobody_declared_blocks_wherever_dependents_live(site: str) -> None:
    stray = sight(site, services=(service(stack="app-extra"),))
    assert blockers({**EMPTY, site: stray}) == (f"app-extra@{site} runs and is not declared",)


def test_without_dependents_no_stack_is_in_the_way() -> None:
    stray = sight("far", services=(service(stack="app-extra"),))
    guard = removal_guard(book(), CLIENT)
    assert removal_blockers(book(), guard, {"far": stray}) == ()


def accepting(unit: Unit, *, accepted: bool = True) -> Book:
    return book(left_out=(LeftOut(unit=unit, reason="cut", accepted=accepted),))


def test_an_accepted_unit_blocks_only_when_it_is_seen_to_run() -> None:
    dark = {**EMPTY, "far": unseen("far")}
    assert blockers(dark, accepting(CLIENT)) == ()
    assert blockers({**EMPTY, "far": running(CLIENT)}, accepting(CLIENT)) != ()


def test_accepting_one_unit_accepts_no_other() -> None:
    dark = {**EMPTY, "far": unseen("far")}
    assert blockers(dark, accepting(DAEMONS)) != ()
    assert blockers(dark, accepting(CLIENT, accepted=False)) != ()


def test_strays_are_those_of_the_prefix_that_are_not_declared_at_that_site() -> None:
    seen = sight(
        "far",
        services=tuple(service(stack=s) for s in ("app-daemons", "app-client", "other")),
    )
    assert strays(book(), "far", seen) == ("app-daemons",)


def test_direct_dependencies_are_those_declared() -> None:
    assert direct_dependencies(book(), CLIENT) == (SERVER,)
    assert direct_dependencies(book(), SERVER) == ()
    planned = book(inventory(states={"far": SiteState.PLANNED}))
    assert direct_dependencies(planned, CLIENT) == ()


# Is what a unit needs healthy?


def test_what_runs_well_is_healthy() -> None:
    assert unhealthy_dependency(book(), SERVER, running(SERVER)) == ""


def test_what_cannot_be_seen_is_not() -> None:
    assert unhealthy_dependency(book(), SERVER, unseen("home")) == (
        "app@home cannot be seen: timed out"
    )


def test_a_stack_without_services_lacks_all_of_them() -> None:
    """Judged against itself, an empty stack would be healthy."""
    empty = sight("home")
    assert unhealthy_dependency(book(), SERVER, empty) == "app@home does not run"
    deployed = book(deployed={SERVER: (wanted(),)})
    assert unhealthy_dependency(deployed, SERVER, empty) == "app@home does not run"


def relied_on(*names: str) -> Inventory:
    base = inventory()
    units = tuple(spec(SERVER, must_have=names) if s.unit == SERVER else s for s in base.units)
    return replace(base, units=units)


def test_what_operators_rely_on_must_be_there_when_this_run_does_not_deploy_it() -> None:
    inv = relied_on("web", "worker", "exporter")
    assert unhealthy_dependency(book(inv), SERVER, running(SERVER)) == (
        "app@home is unhealthy: app_worker: does not exist; app_exporter: does not exist"
    )
    assert unhealthy_dependency(book(relied_on("web")), SERVER, running(SERVER)) == ""


def test_what_operators_rely_on_must_not_be_scaled_to_nothing() -> None:
    nothing = sight("home", services=(service("web", SERVER.stack, replicas=0),))
    assert unhealthy_dependency(book(relied_on("web")), SERVER, nothing) == (
        "app@home is unhealthy: app_web: is scaled to 0, declared are 1"
    )


def test_what_this_run_deploys_is_judged_by_its_compose_file_alone() -> None:
    of = book(relied_on("web", "worker"), deployed={SERVER: (wanted(),)})
    assert unhealthy_dependency(of, SERVER, running(SERVER)) == ""
    of = book(deployed={SERVER: (wanted(), wanted("worker"))})
    assert unhealthy_dependency(of, SERVER, running(SERVER)) == (
        "app@home is unhealthy: app_worker: does not exist"
    )


def test_no_more_than_four_reasons_are_told() -> None:
    of = book(deployed={SERVER: tuple(wanted(f"w{n}") for n in range(5))})
    seen = running(SERVER, "w0")
    bare = replace(seen, tasks=())
    told = unhealthy_dependency(of, SERVER, bare)
    assert told == (
        "app@home is unhealthy: app_w0: 0 of 1 tasks exist; app_w1: does not exist;"
        " app_w2: does not exist; app_w3: does not exist"
    )


def test_a_global_service_that_one_look_shows_without_a_task_is_not_given_up() -> None:
    everywhere = service("web", SERVER.stack, mode=Mode.GLOBAL)
    of = book(deployed={SERVER: (wanted(mode=Mode.GLOBAL),)})
    assert unhealthy_dependency(of, SERVER, sight("home", services=(everywhere,))) == (
        "app@home is pending: app_web: no node is eligible for it"
    )


def test_patience_is_that_of_its_own_policy() -> None:
    """One look tells nothing about how long a task has waited, unless no time is given at all."""
    waits = task("web", SERVER.stack, state=TaskState.PENDING, node_id="", error="no suitable node")
    seen = sight("home", services=(service("web", SERVER.stack),), tasks=(waits,))
    assert "app@home is pending" in unhealthy_dependency(book(), SERVER, seen)
    hasty = spec(SERVER, policy=Policy(no_node_seconds=0))
    units = tuple(hasty if s.unit == SERVER else s for s in inventory().units)
    of = book(replace(inventory(), units=units))
    assert "app@home is unhealthy" in unhealthy_dependency(of, SERVER, seen)


# Deploying over what runs


OTHER = (wanted("web", facts=(Fact("replicas", "", "2"),)),)


def over(*services: DesiredService, data: str = "") -> Book:
    """Return a book that deploys these services over the server's."""
    of = book(deployed={SERVER: services})
    source = replace(of.sourced[SERVER], data_digest=data)
    return replace(of, plan=plan(unit_plan(SERVER)), sourced={SERVER: source})


def overwriting(own: Look, far: Look, of: Book | None = None) -> tuple[str, ...]:
    return overwrite_blockers(of or over(*OTHER), SERVER, {"home": own, "far": far})


def test_a_unit_that_runs_is_not_redone_under_what_needs_it() -> None:
    assert overwriting(running(SERVER), running(CLIENT)) == (f"{CLIENT} is present",)
    assert overwriting(running(SERVER), unseen("far")) == (f"{CLIENT} is unknown",)
    assert overwriting(running(SERVER), sight("far")) == ()


@pytest.mark.parametrize(
    "own", [sight("home"), unseen("home"), sight("home", networks=(resource("n", "app"),))]
)
def test_what_does_not_run_is_not_redone(own: Look) -> None:
    assert overwriting(own, running(CLIENT)) == ()


def test_what_a_deploy_leaves_as_it_is_may_be_deployed_again_under_what_needs_it() -> None:
    assert overwriting(running(SERVER), running(CLIENT), over(wanted("web"))) == ()
    other_data = over(wanted("web"), data="0" * 64)
    assert overwriting(running(SERVER), running(CLIENT), other_data) == (f"{CLIENT} is present",)


@pytest.mark.parametrize(
    ("state", "free"),
    [
        (TaskState.PENDING, True),
        (TaskState.ASSIGNED, False),
        (TaskState.RUNNING, False),
        (TaskState.COMPLETE, True),
        (TaskState.FAILED, True),
    ],
)
def test_a_service_of_which_nothing_runs_is_started_under_what_needs_it(
    state: TaskState, *, free: bool
) -> None:
    """One service runs and stays as it is; of the other, which changes, one task is there."""
    services = tuple(service(name, SERVER.stack) for name in ("web", "db"))
    tasks = (task("web", SERVER.stack), task("db", SERVER.stack, state=state))
    own = sight("home", services=services, tasks=tasks)
    of = over(wanted("web"), wanted("db", facts=OTHER[0].facts))
    assert (overwriting(own, running(CLIENT), of) == ()) is free


def labelled(*runs: str) -> Sight:
    names = [f"w{number}" for number in range(len(runs))]
    services = tuple(
        service(name, SERVER.stack, labels=((LABEL_RUN, run),))
        for name, run in zip(names, runs, strict=True)
    )
    return sight("home", services=services, tasks=tuple(task(name, SERVER.stack) for name in names))


def test_what_this_run_deployed_may_be_deployed_again_by_it() -> None:
    assert overwriting(labelled("r1", "r1"), running(CLIENT)) == ()


@pytest.mark.parametrize("runs", [("r1", "r0"), ("r0",), ("",)])
def test_what_is_even_in_part_anothers_is_not(runs: tuple[str, ...]) -> None:
    of = over(*(wanted(f"w{n}", facts=OTHER[0].facts) for n in range(2)))
    assert overwriting(labelled(*runs), running(CLIENT), of) == (f"{CLIENT} is present",)


def test_nothing_is_restarted_where_nobody_can_look() -> None:
    assert restarted(over(*OTHER), SERVER, unseen("home")) == ()


ONCE = (Fact("restart", "condition", "none"),)


def at_its_end(state: TaskState = TaskState.FAILED, **about: object) -> Sight:
    """Show a server of which no task will ever run again unless somebody does something."""
    last = task("web", "app", state=state, desired=TaskState.SHUTDOWN)
    return sight("home", services=(service("web", "app", facts=ONCE, **about),), tasks=(last,))


def test_what_failed_for_good_needs_a_fresh_try_that_no_deploy_of_the_same_gives() -> None:
    same = over(wanted(facts=ONCE))
    assert at_their_end(same, SERVER, at_its_end()) == ("app_web",)
    assert at_their_end(same, SERVER, at_its_end(TaskState.COMPLETE)) == ()
    other = over(wanted(facts=(*ONCE, Fact("user", "", "1000"))))
    assert at_their_end(other, SERVER, at_its_end()) == ()


def test_docker_runs_a_job_again_by_itself() -> None:
    job = over(wanted(mode=Mode.REPLICATED_JOB, facts=ONCE))
    assert at_their_end(job, SERVER, at_its_end(mode=Mode.REPLICATED_JOB)) == ()


def test_a_fresh_try_restarts_what_runs_beside_the_slot_that_failed() -> None:
    broken = at_its_end(replicas=2)
    beside = replace(task("web", "app", number=2), slot="2")
    both = over(wanted(facts=ONCE, replicas=2))
    assert restarted(both, SERVER, broken) == ()
    assert restarted(both, SERVER, replace(broken, tasks=(*broken.tasks, beside))) == ("app_web",)
