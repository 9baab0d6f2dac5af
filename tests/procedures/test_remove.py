from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import Fact, Look, NodeState, Sight, TaskState
from orchestrator.planning.plan import Command, Plan, Step, StepKind
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Effect,
    Failed,
    RemoveLeftovers,
    RemoveServices,
    Result,
)
from orchestrator.procedures.remove import clear_away, remove
from tests.build import (
    CLIENT,
    SERVER,
    info,
    inventory,
    node,
    resource,
    running,
    service,
    sight,
    task,
    unseen,
)
from tests.drive import Driven, drive

OK = Answer(result=Result.OK, at=0.0)


def book() -> Book:
    plan = Plan(
        command=Command.RESTART,
        selection="--all",
        coordinator="home",
        revisions=(),
        units=(),
        steps=(),
    )
    return Book(run="r1", inventory=inventory(), plan=plan, sourced={})


def step(seconds: float = 40.0) -> Step:
    return Step(id="remove x", kind=StepKind.REMOVE, site="x", wait_seconds=seconds)


class World:
    """A stack that goes away the way Swarm lets it: services at once, tasks later."""

    def __init__(self, stop_seconds: float = 3.0) -> None:
        self.stop_seconds = stop_seconds
        self.removed_at: float | None = None
        self.cleaned = False
        self.answers: list[Answer] = []

    def look(self, site: str, now: float) -> Look:
        if site != CLIENT.site:
            return sight(site)
        full = replace(running(CLIENT), networks=(resource("net"),), secrets=(resource("sec"),))
        if self.removed_at is None:
            return full
        ending = now - self.removed_at < self.stop_seconds
        left: Sight = replace(full, services=(), tasks=full.tasks if ending else ())
        return replace(left, networks=(), secrets=()) if self.cleaned else left

    def perform(self, effect: Effect, now: float) -> object:
        answer = self.answers.pop(0) if self.answers else OK
        happened = answer.result in (Result.OK, Result.UNKNOWN)
        if isinstance(effect, RemoveServices) and happened:
            self.removed_at = now
        if isinstance(effect, RemoveLeftovers) and happened:
            self.cleaned = True
        return answer


def removed(world: World, seconds: float = 40.0) -> Driven:
    return drive(remove(book(), step(seconds), CLIENT), world.look, world.perform)


def test_services_go_first_and_leftovers_only_after_the_last_task() -> None:
    """Removing a network under stopping tasks leaks addresses until the leader restarts."""
    driven = removed(World(stop_seconds=7.0))
    assert isinstance(driven.outcome, Done)
    services, leftovers = driven.effects
    assert services == RemoveServices(unit=CLIENT, ids=("svc-app-client-web",))
    assert leftovers == RemoveLeftovers(unit=CLIENT, networks=("id-net",), secrets=("id-sec",))
    assert driven.seconds >= 7.0


def test_a_unit_that_is_gone_already_costs_two_looks_and_no_effect() -> None:
    looks: list[str] = []

    def look(site: str, _now: float) -> Look:
        looks.append(site)
        return sight(site)

    driven = drive(remove(book(), step(), CLIENT), look, World().perform)
    assert driven.outcome == Done(words="gone after 0.0 s")
    assert driven.effects == []
    assert looks == ["far", "far"]


def test_a_task_that_never_ends_fails_by_name_and_time() -> None:
    driven = removed(World(stop_seconds=1e9), seconds=40)
    assert isinstance(driven.outcome, Failed)
    problem = driven.outcome.problems[0]
    assert problem.exit_code is ExitCode.REMOVAL_UNFINISHED
    assert "task task-app-cli running on far-m" in problem.evidence
    assert 40 <= driven.seconds <= 41
    assert not any(isinstance(effect, RemoveLeftovers) for effect in driven.effects)


