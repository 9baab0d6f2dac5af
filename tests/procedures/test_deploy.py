from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import HttpProbe
from orchestrator.fleet.observed import Fact, Look, Mode, Resource, Sight, Task, TaskState
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import LABEL_DATA, LABEL_FORMER, LABEL_REVISION, LABEL_RUN
from orchestrator.inventory.model import SiteState
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind
from orchestrator.procedures.book import Book
from orchestrator.procedures.deploy import deploy, settle
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Done,
    Effect,
    Failed,
    ProbeResult,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
)
from orchestrator.procedures.findings import refused_deploy
from tests.build import (
    CLIENT,
    SERVER,
    SHA,
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
from tests.drive import Driven, drive

PROBE = HttpProbe(name="health", host="127.0.0.1", port=8001)
RUN = "r1"
UNSEEN = Before(presence=Presence.UNKNOWN)


def book(**about: Any) -> Book:
    plan = Plan(
        command=Command.RESTART,
        selection="--all",
        coordinator="home",
        revisions=(),
        units=tuple(unit_plan(unit, before=UNSEEN) for unit in (SERVER, CLIENT)),
        steps=(),
    )
    base = inventory()
    units = tuple(spec(SERVER, probes=(PROBE,)) if s.unit == SERVER else s for s in base.units)
    sources = {SERVER: sourced(SERVER), CLIENT: sourced(CLIENT, wanted(**about))}
    return Book(run=RUN, inventory=replace(base, units=units), plan=plan, sourced=sources)


def step(seconds: float = 60.0) -> Step:
    return Step(id="deploy x", kind=StepKind.DEPLOY, site="x", wait_seconds=seconds)


def at(site: str, seen: Sight) -> Sight:
    return replace(seen, site=site)


class World:
    """The server runs at home; the client comes up two seconds after its deploy."""

    def __init__(self) -> None:
        self.deployed_at: float | None = None
        self.answer = Answer(result=Result.OK, at=0.0)
        self.answers: list[Answer] = []
        """Those that come before it; with them it happens at the last only, if not `happens`."""
        self.happens = True
        self.home: Look = at("home", running(SERVER))
        self.tasks: list[tuple[float, tuple[Task, ...]]] = [
            (0.0, (task(state=TaskState.STARTING),)),
            (2.0, (task(),)),
        ]
        self.probe = True
        self.delay = 0.0
        """How long after the deploy its services appear, in seconds."""
        self.mode = Mode.REPLICATED
        self.made: dict[str, Any] = {}
        """What the deployed service is besides."""

    def look(self, site: str, now: float) -> Look:
        if site == "home":
            return self.home
        if self.deployed_at is None:
            return sight(site)
        since = now - self.deployed_at - self.delay
        if since < 0:
            return sight(site)
        tasks = [tasks for begin, tasks in self.tasks if begin <= since][-1]
        labelled = service(labels=((LABEL_RUN, RUN),), mode=self.mode, **self.made)
        return sight(site, services=(labelled,), tasks=tasks)

    def perform(self, effect: Effect, now: float) -> object:
        if isinstance(effect, RunProbe):
            return ProbeResult(ok=self.probe, at=now, words="HTTP 503")
        assert isinstance(effect, DeployStack)
        answer = self.answers.pop(0) if self.answers else self.answer
        if self.happens or answer.result is Result.OK:
            self.deployed_at = now
        return answer


def deployed(world: World, seconds: float = 60.0) -> Driven:
    return drive(deploy(book(), step(seconds), CLIENT), world.look, world.perform)


def deploys(driven: Driven) -> list[DeployStack]:
    return [effect for effect in driven.effects if isinstance(effect, DeployStack)]


def failed_with(driven: Driven) -> tuple[ExitCode, str]:
    assert isinstance(driven.outcome, Failed)
    problem = driven.outcome.problems[0]
    return problem.exit_code, " ".join(problem.evidence)


def test_a_deploy_is_done_when_the_unit_is_healthy_not_when_docker_answers() -> None:
    driven = deployed(World())
    assert isinstance(driven.outcome, Done)
    assert driven.seconds >= 2.0


def test_it_is_labelled_with_revision_and_run() -> None:
    effect = deploys(deployed(World()))[0]
    assert dict(effect.labels)[LABEL_REVISION] == SHA
    assert dict(effect.labels)[LABEL_RUN] == RUN


@pytest.mark.parametrize(
    "home",
    [sight("home"), unseen("home"), at("home", replace(running(SERVER), tasks=()))],
    ids=["gone", "unseen", "no-task"],
)
def test_nothing_is_deployed_while_what_it_needs_is_not_healthy(home: Look) -> None:
    world = World()
    world.home = home
    driven = deployed(world)
    assert failed_with(driven)[0] is ExitCode.SAFETY_REFUSED
    assert deploys(driven) == []


def test_the_probe_of_a_dependency_must_answer_as_well() -> None:
    world = World()
    world.probe = False
    code, words = failed_with(deployed(world))
    assert code is ExitCode.SAFETY_REFUSED
    assert "probe health: HTTP 503" in words


def changing() -> Book:
    """Return a book whose deploy of the server changes what runs of it."""
    other = sourced(SERVER, wanted(facts=(Fact("oom score", "", "5"),)))
    return replace(book(), sourced={**book().sourced, SERVER: other})


def test_a_running_unit_is_not_deployed_over_while_others_that_need_it_run() -> None:
    far = running(CLIENT)
    looks: dict[str, Look] = {"home": at("home", running(SERVER)), "far": far}
    world = World()
    driven = drive(deploy(changing(), step(), SERVER), lambda site, _: looks[site], world.perform)
    assert failed_with(driven)[0] is ExitCode.SAFETY_REFUSED
    assert deploys(driven) == []


def test_dockers_refusal_is_quoted() -> None:
    world = World()
    world.happens = False
    world.answer = Answer(result=Result.FAILED, at=0.0, words="network x not found")
    code, words = failed_with(deployed(world))
    assert (code, words) == (ExitCode.UNHEALTHY, "network x not found")


OUT_OF_SEQUENCE = Answer(result=Result.FAILED, at=0.0, words="rpc: update out of sequence")
CUT = Problem(code="ssh.cut", what="no route to host", exit_code=ExitCode.SITE_UNREACHABLE)
UNREACHED = Answer(result=Result.FAILED, at=0.0, words="cut", problem=CUT)


@pytest.mark.parametrize(
    "words",
    [
        "rpc error: update out of sequence",
        "network app_default already exists",
        "rpc error: name conflicts with an existing object",
    ],
)
def test_a_deploy_that_met_another_change_is_repeated_after_a_look(words: str) -> None:
    world = World()
    world.happens = False
    world.answers = [Answer(result=Result.FAILED, at=0.0, words=words)] * 2
    driven = deployed(world)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 3


def test_a_deploy_that_always_meets_another_change_is_given_up() -> None:
    world = World()
    world.happens = False
    world.answer = OUT_OF_SEQUENCE
    driven = deployed(world)
    assert failed_with(driven) == (ExitCode.UNHEALTHY, "rpc: update out of sequence")
    assert len(deploys(driven)) == 3
    assert driven.seconds == 6.0


def test_a_deploy_that_met_its_own_earlier_life_is_not_repeated() -> None:
    """The first one goes on at the manager; the look finds all services with this run's label."""
    world = World()
    world.answers = [OUT_OF_SEQUENCE]
    driven = deployed(world)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 1


def test_a_deploy_that_never_left_is_repeated_even_if_the_site_stays_out_of_sight() -> None:
    world = World()
    world.happens = False
    world.answers = [UNREACHED] * 2

    def look(site: str, now: float) -> Look:
        return unseen(site) if site == "far" and 0 < now < 64 else world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 3


def test_the_wait_for_health_begins_once_the_deploy_is_done() -> None:
    """The answer was lost, and the command at the manager needed 100 s."""
    world = World()
    world.delay = 100.0
    world.mode = Mode.GLOBAL
    world.tasks = [(0.0, ()), (5.0, (task(),))]
    world.answers = [Answer(result=Result.UNKNOWN, at=0.0)]
    driven = drive(deploy(book(mode=Mode.GLOBAL), step(30), CLIENT), world.look, world.perform)
    assert isinstance(driven.outcome, Done), driven.outcome


def test_a_site_that_no_deploy_reaches_is_lost() -> None:
    world = World()
    world.happens = False
    world.answer = UNREACHED
    driven = deployed(world)
    assert failed_with(driven) == (ExitCode.UNHEALTHY, "no route to host")
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].code == "deploy.site-lost"
    assert len(deploys(driven)) == 3


