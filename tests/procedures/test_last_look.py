from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import Look
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Command, Plan, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.procedures.last_look import broken_since
from tests.build import CLIENT, SERVER, inventory, running, sight, sourced, unseen


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


def test_what_this_run_did_not_deploy_is_not_its_business() -> None:
    kept = book({CLIENT: Action.KEEP}, CLIENT)
    assert broken_since(kept, frozenset({CLIENT}), {"far": sight("far")}) == ()