def test_who_uses_what_does_not_go_is_named() -> None:
    joined = service("x", "stranger", facts=(Fact("network", "app-client_net", ""),))
    left = (resource("app-client_net"),)

    def look(site: str, now: float) -> Look:
        return replace(sight(site, now), networks=left, services=(joined,))

    def refuse(effect: Effect, now: float) -> Answer:
        del effect
        return Answer(result=Result.FAILED, at=now, words="network is in use by service x")

    driven = drive(remove(book(), step(), CLIENT), look, refuse)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence == (
        "network app-client_net",
        (
            "service stranger_x uses network app-client_net"
            " (docker service ps stranger_x   # on the manager)"
        ),
    )


def test_a_worker_that_freezes_meanwhile_makes_the_outcome_unknown() -> None:
    world = World(stop_seconds=1e9)

    def look(site: str, now: float) -> Look:
        seen = world.look(site, now)
        if now < 5 or not isinstance(seen, Sight):
            return seen
        return replace(seen, nodes=(node(state=NodeState.DOWN),))

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].exit_code is ExitCode.OUTCOME_UNKNOWN
    assert "far-m, which is down" in driven.outcome.problems[0].evidence[0]


def test_a_lost_answer_is_looked_after_and_not_repeated_when_it_happened() -> None:
    world = World()
    world.answers = [Answer(result=Result.UNKNOWN, at=0.0, words="cut")]
    driven = removed(world)
    assert isinstance(driven.outcome, Done)
    assert sum(isinstance(effect, RemoveServices) for effect in driven.effects) == 1


def test_a_refusal_ends_it_in_dockers_words() -> None:
    world = World()
    world.answers = [Answer(result=Result.FAILED, at=0.0, words="permission denied")]
    driven = removed(world)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence == ("permission denied",)
    assert driven.seconds == 0


def test_in_use_passes_and_is_tried_again() -> None:
    """Docker refuses a network that a stopping task still holds; that goes by itself."""
    world = World()
    world.answers = [OK, Answer(result=Result.FAILED, at=0.0, words="network x is in use")]
    driven = removed(world)
    assert isinstance(driven.outcome, Done)
    assert sum(isinstance(effect, RemoveLeftovers) for effect in driven.effects) == 2


def test_gone_once_is_not_gone() -> None:
    """A stale list may leave a task out for a moment."""
    world = World(stop_seconds=6.0)
    looks = 0

    def look(site: str, now: float) -> Look:
        nonlocal looks
        looks += 1
        return sight(site) if looks == 2 else world.look(site, now)

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert driven.seconds >= 6.0


def test_a_site_that_blinks_is_waited_for() -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        return unseen(site) if 2 < now < 9 else world.look(site, now)

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)


HOME = running(SERVER)


@pytest.mark.parametrize(
    "far",
    [
        running(CLIENT),
        unseen(),
        sight(networks=(resource("net"),)),
        sight(nodes=(node(state=NodeState.DOWN),), tasks=(task(),)),
        sight(services=(service(stack="app-extra"),)),
    ],
    ids=["running", "unseen", "leftover", "node-down", "undeclared"],
)
def test_the_server_stays_while_a_dependent_is_not_known_to_be_gone(far: Look) -> None:
    looks: dict[str, Look] = {"home": replace(HOME, site="home"), "far": far}
    driven = drive(remove(book(), step(), SERVER), lambda site, _: looks[site], World().perform)
    assert isinstance(driven.outcome, Failed)
    problem = driven.outcome.problems[0]
    assert problem.exit_code is ExitCode.SAFETY_REFUSED
    assert problem.evidence[0].startswith("app-")
    assert driven.effects == []


def test_the_server_goes_once_all_dependents_are_gone() -> None:
    taken = False

    def look(site: str, _now: float) -> Look:
        return replace(HOME, site="home") if site == "home" and not taken else sight(site)

    def perform(_effect: Effect, _now: float) -> object:
        nonlocal taken
        taken = True
        return OK

    driven = drive(remove(book(), step(), SERVER), look, perform)
    assert isinstance(driven.outcome, Done)
    assert len(driven.effects) == 1