def test_the_problem_that_came_with_a_refusal_is_passed_on() -> None:
    cause = Problem(code="docker.refused", what="no", exit_code=ExitCode.SAFETY_REFUSED)
    world = World()
    world.answer = Answer(result=Result.FAILED, at=0.0, words="no", problem=cause)
    assert deployed(world).outcome == Failed(problems=(cause,))


def test_a_lost_answer_is_never_answered_by_a_second_deploy_when_the_first_is_seen() -> None:
    world = World()
    world.answer = Answer(result=Result.UNKNOWN, at=0.0, words="connection lost")
    driven = deployed(world)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 1


def test_a_lost_answer_without_a_trace_ends_as_unknown() -> None:
    world = World()
    world.happens = False
    world.answer = Answer(result=Result.UNKNOWN, at=0.0, words="connection lost")
    driven = deployed(world)
    assert failed_with(driven)[0] is ExitCode.OUTCOME_UNKNOWN
    assert len(deploys(driven)) == 1


def test_a_crash_loop_ends_it_at_the_third_failure_not_at_the_deadline() -> None:
    world = World()
    failures = tuple(
        task(state=TaskState.FAILED, desired=TaskState.SHUTDOWN, number=n, error="exit (3)")
        for n in range(3)
    )
    world.tasks = [(0.0, ()), (5.0, failures[:1]), (10.0, failures[1:2]), (15.0, failures[2:])]
    driven = deployed(world, seconds=300)
    code, words = failed_with(driven)
    assert code is ExitCode.UNHEALTHY
    assert "failed 3 times: exit (3)" in words
    assert driven.seconds < 16


