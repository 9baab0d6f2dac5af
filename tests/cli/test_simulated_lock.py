"""Commands that meet each other's runs, on the simulated fleet, with the code that runs live."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.cli.breaking import break_in
from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.cli.main import run
from orchestrator.cli.meeting import find_run, meet
from orchestrator.cli.resuming import resume_in
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, RefusedError, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.asking import ask_config, ask_sleep
from orchestrator.procedures.effects import CreateConfig
from orchestrator.procedures.hold import LOCK
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.scenario import Scenario
from orchestrator.swarm.problems import other_swarm
from orchestrator.ui.holding import Life
from orchestrator.ui.mode import Mode
from tests.cli.desk import Desk, order, reached_otherwise
from tests.operators import Operator, Operators
from tests.simulated import Simulated, simulated
from tests.states.answers import unseen_for

AWAY_SECONDS = 50.0
"""Three time-outs of a site that is away: found so, asked for its files, tried at its turn."""
IN_THE_MIDDLE = 6.0
"""Seconds at which the clients are down and the server still runs or is going down."""
pytestmark = pytest.mark.usefixtures("signals")
KKO = Unit(stack="datatrail-client", site="kko")


@pytest.fixture
def shared() -> Simulated:
    return simulated(generation=2)


@pytest.fixture
def turns(shared: Simulated) -> Iterator[Operators]:
    operators = Operators(shared.fleet)
    yield operators
    operators.close()


def restart(desk: Desk, backend: SimulatedBackend) -> ExitCode:
    return follow(desk.world(backend), order())


def killed_half_way(turns: Operators, desk: Desk) -> str:
    """Kill a restart in the middle; returns its run id."""
    first = turns.start("first", lambda backend: restart(desk, backend))
    first.kill(at=IN_THE_MIDDLE)
    turns.run(until=IN_THE_MIDDLE + 1.0)
    found = find_run(desk.world())
    assert found is not None
    desk.alive.clear()
    desk.said()
    return found.hold.run


def test_what_a_dead_process_of_this_machine_left_is_resumed_at_once(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    began = shared.backend.now()
    assert resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False) == ExitCode.DONE
    said = desk.said()
    assert "watching" not in said
    assert "NOT DONE" in said
    assert fully_healthy(fleet_status(desk.world()))
    assert shared.oracle.violations == []
    assert shared.backend.now() > began
    assert resume_in(desk.world(), run, take_over=False, yes=True, dry_run=False) == ExitCode.DONE
    assert "nothing to resume" in desk.said()


def test_elsewhere_a_silent_run_is_taken_over_only_when_told_so(
    shared: Simulated, turns: Operators
) -> None:
    run = killed_half_way(turns, Desk(shared=shared))
    other = Desk(shared=shared, name="ops2")
    with pytest.raises(RefusedError) as refused:
        resume_in(other.world(), run, take_over=False, yes=True, dry_run=False)
    (problem,) = refused.value.problems
    assert (problem.code, problem.exit_code) == ("lock.silent", ExitCode.LOCK_HELD)
    digest = other.digest()
    assert problem.fix == f"dtdeploy resume {run} --take-over --expect {digest}"
    world = other.world()
    code = resume_in(world, run, take_over=True, yes=True, dry_run=False, expect=digest)
    assert code == ExitCode.DONE
    assert fully_healthy(fleet_status(other.world()))
    assert shared.oracle.violations == []


def test_a_run_that_beats_is_not_taken_over_whatever_is_told(
    shared: Simulated, turns: Operators
) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: restart(desk, backend))
    second = turns.start(
        "second",
        lambda backend: resume_in(
            other.world(backend), "", take_over=True, yes=True, dry_run=False
        ),
        at=IN_THE_MIDDLE,
    )
    turns.run()
    assert first.outcome() == ExitCode.DONE
    with pytest.raises(RefusedError) as refused:
        second.outcome()
    assert refused.value.problems[0].code == "lock.held"
    assert shared.oracle.violations == []


def test_two_restarts_at_once_one_wins_and_the_other_is_told_before_it_plans(
    shared: Simulated, turns: Operators
) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: restart(desk, backend))
    second = turns.start("second", lambda backend: restart(other, backend), at=IN_THE_MIDDLE)
    turns.run()
    assert first.outcome() == ExitCode.DONE
    with pytest.raises(RefusedError) as refused:
        second.outcome()
    (problem,) = refused.value.problems
    assert problem.exit_code == ExitCode.LOCK_HELD
    assert any("ops@ops: dtdeploy restart --all" in line for line in problem.evidence)
    assert other.said() == ""


def lock_wait(desk: Desk, backend: SimulatedBackend, seconds: float) -> ExitCode:
    return follow(desk.world(backend), order(lock_wait=seconds))


def test_who_waits_for_the_lock_begins_when_it_is_free(shared: Simulated, turns: Operators) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: restart(desk, backend))
    waits: Operator[ExitCode] = turns.start(
        "second", lambda backend: lock_wait(other, backend, 900.0), at=IN_THE_MIDDLE
    )
    turns.run()
    assert (first.outcome(), waits.outcome()) == (ExitCode.DONE, ExitCode.DONE)
    assert first.ended is not None
    said = other.said()
    assert said.count("waiting for the lock, at most 15 min") == 1
    assert "the lock is free" in said
    assert shared.oracle.violations == []


def test_waiting_for_the_lock_ends_when_it_was_said_to(shared: Simulated, turns: Operators) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    killed_half_way(turns, desk)
    began = shared.backend.now()
    with pytest.raises(RefusedError) as refused:
        follow(other.world(), order(lock_wait=60.0))
    assert refused.value.exit_code == ExitCode.LOCK_HELD
    assert 60.0 <= shared.backend.now() - began < 70.0


def test_who_loses_the_race_for_the_lock_waits_and_plans_anew(
    shared: Simulated, turns: Operators
) -> None:
    """Both find it free and plan; one of the two is second to take it."""
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: lock_wait(desk, backend, 900.0))
    second = turns.start("second", lambda backend: lock_wait(other, backend, 900.0))
    turns.run()
    assert (first.outcome(), second.outcome()) == (ExitCode.DONE, ExitCode.DONE)
    said = [desk.said(), other.said()]
    assert sorted(words.count("GOES DOWN") for words in said) == [1, 2]
    assert shared.oracle.violations == []


def test_whoever_looks_is_told_of_an_unfinished_run_first(
    shared: Simulated, turns: Operators
) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    run = killed_half_way(turns, desk)
    fleet = fleet_status(other.world())
    assert fleet.holding is not None
    assert fleet.holding.hold.run == run
    assert not fully_healthy(fleet)
    holding = meet(desk.world())
    assert holding is not None
    assert holding.life is Life.DEAD


def test_a_dry_run_says_who_holds_the_lock_and_shows_the_plan(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared, mode=Mode.JSON)
    run = killed_half_way(turns, desk)
    assert follow(desk.world(), order(dry_run=True)) == ExitCode.LOCK_HELD
    plan = json.loads(desk.out.getvalue())
    assert plan["lock"]["run"] == run
    assert plan["refused"][0]["code"] == "lock.held"
    assert desk.err.getvalue().startswith("UNFINISHED")


def test_resuming_another_run_than_the_one_that_holds_the_lock_names_it(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    with pytest.raises(UsageError) as refused:
        resume_in(desk.world(), "run-of-yesterday", take_over=False, yes=True, dry_run=False)
    assert run in refused.value.problems[0].fix


def test_a_run_is_not_resumed_with_another_inventory(shared: Simulated, turns: Operators) -> None:
    desk = Desk(shared=shared)
    killed_half_way(turns, desk)
    changed = replace(shared.inventory, managed_prefix="other")
    desk.inventory = changed
    with pytest.raises(RefusedError) as refused:
        resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False)
    assert refused.value.exit_code == ExitCode.PLAN_STALE
    (line,) = refused.value.problems[0].evidence
    assert line == "managed_prefix was datatrail, and is other"
    dry = resume_in(desk.world(), "", take_over=False, yes=True, dry_run=True)
    assert dry == ExitCode.PLAN_STALE
    assert "another inventory" in (said := desk.said())
    assert line in said


def test_a_run_is_resumed_however_its_sites_are_reached(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    killed_half_way(turns, desk)
    desk.inventory = reached_otherwise(shared.inventory)
    assert resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False) == ExitCode.DONE
    assert fully_healthy(fleet_status(desk.world()))


def test_a_run_goes_on_with_the_swarms_alone_that_it_was_planned_for(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    killed_half_way(turns, desk)
    expected: dict[str, str] = {}
    world = replace(desk.world(), expect=expected.update)
    strange = unseen_for(shared.backend, other_swarm("kko", "m2", "found", "wanted"))
    with pytest.raises(RefusedError) as refused:
        resume_in(replace(world, backend=strange), "", take_over=False, yes=True, dry_run=False)
    assert refused.value.problems[0].code == "swarm.other-swarm"
    assert resume_in(world, "", take_over=False, yes=True, dry_run=False) == ExitCode.DONE
    assert expected["kko"] == "clusterkko"


def test_the_lock_of_a_run_is_broken_however_its_sites_are_reached(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    desk.inventory = reached_otherwise(shared.inventory)
    assert break_in(desk.world(), run, "the laptop is gone") == ExitCode.DONE
    assert "resume" in desk.said()


def test_a_process_that_stands_still_here_is_to_be_killed_first(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    first = turns.start("first", lambda backend: restart(desk, backend))
    first.pause(at=IN_THE_MIDDLE, for_seconds=600.0)
    turns.run(until=IN_THE_MIDDLE + 30.0)
    with pytest.raises(RefusedError) as refused:
        resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False)
    assert refused.value.problems[0].fix.startswith("kill -9 ")


def test_a_broken_lock_is_kept_and_can_be_put_back(shared: Simulated, turns: Operators) -> None:
    other = Desk(shared=shared, name="ops2")
    run = killed_half_way(turns, Desk(shared=shared))
    began, digest = shared.backend.now(), other.digest()
    assert break_in(other.world(), run, "the laptop is gone") == ExitCode.DONE
    assert shared.backend.now() - began >= 15.0
    assert f"dtdeploy resume {run} --expect {digest}" in other.said()
    assert find_run(other.world()) is None
    owed = fleet_status(other.world()).owed
    assert owed
    assert all("given up" in item.reason for item in owed)
    with pytest.raises(RefusedError) as refused:
        resume_in(other.world(), run, take_over=False, yes=True, dry_run=False)
    assert refused.value.problems[0].code == "lock.record-unread"
    assert find_run(other.world()) is None
    world = other.world()
    code = resume_in(world, run, take_over=False, yes=True, dry_run=False, expect=digest)
    assert code == ExitCode.DONE
    assert "put back" in other.said()
    assert fully_healthy(fleet_status(other.world()))
    assert resume_in(other.world(), run, take_over=False, yes=True, dry_run=False) == 0
    assert "nothing to resume" in other.said()
    assert shared.oracle.violations == []


def test_a_broken_run_that_was_overtaken_is_not_put_back(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    break_in(desk.world(), run, "never mind")
    assert follow(desk.world(), order(Command.UP)) == ExitCode.DONE
    with pytest.raises(RefusedError) as refused:
        resume_in(desk.world(), run, take_over=False, yes=True, dry_run=False)
    assert refused.value.exit_code == ExitCode.PLAN_STALE


def test_a_lock_is_broken_though_its_holder_lives(shared: Simulated, turns: Operators) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: restart(desk, backend))
    turns.run(until=IN_THE_MIDDLE)
    found = find_run(desk.world())
    assert found is not None
    run = found.hold.run
    second = turns.start("second", lambda b: break_in(other.world(b), run, "wrong"), at=7.0)
    turns.run()
    assert second.outcome() == ExitCode.DONE
    assert first.outcome() != ExitCode.DONE
    assert find_run(other.world()) is None
    assert "LOCK LOST" in desk.said()


def test_a_lock_whose_record_nobody_here_can_read_can_be_broken(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    desk.inventory = replace(shared.inventory, managed_prefix="other")
    assert break_in(desk.world(), run, "its inventory is lost") == ExitCode.DONE
    assert "is not known" in desk.said()
    assert find_run(desk.world()) is None


def test_only_the_run_that_was_typed_is_broken(shared: Simulated, turns: Operators) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    with pytest.raises(UsageError):
        break_in(desk.world(), run[:-1], "typo")
    assert find_run(desk.world()) is not None


def test_a_holder_that_wakes_up_after_its_lock_was_broken_does_nothing_more(
    shared: Simulated, turns: Operators
) -> None:
    desk, other = Desk(shared=shared), Desk(shared=shared, name="ops2")
    first = turns.start("first", lambda backend: restart(desk, backend))
    first.pause(at=IN_THE_MIDDLE, for_seconds=300.0)
    turns.run(until=IN_THE_MIDDLE + 20.0)
    found = find_run(other.world())
    assert found is not None
    run, digest = found.hold.run, found.provenance.digest
    break_in(other.world(), run, "it stands still")
    resume_in(other.world(), run, take_over=False, yes=True, dry_run=False, expect=digest)
    turns.run()
    assert first.outcome() == ExitCode.LOCK_HELD
    assert "LOCK LOST" in desk.said()
    assert fully_healthy(fleet_status(other.world()))
    assert shared.oracle.violations == []


def test_a_lock_that_nobody_can_read_stops_whoever_would_act(shared: Simulated) -> None:
    desk = Desk(shared=shared)
    strange = CreateConfig(site="chime", name=LOCK, labels=(("by", "hand"),), data=b"x")
    carry_alone(shared.backend, ask_config(strange))
    with pytest.raises(RefusedError) as refused:
        follow(desk.world(), order(request=Request(units=(str(KKO),))))
    assert refused.value.problems[0].code == "lock.unreadable"
    assert meet(desk.world()) is None
    assert "lock.unreadable" in desk.said()


def test_a_resume_says_first_what_it_will_do_and_waits_for_no_site_that_was_away(
    shared: Simulated, turns: Operators
) -> None:
    desk = Desk(shared=shared)
    run = killed_half_way(turns, desk)
    shared.fleet.sites["kko"].link.state = LinkState.CUT
    assert resume_in(desk.world(), "", take_over=False, yes=True, dry_run=True) == ExitCode.DONE
    said = " ".join(desk.said().split())
    assert "STILL TO DO 1 down" in said
    assert "AWAY kko cannot be seen now" in said
    assert "CHOICE resume: " in said
    assert "CHOICE rollback" in said
    assert f"NEXT dtdeploy resume {run}" in said
    began = shared.backend.now()
    code = resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False)
    assert code == ExitCode.OUTCOME_UNKNOWN
    assert shared.backend.now() - began < AWAY_SECONDS
    shared.fleet.sites["kko"].link.state = LinkState.OK
    assert resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False) == ExitCode.DONE


def test_a_dry_run_of_a_resume_ends_as_the_resume_would(
    shared: Simulated, turns: Operators
) -> None:
    killed_half_way(turns, Desk(shared=shared))
    elsewhere = Desk(shared=shared, name="elsewhere")

    def dry(*, take_over: bool = False) -> ExitCode:
        return resume_in(elsewhere.world(), "", take_over=take_over, yes=True, dry_run=True)

    assert dry() == ExitCode.LOCK_HELD
    assert "[lock.held]" in elsewhere.said()
    carry_alone(shared.backend, ask_sleep(30.0))
    assert dry() == ExitCode.LOCK_HELD
    said = elsewhere.said()
    assert "[lock.silent]" in said
    assert "--take-over" in said
    assert dry(take_over=True) == ExitCode.DONE


def test_a_plan_is_for_later_and_the_lock_of_this_moment(
    shared: Simulated, turns: Operators
) -> None:
    """The plan says that its run would be refused now, and its job in CI does not fail for it."""
    killed_half_way(turns, Desk(shared=shared, name="other"))
    desk = Desk(shared=shared)
    assert run(["plan", "--for", "down", "--all"], desk.world) == ExitCode.DONE
    assert "REFUSED" in desk.said()
    assert run(["down", "--all", "--dry-run"], desk.world) == ExitCode.LOCK_HELD


def test_a_plan_that_a_site_refuses_fails() -> None:
    lost = {"sites": {"kko": {"workers": ["kko-w1"], "down": ["kko-w1"]}}}
    shared = simulated(Scenario.model_validate(lost))
    desk = Desk(shared=shared)
    assert run(["plan", "--all"], desk.world) == ExitCode.SAFETY_REFUSED
    assert "REFUSED" in desk.said()