def test_finished_job_tasks_do_not_hold_the_server() -> None:
    far = sight(tasks=(task(state=TaskState.COMPLETE),))
    driven = drive(
        remove(book(), step(), SERVER),
        lambda site, _: far if site == "far" else sight(site),
        World().perform,
    )
    assert isinstance(driven.outcome, Done)


def test_what_is_left_is_asked_for_once_while_it_goes() -> None:
    """Docker has said yes; the network takes a while until every node has let go of it."""
    world = World(stop_seconds=0.0)

    def look(site: str, now: float) -> Look:
        if world.cleaned and now < 3:
            return replace(running(CLIENT), services=(), tasks=(), networks=(resource("net"),))
        return world.look(site, now)

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert [type(effect) for effect in driven.effects] == [RemoveServices, RemoveLeftovers]


def test_services_that_stay_listed_are_asked_for_once_and_hold_up_the_rest() -> None:
    world = World()

    def look(_site: str, now: float) -> Look:
        return replace(running(CLIENT), tasks=(), networks=(resource("net"),)) if now < 3 else gone

    gone = sight()
    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert [type(effect) for effect in driven.effects] == [RemoveServices]


def test_a_network_that_lost_its_label_is_still_waited_for() -> None:
    world = World(stop_seconds=0.0)

    def look(site: str, now: float) -> Look:
        if not world.cleaned:
            return world.look(site, now)
        return sight(networks=(resource("net", stack=""),) if now < 5 else ())

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert driven.seconds >= 5.0


def test_a_site_that_is_out_of_sight_for_long_makes_it_unknown() -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        return unseen(site) if now > 2 else world.look(site, now)

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Failed)
    problem = driven.outcome.problems[0]
    assert problem.exit_code is ExitCode.OUTCOME_UNKNOWN
    assert problem.evidence == ("far cannot be seen: timed out",)


@pytest.mark.parametrize(("blind", "comes_to_an_end"), [(59.0, True), (70.0, False)])
def test_time_out_of_sight_is_not_counted_up_to_a_minute(
    blind: float, *, comes_to_an_end: bool
) -> None:
    world = World(stop_seconds=2.0)

    def look(site: str, now: float) -> Look:
        return unseen(site) if 1 < now < 1 + blind else world.look(site, now)

    driven = drive(remove(book(), step(3.0), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done) is comes_to_an_end


def test_the_deadline_is_put_off_by_as_long_as_nothing_was_seen() -> None:
    world = World(stop_seconds=1e9)

    def look(site: str, now: float) -> Look:
        return unseen(site) if 2 < now < 9 else world.look(site, now)

    driven = drive(remove(book(), step(20.0), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Failed)
    assert 26.0 <= driven.seconds <= 30.0


def test_a_site_that_is_out_of_sight_from_the_first_look_on_is_waited_for() -> None:
    world = World()

    def look(site: str, now: float) -> Look:
        return unseen(site) if now < 4 else world.look(site, now)

    driven = drive(remove(book(), step(), CLIENT), look, world.perform)
    assert isinstance(driven.outcome, Done)


def test_services_that_nobody_removes_are_not_called_unknown_for_a_node_that_is_down() -> None:
    """What can be seen to be there is there, whatever else cannot be seen."""
    down = replace(running(CLIENT), nodes=(node(state=NodeState.DOWN),))
    world = World()
    world.answers = [Answer(result=Result.UNKNOWN, at=0.0)] * 200
    driven = drive(remove(book(), step(), CLIENT), lambda *_: down, world.perform)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].exit_code is ExitCode.REMOVAL_UNFINISHED


def test_it_says_what_it_waits_for_and_until_when() -> None:
    driven = removed(World(stop_seconds=2.0))
    waits = [(tell.waiting_for, tell.items, tell.deadline) for tell in driven.told]
    task_words = "task task-app-cli running on far-m"
    assert ("1 tasks to end", (task_words, "network net", "secret sec"), 40.0) in waits
    assert ("the last of it to go", ("network net", "secret sec"), 40.0) in waits


def guarding(*moments: tuple[float, Look]) -> Driven:
    """Remove the server; each look at the far site lasts until its moment, the last for ever."""

    def look(site: str, now: float) -> Look:
        if site == "home":
            return sight("home") if taken else replace(HOME, site="home")
        return next((seen for until, seen in moments if now < until), moments[-1][1])

    taken: list[Effect] = []

    def perform(effect: Effect, _now: float) -> object:
        taken.append(effect)
        return OK

    return drive(remove(book(), step(), SERVER), look, perform)


def test_what_is_still_going_is_waited_for_a_while() -> None:
    driven = guarding((19.0, running(CLIENT)), (1e9, sight("far")))
    # The time that it waited before is no part of how long it took to go.
    assert driven.outcome == Done(words="gone after 0.5 s")
    assert driven.told[0].waiting_for == "what depends on it to be gone"
    assert driven.told[0].deadline == 20.0
    still = "app-client@far is present: service app-client_web; task task-app-cli running on far-m"
    assert driven.told[0].items == (still,)
    assert guarding((20.5, running(CLIENT)), (1e9, sight("far"))).effects == []


def test_how_long_it_did_not_go_is_counted_from_its_own_beginning() -> None:
    def look(site: str, now: float) -> Look:
        if site == "home":
            return replace(HOME, site="home")
        return running(CLIENT) if now < 10 else sight("far")

    driven = drive(remove(book(), step(), SERVER), look, lambda *_: OK)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].what == (
        "app@home is still there 40 s after its removal began"
    )
    assert driven.seconds == 50.0