def test_a_missing_image_ends_it_at_the_first_rejection() -> None:
    world = World()
    rejected = task(
        state=TaskState.REJECTED, desired=TaskState.SHUTDOWN, error="No such image: app:9"
    )
    world.tasks = [(0.0, (rejected,))]
    driven = deployed(world, seconds=300)
    assert "No such image: app:9" in failed_with(driven)[1]
    assert driven.seconds < 2


def test_a_service_that_never_gets_healthy_ends_at_the_deadline_and_names_itself() -> None:
    world = World()
    world.tasks = [(0.0, (task(state=TaskState.STARTING),))]
    driven = deployed(world, seconds=45)
    code, words = failed_with(driven)
    assert code is ExitCode.UNHEALTHY
    assert "app-client_web/1 on far-m: starting" in words
    assert 45 <= driven.seconds < 46


def test_leftovers_without_services_are_cleared_before_the_deploy() -> None:
    """A network that still goes away makes the deploy fail with "network not found"."""
    world = World()
    cleared: list[str] = []

    def look(site: str, now: float) -> Look:
        if site == "far" and world.deployed_at is None and not cleared:
            return sight(site, networks=(resource("net"),))
        return world.look(site, now)

    def perform(effect: Effect, now: float) -> object:
        if not isinstance(effect, RunProbe | DeployStack):
            cleared.append(type(effect).__name__)
            return Answer(result=Result.OK, at=now)
        return world.perform(effect, now)

    driven = drive(deploy(book(), step(), CLIENT), look, perform)
    assert isinstance(driven.outcome, Done)
    assert cleared == ["RemoveLeftovers"]


@pytest.mark.parametrize("looks", range(1, 6))
def test_services_that_turn_up_while_leftovers_are_cleared_are_nobodys_to_remove(
    looks: int,
) -> None:
    """Somebody deploys it just now: its networks are there a moment before its services."""
    world, left = World(), looks

    def look(site: str, now: float) -> Look:
        nonlocal left
        if site == "far" and world.deployed_at is None and left:
            left -= 1
            return sight(site, networks=(resource("net"),))
        if site == "far" and world.deployed_at is None:
            world.deployed_at = now
        return world.look(site, now)

    def perform(effect: Effect, now: float) -> object:
        removes = isinstance(effect, RemoveServices | RemoveLeftovers)
        return Answer(result=Result.OK, at=now) if removes else world.perform(effect, now)

    driven = drive(deploy(book(), step(), CLIENT), look, perform)
    assert isinstance(driven.outcome, Done)
    assert not any(isinstance(effect, RemoveServices) for effect in driven.effects)


def test_what_others_use_is_no_leftover_and_is_deployed_over() -> None:
    """No Swarm would let it go, and `docker stack deploy` takes it as it is."""
    world = World()
    joined = service("x", "other", facts=(Fact("network", "net", ""),))

    def look(site: str, now: float) -> Look:
        if site == "far" and world.deployed_at is None:
            return sight(site, networks=(resource("net"),), services=(joined,))
        return world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)


def settled(world: World, seconds: float = 60.0) -> Driven:
    world.deployed_at = 0.0
    return drive(settle(book(), step(seconds), CLIENT), world.look, world.perform)


def test_settled_means_the_same_tasks_for_the_whole_window() -> None:
    world = World()
    world.tasks = [(0.0, (task(),)), (6.0, (task(number=2),))]
    driven = settled(world)
    assert isinstance(driven.outcome, Done)
    assert driven.seconds >= 16.0


def test_a_task_that_keeps_being_replaced_never_settles() -> None:
    """Each look at it says 1/1."""
    world = World()
    world.tasks = [(float(n * 4), (task(number=n),)) for n in range(30)]
    driven = settled(world)
    assert failed_with(driven)[0] is ExitCode.UNHEALTHY
    assert driven.seconds >= 60


