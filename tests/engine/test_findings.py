from dataclasses import replace

from orchestrator.engine.findings import (
    fleet_moved,
    left_as_it_is,
    lock_held,
    lock_unreachable,
    mended_since,
    nobody_knows_former,
    nothing_to_restore,
    record_of_other_inventory,
)
from orchestrator.errors import ExitCode
from orchestrator.procedures.hold import Hold, Holder, Phase
from tests.build import CLIENT, SERVER

HOLD = Hold(
    run="r7",
    words="restart --all",
    holder=Holder(owner="ann", host="desk", pid=7, session="s"),
    started=1000.0,
    beat=1090.0,
    phase=Phase.REMOVING,
)


def test_who_holds_the_lock_since_when_and_what_for() -> None:
    problem = lock_held(replace(HOLD, down=((SERVER, 1080.0),)), "home", 1100.0)
    assert problem.exit_code is ExitCode.LOCK_HELD
    assert problem.what == "run r7 of ann@desk holds the lock"
    assert problem.evidence == (
        "dtdeploy restart --all: removing",
        "begun 100 s ago, last sign of life 10 s ago",
        f"{SERVER} has been down for 20 s",
    )


def test_a_stopped_run_is_called_unfinished() -> None:
    problem = lock_held(replace(HOLD, phase=Phase.STOPPED), "home", 1100.0)
    assert problem.evidence[0] == "dtdeploy restart --all: stopped, unfinished"


def test_a_clock_that_is_ahead_of_ours_gives_no_negative_ages() -> None:
    assert "last sign of life 0 s ago" in lock_held(HOLD, "home", 1000.0).evidence[1]


def test_a_lock_that_cannot_be_asked_for_quotes_what_came_instead() -> None:
    problem = lock_unreachable("home", "r7", "cut")
    assert (problem.exit_code, problem.evidence) == (ExitCode.SITE_UNREACHABLE, ("cut",))
    assert problem.where.site == "home"
    assert problem.fix == "mend the way to home, then dtdeploy resume r7"
    assert lock_unreachable("home", "r7", "").evidence == ()


def test_the_rest_names_what_it_is_about() -> None:
    assert fleet_moved(("x",)).evidence == ("x",)
    assert fleet_moved(("x",)).exit_code is ExitCode.PLAN_STALE
    left = left_as_it_is(SERVER, CLIENT)
    assert left.what == f"{SERVER} was left as it is: {CLIENT} needs it, and would not come back"
    assert left.where.stack == SERVER.stack
    unknown = nobody_knows_former(CLIENT, "r7")
    assert unknown.what == f"nobody knows at which revision {CLIENT} ran before run r7"
    assert unknown.where.site == CLIENT.site
    dropped = nothing_to_restore(CLIENT, "r7")
    assert (dropped.what, dropped.retry.never) == (unknown.what, True)
    assert dropped.retry.drops == (("--on-failure", "restore"),)
    found = record_of_other_inventory("r7", ["kko: state was active, and is watched"])
    assert "run r7" in found.what
    assert found.evidence == ("kko: state was active, and is watched",)


def test_what_was_planned_while_a_site_blinked_was_not_done() -> None:
    before = lock_unreachable("far", "r7", "no route")
    problem = mended_since(before)
    assert (problem.code, problem.exit_code) == (before.code, ExitCode.SITE_UNREACHABLE)
    assert problem.evidence[0] == "no route"
    assert problem.evidence[1].endswith("it is not so any more")
    assert problem.fix == "give the same command again: it plans anew"