def test_leftovers_of_the_server_go_whatever_depends_on_them() -> None:
    """Its services are gone already: nothing can go down under anybody."""
    left = sight("home", networks=(resource("net", SERVER.stack),))
    world = World()

    def look(site: str, _now: float) -> Look:
        if site == "far":
            return running(CLIENT)
        return sight("home") if world.cleaned else left

    driven = drive(remove(book(), step(), SERVER), look, world.perform)
    assert isinstance(driven.outcome, Done)
    assert [type(effect) for effect in driven.effects] == [RemoveLeftovers]


DARK = info(error="The swarm does not have a leader.")


def test_a_swarm_that_is_not_well_shows_no_leftovers() -> None:
    looks: dict[str, Look] = {"home": sight("home", info=DARK), "far": running(CLIENT)}
    driven = drive(remove(book(), step(), SERVER), lambda site, _: looks[site], World().perform)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].exit_code is ExitCode.SAFETY_REFUSED


def test_nothing_is_deleted_by_what_a_swarm_that_is_not_well_remembers() -> None:
    dark = replace(running(CLIENT), info=DARK)
    driven = drive(remove(book(), step(), CLIENT), lambda *_: dark, World().perform)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].exit_code is ExitCode.OUTCOME_UNKNOWN
    assert driven.effects == []


LEFT = (resource("x"),)


@pytest.mark.parametrize(
    ("left", "deleted"),
    [
        (sight(networks=LEFT), RemoveLeftovers(unit=CLIENT, networks=("id-x",))),
        (sight(secrets=LEFT), RemoveLeftovers(unit=CLIENT, secrets=("id-x",))),
        (sight(configs=LEFT), RemoveLeftovers(unit=CLIENT, configs=("id-x",))),
    ],
)
def test_leftovers_of_one_kind_alone_are_deleted_too(left: Sight, deleted: Effect) -> None:
    world = World()
    driven = drive(
        remove(book(), step(), CLIENT),
        lambda *_: sight() if world.cleaned else left,
        world.perform,
    )
    assert isinstance(driven.outcome, Done)
    assert driven.effects == [deleted]