def test_a_task_that_fails_for_good_does_not_settle() -> None:
    world = World()
    failures = tuple(
        task(state=TaskState.FAILED, desired=TaskState.SHUTDOWN, number=n, error="exit (3)")
        for n in range(4)
    )
    world.tasks = [(float(n), (failure,)) for n, failure in enumerate(failures)]
    driven = settled(world)
    code, words = failed_with(driven)
    assert code is ExitCode.UNHEALTHY
    assert "exit (3)" in words
    assert driven.seconds < 60


def test_probes_must_answer_at_the_end_of_the_window_too() -> None:
    world = World()
    world.deployed_at = 0.0
    probed = spec(CLIENT, SERVER, probes=(PROBE,))
    units = tuple(probed if s.unit == CLIENT else s for s in inventory().units)
    of = replace(book(), inventory=replace(inventory(), units=units))
    world.probe = False
    driven = drive(settle(of, step(20), CLIENT), world.look, world.perform)
    assert failed_with(driven) == (ExitCode.UNHEALTHY, "probe health: HTTP 503")
    world.probe = True
    assert isinstance(drive(settle(of, step(20), CLIENT), world.look, world.perform).outcome, Done)


def test_a_site_that_is_out_of_sight_for_a_moment_settles_all_the_same() -> None:
    world = World()
    world.deployed_at = 0.0
    dark = [(0.0, 3.0), (9.0, 12.0)]

    def look(site: str, now: float) -> Look:
        hidden = site == "far" and any(begin <= now < end for begin, end in dark)
        return unseen(site) if hidden else world.look(site, now)

    driven = drive(settle(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert driven.seconds == 14.0


def test_a_site_that_stays_out_of_sight_does_not_settle() -> None:
    driven = drive(settle(book(), step(30), CLIENT), lambda site, _: unseen(site), World().perform)
    assert failed_with(driven) == (ExitCode.UNHEALTHY, "timed out")
    assert driven.seconds == 30.0


def hidden(world: World, *moments: tuple[float, float], seconds: float = 60.0) -> Driven:
    """Deploy while the site cannot be seen from one moment to another."""

    def look(site: str, now: float) -> Look:
        dark = site == "far" and any(begin <= now < end for begin, end in moments)
        return unseen(site) if dark else world.look(site, now)

    return drive(deploy(book(), step(seconds), CLIENT), look, world.perform)


def test_a_site_that_blinks_before_the_deploy_is_waited_for() -> None:
    driven = hidden(World(), (0.0, 59.0))
    assert isinstance(driven.outcome, Done)
    assert driven.told[0].waiting_for == "far to be seen again"
    assert (driven.told[0].items, driven.told[0].deadline) == (("timed out",), 60.0)


def test_nothing_is_deployed_where_nobody_can_look() -> None:
    driven = hidden(World(), (0.0, 1e9))
    assert failed_with(driven) == (ExitCode.UNHEALTHY, "timed out")
    assert deploys(driven) == []
    assert driven.seconds == 60.0


def test_a_site_that_blinks_after_the_deploy_is_waited_for() -> None:
    driven = hidden(World(), (1.0, 40.0))
    assert isinstance(driven.outcome, Done)
    assert driven.told[-1].waiting_for == "far to be seen again"


def test_a_site_that_is_lost_after_the_deploy_is_told_so() -> None:
    driven = hidden(World(), (1.0, 1e9))
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].code == "deploy.site-lost"
    assert driven.seconds == 60.0


def test_a_site_that_is_lost_with_the_answer_is_told_so() -> None:
    world = World()
    world.happens = False
    world.answer = Answer(result=Result.UNKNOWN, at=0.0, words="connection lost")
    driven = hidden(world, (0.1, 1e9))
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].code == "deploy.site-lost"
    assert driven.seconds == 130.0


@pytest.mark.parametrize(("begins", "done"), [(10.0, True), (1e9, False)])
def test_its_own_probes_must_answer_too(begins: float, *, done: bool) -> None:
    probed = spec(CLIENT, SERVER, probes=(PROBE,))
    units = tuple(probed if s.unit == CLIENT else s for s in inventory().units)
    of = replace(book(), inventory=replace(inventory(), units=units))
    world = World()

    def perform(effect: Effect, now: float) -> object:
        world.probe = now >= begins
        return world.perform(effect, now)

    driven = drive(deploy(of, step(30), CLIENT), world.look, perform)
    assert isinstance(driven.outcome, Done) is done
    if not done:
        assert failed_with(driven) == (ExitCode.UNHEALTHY, "probe health: HTTP 503")


