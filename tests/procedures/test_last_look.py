from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Where
from orchestrator.fleet.desired import HttpProbe
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.observed import Look
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Command, Plan, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import ProbeResult, deciding
from orchestrator.procedures.last_look import broken_since, questions, unanswered, unwell_alone
from tests.build import (
    CLIENT,
    SERVER,
    inventory,
    plan,
    running,
    sight,
    sourced,
    spec,
    unit_plan,
    unseen,
)


def book(actions: dict[Unit, Action], *sources: Unit) -> Book:
    plan = Plan(
        command=Command.RESTART,
        selection="",
        coordinator="home",
        revisions=(),
        units=tuple(
            UnitPlan(unit=unit, action=action, reason="", before=Before(presence=Presence.GONE))
            for unit, action in actions.items()
        ),
        steps=(),
    )
    deployed = {unit: sourced(unit) for unit in sources}
    return Book(run="r1", inventory=inventory(), plan=plan, sourced=deployed)


BOTH = book({SERVER: Action.RESTART, CLIENT: Action.RESTART}, SERVER, CLIENT)


def test_what_runs_well_is_no_problem() -> None:
    looks: dict[str, Look] = {"home": running(SERVER), "far": running(CLIENT)}
    assert broken_since(BOTH, frozenset({SERVER, CLIENT}), looks) == ()


def test_what_broke_while_the_run_was_busy_elsewhere_is_found() -> None:
    looks: dict[str, Look] = {"home": sight("home"), "far": running(CLIENT)}
    (problem,) = broken_since(BOTH, frozenset({SERVER, CLIENT}), looks)
    assert (problem.code, problem.exit_code) == ("run.broke-later", ExitCode.UNHEALTHY)
    assert problem.what.startswith("app@home was healthy, and is not any more")
    assert problem.evidence == ("app_web: does not exist",)


def test_a_site_that_is_out_of_sight_just_then_says_nothing() -> None:
    assert broken_since(BOTH, frozenset({SERVER, CLIENT}), {"home": unseen("home")}) == ()


def left_alone(*services: str, presence: Presence = Presence.PRESENT) -> Book:
    kept = book({CLIENT: Action.KEEP})
    before = Before(presence=presence, services=services)
    unit = replace(kept.plan.units[0], before=before)
    return replace(kept, plan=replace(kept.plan, units=(unit,)))


def test_what_is_taken_down_or_was_never_settled_is_not_judged() -> None:
    down = book({CLIENT: Action.DOWN}, CLIENT)
    assert broken_since(down, frozenset({CLIENT}), {"far": sight("far")}) == ()
    assert broken_since(BOTH, frozenset(), {"far": sight("far"), "home": sight("home")}) == ()


def test_what_was_left_alone_and_runs_well_is_no_problem() -> None:
    assert broken_since(left_alone("web"), frozenset(), {"far": running(CLIENT)}) == ()


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (replace(running(CLIENT), tasks=()), "app-client_web: 0 of 1 tasks exist"),
        (sight("far"), "app-client_web: does not exist"),
    ],
)
def test_what_was_left_alone_and_is_not_well_is_named(look: Look, words: str) -> None:
    (problem,) = broken_since(left_alone("web"), frozenset(), {"far": look})
    assert (problem.code, problem.exit_code) == ("run.left-unhealthy", ExitCode.UNHEALTHY)
    assert problem.fix == "dtdeploy restart app-client@far"
    assert problem.evidence == (words,)


@pytest.mark.parametrize("presence", [Presence.GONE, Presence.UNKNOWN])
def test_what_did_not_run_before_need_not_run_after(presence: Presence) -> None:
    alone = left_alone(presence=presence)
    assert broken_since(alone, frozenset(), {"far": sight("far")}) == ()


@pytest.mark.parametrize(
    ("verdict", "presence", "found"),
    [
        (Verdict.HEALTHY, Presence.PRESENT, 0),
        (Verdict.UNHEALTHY, Presence.PRESENT, 1),
        (Verdict.PENDING, Presence.PRESENT, 1),
        (None, Presence.PRESENT, 0),
        (Verdict.UNHEALTHY, Presence.GONE, 0),
    ],
)
def test_a_plan_that_leaves_something_alone_says_that_it_is_not_healthy(
    verdict: Verdict | None, presence: Presence, found: int
) -> None:
    before = Before(presence=presence, verdict=verdict, words=("web/1: no task runs yet",))
    problems = unwell_alone(plan(unit_plan(CLIENT, Action.KEEP, before=before)))
    assert len(problems) == found
    for problem in problems:
        assert (problem.code, problem.evidence) == ("run.left-unhealthy", before.words)
        assert problem.where == Where(site="far", stack="app-client")
    assert unwell_alone(plan(unit_plan(CLIENT, before=before))) == ()


PROBE = HttpProbe(name="health", host="127.0.0.1", port=8001)


def probed(of: Book) -> Book:
    base = inventory()
    units = tuple(spec(SERVER, probes=(PROBE,)) if s.unit == SERVER else s for s in base.units)
    return replace(of, inventory=replace(base, units=units))


def test_the_probes_of_what_runs_well_are_asked_and_may_answer_late() -> None:
    looks: dict[str, Look] = {"home": running(SERVER), "far": running(CLIENT)}
    asked = questions(probed(BOTH), frozenset({SERVER, CLIENT}), looks)
    assert asked == ((SERVER, deciding("home", PROBE)),)
    assert asked[0][1].patience_seconds == PROBE.timeout_seconds


@pytest.mark.parametrize("look", [sight("home"), unseen("home")])
def test_what_does_not_run_or_cannot_be_seen_is_asked_nothing(look: Look) -> None:
    assert questions(probed(BOTH), frozenset({SERVER, CLIENT}), {"home": look}) == ()
    assert questions(probed(BOTH), frozenset(), {"home": running(SERVER)}) == ()


@pytest.mark.parametrize(
    ("action", "code"), [(Action.RESTART, "run.broke-later"), (Action.KEEP, "run.left-unhealthy")]
)
def test_a_unit_whose_probe_is_not_answered_well_is_named(action: Action, code: str) -> None:
    of = probed(book({SERVER: action}, SERVER))
    asked = ((SERVER, deciding("home", PROBE)), (SERVER, deciding("home", PROBE)))
    good = ProbeResult(ok=True, at=1.0, words="HTTP 200")
    bad = ProbeResult(ok=False, at=1.0, words="an empty answer")
    assert unanswered(of, asked, (good, good)) == ()
    (problem,) = unanswered(of, asked, (good, bad))
    assert (problem.code, problem.exit_code) == (code, ExitCode.UNHEALTHY)
    assert problem.evidence == ("probe health: an empty answer",)