def test_leftovers_that_stay_are_named_once_all_else_is_gone() -> None:
    left = sight(networks=(resource("net"),))
    driven = drive(remove(book(), step(), CLIENT), lambda *_: left, World().perform)
    assert isinstance(driven.outcome, Failed)
    problem = driven.outcome.problems[0]
    assert problem.exit_code is ExitCode.REMOVAL_UNFINISHED
    assert problem.evidence == ("network net",)


def test_a_task_that_never_ends_is_named_with_how_to_end_it() -> None:
    outcome = removed(World(stop_seconds=1e9)).outcome
    assert isinstance(outcome, Failed)
    (problem,) = outcome.problems
    assert problem.fix.startswith("on far-m: docker rm -f $(docker ps -aq -f label=")
    assert problem.fix.endswith("sudo systemctl restart docker; then repeat the command")


def test_a_site_out_of_sight_is_waited_for_longer() -> None:
    assert isinstance(guarding((59.0, unseen()), (1e9, sight("far"))).outcome, Done)
    driven = guarding((1e9, unseen()))
    assert isinstance(driven.outcome, Failed)
    assert (driven.effects, driven.seconds) == ([], 60.0)


LATE = Answer(result=Result.LATE, at=0.0)


def test_a_removal_that_could_not_begin_in_time_is_guarded_again() -> None:
    """A dependent may have been brought up while this process stood still."""
    looks = 0

    def look(site: str, _now: float) -> Look:
        nonlocal looks
        looks += site == "far"
        if site == "home":
            return replace(HOME, site="home")
        return sight("far") if looks == 1 else running(CLIENT)

    driven = drive(remove(book(), step(), SERVER), look, lambda *_: LATE)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].exit_code is ExitCode.SAFETY_REFUSED
    assert len(driven.effects) == 1


def test_a_removal_that_could_not_begin_in_time_begins_then() -> None:
    world = World()
    world.answers = [LATE, LATE]
    driven = removed(world)
    assert isinstance(driven.outcome, Done)
    assert [type(effect) for effect in driven.effects] == [RemoveServices] * 3 + [RemoveLeftovers]


def waiting(*answers: Answer, seconds: float = 40.0) -> Driven:
    """Remove what stays there, whatever is answered."""
    coming = iter(answers)
    return drive(
        remove(book(), step(seconds), CLIENT),
        lambda *_: running(CLIENT),
        lambda _, now: replace(next(coming, OK), at=now + 10.0),
    )


def test_the_time_to_go_away_is_counted_from_the_first_answer() -> None:
    assert waiting().seconds == 50.0
    assert waiting(LATE, LATE).seconds == 51.0
    lost = Answer(result=Result.UNKNOWN, at=0.0)
    assert waiting(lost, LATE).seconds == 50.0


def test_a_process_that_always_stands_still_gives_up_all_the_same() -> None:
    assert waiting(*[LATE] * 500).seconds == 51.0


def test_leftovers_are_cleared_away_without_a_question() -> None:
    """`deploy` does so before it asks its own."""
    left = sight(networks=(resource("net"),))
    cleared: list[Effect] = []

    def perform(effect: Effect, _now: float) -> object:
        cleared.append(effect)
        return LATE if len(cleared) == 1 else OK

    driven = drive(
        clear_away(CLIENT, wait_seconds=40.0, poll_seconds=0.5),
        lambda *_: left if len(cleared) < 2 else sight(),
        perform,
    )
    assert isinstance(driven.outcome, Done)
    assert len(cleared) == 2


def test_a_unit_at_a_site_that_was_away_before_is_not_waited_for() -> None:
    of = replace(book(), away=frozenset({CLIENT.site}))
    dark = drive(remove(of, step(), CLIENT), lambda site, _: unseen(site), World().perform)
    assert isinstance(dark.outcome, Failed)
    assert dark.outcome.problems[0].code == "removal.unknown"
    assert dark.seconds == 0.0
    world = World()
    assert isinstance(drive(remove(of, step(), CLIENT), world.look, world.perform).outcome, Done)