@pytest.mark.parametrize("services", [("web",), ("web", "worker")])
def test_what_an_earlier_life_of_this_run_deployed_whole_is_left_alone(
    services: tuple[str, ...],
) -> None:
    label = ((LABEL_RUN, RUN),)
    mine = tuple(service(name, labels=label) for name in services)
    seen = replace(running(CLIENT, *services), services=mine)
    driven = drive(
        deploy(book(), step(5), CLIENT),
        lambda site, _: at("home", running(SERVER)) if site == "home" else seen,
        World().perform,
    )
    assert deploys(driven) == []


DROPPED = (Fact("oom score", "", "5"), Fact("environment", "TOKEN", "s3cret"))


def differing(world: World, **made: Any) -> Driven:
    """Deploy a service of these facts, of which the Swarm holds what `made` says."""
    stack = sourced(CLIENT, wanted(facts=DROPPED))
    of = replace(book(), sourced={**book().sourced, CLIENT: stack})
    world.made = made
    return drive(deploy(of, step(60), CLIENT), world.look, world.perform)


def test_what_the_swarm_holds_otherwise_ends_the_step_at_once_and_is_named() -> None:
    driven = differing(World(), facts=())
    assert isinstance(driven.outcome, Failed)
    [problem] = driven.outcome.problems
    assert (problem.code, problem.exit_code) == ("deploy.differs", ExitCode.UNHEALTHY)
    assert problem.evidence == ("web: environment TOKEN missing", "web: oom score none, declared 5")
    assert driven.seconds < 2
    assert len(deploys(driven)) == 1


def test_what_the_swarm_holds_as_it_was_declared_is_waited_for() -> None:
    driven = differing(World(), facts=DROPPED)
    assert isinstance(driven.outcome, Done)
    assert driven.seconds == pytest.approx(2.0)


@pytest.mark.parametrize("state", ["rollback_started", "rollback_completed", "rollback_paused"])
def test_what_docker_took_back_is_not_said_to_differ(state: str) -> None:
    driven = differing(World(), facts=(), update_state=state)
    assert not isinstance(driven.outcome, Failed) or {
        problem.code for problem in driven.outcome.problems
    } == {"deploy.unhealthy"}


def test_what_is_there_besides_is_nothing_that_was_deployed() -> None:
    old = Resource(id="n", name="app-client_old", stack=CLIENT.stack)
    seen = replace(running(CLIENT), networks=(old,))
    sites = {"home": at("home", running(SERVER)), "far": seen}
    driven = drive(deploy(book(), step(5), CLIENT), lambda site, _: sites[site], World().perform)
    assert isinstance(driven.outcome, Done)


def test_what_an_earlier_life_deployed_otherwise_is_deployed_again() -> None:
    stack = sourced(CLIENT, wanted(facts=DROPPED))
    of = replace(book(), sourced={**book().sourced, CLIENT: stack})
    mine = service(labels=((LABEL_RUN, RUN),))
    seen = replace(running(CLIENT), services=(mine,))
    world = World()

    def look(site: str, _: float) -> Look:
        if site == "home":
            return at("home", running(SERVER))
        whole = replace(seen, services=(replace(mine, facts=DROPPED),))
        return at("far", whole if world.deployed_at is not None else seen)

    driven = drive(deploy(of, step(5), CLIENT), look, world.perform)
    assert len(deploys(driven)) == 1
    assert isinstance(driven.outcome, Done)


@pytest.mark.parametrize("of_run", ["r0", ""])
def test_what_another_run_deployed_is_deployed_anew(of_run: str) -> None:
    label = ((LABEL_RUN, of_run),) if of_run else ()
    seen = replace(running(CLIENT), services=(service(labels=label),))
    driven = drive(
        deploy(book(), step(5), CLIENT),
        lambda site, _: at("home", running(SERVER)) if site == "home" else seen,
        World().perform,
    )
    assert len(deploys(driven)) == 1


def test_half_of_what_this_run_wanted_to_deploy_is_deployed_again() -> None:
    sources = {SERVER: sourced(SERVER), CLIENT: sourced(CLIENT, wanted(), wanted("worker"))}
    seen = replace(running(CLIENT), services=(service(labels=((LABEL_RUN, RUN),)),))
    driven = drive(
        deploy(replace(book(), sourced=sources), step(5), CLIENT),
        lambda site, _: at("home", running(SERVER)) if site == "home" else seen,
        World().perform,
    )
    assert len(deploys(driven)) == 1


def test_half_a_deploy_is_no_sign_of_the_one_whose_answer_was_lost() -> None:
    sources = {SERVER: sourced(SERVER), CLIENT: sourced(CLIENT, wanted(), wanted("worker"))}
    world = World()
    world.answer = Answer(result=Result.UNKNOWN, at=0.0)
    of = replace(book(), sourced=sources)
    driven = drive(deploy(of, step(), CLIENT), world.look, world.perform)
    assert failed_with(driven) == (ExitCode.OUTCOME_UNKNOWN, "")
    assert driven.seconds == 130.0


