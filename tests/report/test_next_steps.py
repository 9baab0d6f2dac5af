from dataclasses import replace

from orchestrator.engine.journal_problems import problems_told
from orchestrator.planning.plan import Command
from orchestrator.report.next_steps import next_steps, state_left, to_reproduce
from tests.build import CLIENT
from tests.report.journals import (
    BROKEN,
    PLAN,
    RECORD,
    closed,
    lock,
    opened,
    read,
    removal,
    whole_restart,
)

HEAD = (opened(1000.0), lock(1000.5, "taken"))


def test_a_run_that_went_well_leaves_nothing_to_do() -> None:
    run = read(*whole_restart())
    assert (next_steps(run), state_left(run)) == ((), "the lock is released")


def test_a_kept_lock_is_resumed_or_rolled_back() -> None:
    run = read(*HEAD, *removal(CLIENT, 1001.0, 1002.0), closed(1003.0, 21, kept=True))
    assert next_steps(run) == ("dtdeploy resume r1", "dtdeploy rollback r1")
    assert state_left(run).startswith("the lock is kept")
    assert state_left(run).endswith(f"down when it ended: {CLIENT}")


def test_what_is_owed_is_brought_up() -> None:
    run = read(*HEAD, closed(1003.0, 21, {"owed": {str(CLIENT): "it crashes"}}))
    assert next_steps(run) == ("dtdeploy up --owed",)
    assert f"owed: {CLIENT}" in state_left(run)


def test_of_a_run_without_an_end_the_lock_knows_more() -> None:
    assert next_steps(read(*HEAD)) == ("dtdeploy lock", "dtdeploy resume r1")


def test_a_run_that_lost_its_lock_is_somebody_elses() -> None:
    lost = replace(BROKEN, code="lock.lost")
    run = read(*HEAD, closed(1003.0, 10, problems_told([lost])))
    assert next_steps(run) == ("dtdeploy lock",)
    assert "lost" in state_left(run)


def test_a_run_that_did_not_begin_points_at_the_one_that_did() -> None:
    run = read(opened(1000.0), closed(1001.0, 10))
    assert next_steps(run) == ("dtdeploy lock",)


def test_a_run_that_was_given_up_may_be_taken_up_again() -> None:
    run = read(*HEAD, opened(1002.0, "broken"), lock(1003.0, "taken over"), closed(1004.0))
    assert next_steps(run) == ("dtdeploy status", "dtdeploy resume r1")


def test_a_failure_that_touched_nothing_is_looked_at() -> None:
    assert next_steps(read(*HEAD, closed(1003.0, 20))) == ("dtdeploy status",)


def test_the_same_again_is_at_the_same_revisions() -> None:
    run = read(*whole_restart())
    again = f"dtdeploy restart --all --ref app={'b' * 40}"
    assert to_reproduce(run) == (f"{again} --dry-run", again)


def test_what_deploys_nothing_or_names_its_ref_is_repeated_as_it_was_typed() -> None:
    down = replace(RECORD, words="down --all", plan=replace(PLAN, command=Command.DOWN))
    at = replace(RECORD, words="restart --all --ref app=v2")
    for record in (down, at):
        run = read(opened(1000.0, record=record), closed(1001.0))
        assert to_reproduce(run)[1] == f"dtdeploy {record.words}"