def test_leftovers_that_do_not_go_away_keep_the_deploy_from_failing_in_the_dark() -> None:
    left = sight("far", networks=(resource("net"),))

    def perform(effect: Effect, now: float) -> object:
        if isinstance(effect, RunProbe):
            return ProbeResult(ok=True, at=now, words="")
        return Answer(result=Result.OK, at=now)

    def look(site: str, _now: float) -> Look:
        return at("home", running(SERVER)) if site == "home" else left

    driven = drive(deploy(book(), step(20), CLIENT), look, perform)
    assert failed_with(driven)[0] is ExitCode.REMOVAL_UNFINISHED
    assert deploys(driven) == []


def test_a_dependency_that_needs_a_moment_is_waited_for() -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        return sight("home") if site == "home" and now < 19 else world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert driven.told[0].waiting_for == "what it depends on to be healthy"
    assert driven.told[0].deadline == 20.0


@pytest.mark.parametrize(("until", "done"), [(59.0, True), (1e9, False)])
def test_a_dependency_out_of_sight_is_waited_for_longer(until: float, *, done: bool) -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        return unseen("home") if site == "home" and now < until else world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done) is done
    assert driven.seconds == pytest.approx(61.5 if done else 60.0, abs=0.5)


def test_everything_the_deploy_needs_travels_with_it() -> None:
    client = spec(CLIENT, SERVER, variables=(("SITE", "far"),), secret_variables=("TOKEN",))
    units = tuple(client if s.unit == CLIENT else s for s in inventory().units)
    of = replace(book(), inventory=replace(inventory(), units=units))
    world = World()
    effect = deploys(drive(deploy(of, step(), CLIENT), world.look, world.perform))[0]
    release = sourced(CLIENT).release
    assert effect == DeployStack(
        unit=CLIENT,
        release=release,
        labels=(
            ("dtdeploy.repo", "app"),
            ("dtdeploy.revision", SHA),
            ("dtdeploy.release", release.digest),
            ("dtdeploy.compose", release.compose),
            ("dtdeploy.run", RUN),
        ),
        variables=(("SITE", "far"),),
        secret_variables=("TOKEN",),
    )


PINNED = f"repo/web:1@sha256:{'1' * 64}"
OTHER = f"repo/web:1@sha256:{'2' * 64}"


def pinned_book(image: str) -> Book:
    units = (unit_plan(CLIENT, before=UNSEEN, images=(("web", image),)),)
    sources = {**book().sourced, CLIENT: sourced(CLIENT, wanted(image="repo/web:1"))}
    return replace(book(), plan=plan(*units), sourced=sources)


def on_nodes(world: World, *platforms: str) -> Callable[[str, float], Look]:
    nodes = tuple(
        replace(node(name), platform=platform)
        for name, platform in zip(("far-m", "far-w"), platforms, strict=False)
    )

    def look(site: str, now: float) -> Look:
        seen = world.look(site, now)
        return replace(seen, nodes=nodes) if isinstance(seen, Sight) and site != "home" else seen

    return look


@pytest.mark.parametrize(
    ("image", "platforms", "asks"),
    [
        (PINNED, ("linux/x86_64", "linux/x86_64"), False),
        (PINNED, ("linux/x86_64", "linux/aarch64"), True),
        (PINNED, ("linux/x86_64", ""), True),
        (PINNED, ("",), True),
        ("repo/web:1", ("linux/x86_64",), True),
    ],
)
def test_a_registry_is_asked_only_where_it_could_tell_something(
    image: str, platforms: tuple[str, ...], *, asks: bool
) -> None:
    world = World()
    world.made = {"image": image}
    look = on_nodes(world, *platforms)
    driven = drive(deploy(pinned_book(image), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    (effect,) = deploys(driven)
    assert (effect.images, effect.ask_registry) == ((("web", image),), asks)


def test_another_digest_than_the_plan_says_ends_the_step() -> None:
    world = World()
    world.made = {"image": OTHER}
    driven = drive(deploy(pinned_book(PINNED), step(), CLIENT), world.look, world.perform)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].code == "deploy.differs"
    (words,) = driven.outcome.problems[0].evidence
    assert words.startswith("web: image digest ")


@pytest.mark.parametrize(
    ("before", "label"),
    [
        (Before(presence=Presence.GONE), "gone"),
        (Before(presence=Presence.PRESENT, revision="b" * 40), "b" * 40),
        (Before(presence=Presence.PRESENT), None),
        (Before(presence=Presence.UNKNOWN), None),
    ],
)
def test_what_ran_before_is_said_by_what_runs_now(before: Before, label: str | None) -> None:
    of = replace(book(), plan=plan(unit_plan(SERVER), unit_plan(CLIENT, before=before)))
    world = World()
    effect = deploys(drive(deploy(of, step(), CLIENT), world.look, world.perform))[0]
    assert dict(effect.labels).get(LABEL_FORMER) == label


def test_it_says_how_many_tasks_run_and_why_the_rest_does_not() -> None:
    told = [(tell.waiting_for, tell.items, tell.deadline) for tell in deployed(World()).told]
    assert ("0 of 1 tasks to run", ("app-client_web/1 on far-m: starting",), 60.0) in told


def test_a_deploy_that_is_repeated_is_guarded_again() -> None:
    """What it depends on may have gone while the answer travelled."""
    world = World()
    world.happens = False
    world.answer = OUT_OF_SEQUENCE

    def look(site: str, now: float) -> Look:
        return sight("home") if site == "home" and now > 0 else world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert failed_with(driven)[0] is ExitCode.SAFETY_REFUSED
    assert len(deploys(driven)) == 1


def test_a_deploy_that_could_not_begin_in_time_is_repeated() -> None:
    world = World()
    world.happens = False
    world.answers = [Answer(result=Result.LATE, at=0.0)] * 2
    driven = deployed(world)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 3


def test_a_site_of_dependents_is_not_asked_while_the_unit_is_down() -> None:
    looked: list[str] = []

    def look(site: str, now: float) -> Look:
        looked.append(site)
        return sight(site, at=now)

    step = Step(id="x", kind=StepKind.DEPLOY, site="home", unit=SERVER, wait_seconds=1.0)
    refused = Answer(result=Result.FAILED, at=0.0, words="no")
    ok = ProbeResult(ok=True, at=0.0, words="")
    drive(
        deploy(book(), step, SERVER),
        look,
        lambda effect, _now: ok if isinstance(effect, RunProbe) else refused,
    )
    assert set(looked) == {"home"}


def in_place(action: Action) -> Book:
    there = Before(presence=Presence.PRESENT, services=("web",), revision=SHA)
    made = plan(unit_plan(SERVER, action, before=there), command=Command.DEPLOY)
    return replace(book(), plan=made)


def server_deployed(of: Book) -> Driven:
    """Deploy the server while it runs, and so does a client that depends on it."""
    world = World()
    client = replace(running(CLIENT), site="far")
    answers: dict[str, Look] = {"home": world.home, "far": client}

    def perform(effect: Effect, now: float) -> object:
        if isinstance(effect, DeployStack):
            label = ((LABEL_RUN, RUN),)
            home = answers["home"]
            assert isinstance(home, Sight)
            services = tuple(replace(s, labels=label) for s in home.services)
            answers["home"] = replace(home, services=services)
        return world.perform(effect, now)

    return drive(deploy(of, step(), SERVER), lambda site, _: answers[site], perform)


def test_what_runs_is_not_deployed_over_while_another_needs_it() -> None:
    driven = server_deployed(replace(in_place(Action.UP), sourced=changing().sourced))
    assert failed_with(driven)[0] is ExitCode.SAFETY_REFUSED
    assert deploys(driven) == []


def test_what_is_to_be_changed_in_place_is_and_loses_what_is_not_declared_any_more() -> None:
    driven = server_deployed(in_place(Action.UPDATE))
    assert isinstance(driven.outcome, Done)
    assert [effect.prune for effect in deploys(driven)] == [True]


def test_what_comes_up_from_nothing_has_nothing_to_lose() -> None:
    assert [effect.prune for effect in deploys(deployed(World()))] == [False]


def test_the_files_behind_its_configs_and_secrets_are_noted_on_its_services() -> None:
    of = book()
    source = replace(of.sourced[CLIENT], data_digest="0123")
    of = replace(of, sourced={**of.sourced, CLIENT: source})
    world = World()
    (effect,) = deploys(drive(deploy(of, step(), CLIENT), world.look, world.perform))
    assert (LABEL_DATA, "0123") in effect.labels
    (plain,) = deploys(deployed(World()))
    assert LABEL_DATA not in dict(plain.labels)


def test_what_it_needs_is_asked_again_after_its_own_site_was_waited_for() -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        if now < 30.0:
            return unseen("far") if site == "far" else world.look(site, now)
        return sight("home") if site == "home" else world.look(site, now)

    driven = drive(deploy(book(), step(100), CLIENT), look, world.perform)
    assert failed_with(driven)[0] is ExitCode.SAFETY_REFUSED
    assert deploys(driven) == []
    assert driven.seconds >= 30.0


@pytest.mark.parametrize("state", ["paused", "rollback_completed"])
def test_what_docker_gave_up_in_an_earlier_life_is_deployed_again(state: str) -> None:
    """A second deploy moves a paused update on; waiting for it would be in vain."""
    label = ((LABEL_RUN, RUN),)
    ours = replace(running(CLIENT), services=(service(labels=label, update_state=state),))
    world = World()

    def look(site: str, now: float) -> Look:
        if site == "far" and world.deployed_at is None:
            return ours
        return world.look(site, now)

    driven = drive(deploy(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert len(deploys(driven)) == 1


ONCE = (Fact("restart", "condition", "none"),)


def at_its_end(world: World, number: int) -> None:
    """Let the client be there already, at its end, and come up at its `number`th deploy."""
    world.made = {"facts": ONCE}
    last = task(state=TaskState.FAILED, desired=TaskState.SHUTDOWN, error="exit (3)")
    world.deployed_at = 0.0 if number else None
    world.tasks = [(0.0, (last,))]


def of_one_try() -> Book:
    return book(facts=ONCE)


@pytest.mark.parametrize("run", [RUN, "r0"], ids=["resumed", "of another run"])
def test_what_failed_for_good_gets_a_fresh_try_under_the_same_specification(run: str) -> None:
    world = World()
    at_its_end(world, 1)
    before = world.look

    def look(site: str, now: float) -> Look:
        seen = before(site, now)
        if site == "home" or not isinstance(seen, Sight) or world.deployed_at:
            return seen
        labelled = (replace(seen.services[0], labels=((LABEL_RUN, run),)),)
        return replace(seen, services=labelled)

    def perform(effect: Effect, now: float) -> object:
        answer = world.perform(effect, now)
        if isinstance(effect, DeployStack):
            world.tasks = [(0.0, (task(number=2),))] if effect.again else world.tasks
        return answer

    driven = drive(deploy(of_one_try(), step(), CLIENT), look, perform)
    assert isinstance(driven.outcome, Done), driven.outcome
    assert [effect.again for effect in deploys(driven)] == [("app-client_web",)]


def test_what_finished_is_told_when_it_settled_and_probes_are() -> None:
    world = World()
    world.made = {"facts": ONCE}
    world.deployed_at = 0.0
    world.tasks = [(0.0, (task(state=TaskState.COMPLETE, desired=TaskState.SHUTDOWN),))]
    driven = drive(settle(of_one_try(), step(), CLIENT), world.look, world.perform)
    assert driven.outcome == Done(words="stable for 10 s; finished: web")
    driven = drive(settle(book(), step(), SERVER), world.look, world.perform)
    assert driven.outcome == Done(words="stable for 10 s; probe health: HTTP 503 after 0.00 s")


def test_what_a_dependency_is_asked_may_be_answered_late() -> None:
    asked = [effect for effect in deployed(World()).effects if isinstance(effect, RunProbe)]
    assert {effect.patience_seconds for effect in asked} == {PROBE.timeout_seconds}


def away(world: World, *, dark: bool) -> Driven:
    """Deploy to a site that could not be seen when this life of the run began."""
    of = replace(book(), away=frozenset({CLIENT.site}))

    def look(site: str, now: float) -> Look:
        return unseen(site) if dark and site == CLIENT.site else world.look(site, now)

    return drive(deploy(of, step(), CLIENT), look, world.perform)


def test_a_site_that_was_away_before_is_looked_at_once_and_not_waited_for() -> None:
    driven = away(World(), dark=True)
    assert isinstance(driven.outcome, Failed)
    (problem,) = driven.outcome.problems
    assert (problem.code, problem.exit_code) == ("deploy.site-lost", ExitCode.UNHEALTHY)
    assert problem.what == f"far was never reached, and {CLIENT} not brought up"
    assert (driven.seconds, deploys(driven)) == (0.0, [])


def test_one_that_is_back_by_then_is_deployed_to() -> None:
    assert isinstance(away(World(), dark=False).outcome, Done)


def test_what_is_needed_and_down_is_in_the_command_that_brings_both() -> None:
    world = World()
    world.home = sight("home")
    outcome = deployed(world).outcome
    assert isinstance(outcome, Failed)
    assert outcome.problems[0].fix.startswith(f"dtdeploy up {SERVER} {CLIENT}   #")


def test_what_is_needed_and_not_ours_is_named_as_somebody_elses() -> None:
    of = replace(book(), inventory=inventory(states={"home": SiteState.WATCHED}))
    problem = refused_deploy(of, CLIENT, {SERVER: "it is gone"})
    assert problem.fix.startswith(
        f"have {SERVER} mended: never changed from here; then dtdeploy up"
    )
