"""Freezes and guards on the simulated fleet, with the code that runs live."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from orchestrator.cli.allowing import check_override, weathered
from orchestrator.cli.applying import follow_plan
from orchestrator.cli.carry_out import follow
from orchestrator.cli.planning import draw, make_book
from orchestrator.cli.rolling_back import roll_back_in
from orchestrator.cli.saving import read_plan, save_plan
from orchestrator.cli.wiring import World
from orchestrator.engine.past import past_run
from orchestrator.engine.record import decode
from orchestrator.errors import ExitCode, RefusedError, UsageError
from orchestrator.fleet.freeze import Recurring
from orchestrator.fleet.guard import CommandGuard, Guard, GuardAnswer
from orchestrator.inventory.model import Inventory
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command, Override
from orchestrator.planning.selection import Request
from tests.cli.desk import Desk, order
from tests.simulated import ALL, PRODUCTION, simulated

ALWAYS = Recurring(
    cron="* * * * *", lasts_seconds=3600, zone=ZoneInfo("UTC"), reason="it is never allowed"
)
FROZEN = replace(PRODUCTION, freezes=(ALWAYS,))
GUARDED = replace(PRODUCTION, guards=(CommandGuard(name="telescope", command=("idle",)),))
WHY = "the server burns"
pytestmark = pytest.mark.usefixtures("signals")


def desk(inventory: Inventory) -> Desk:
    return Desk(shared=simulated(), inventory=inventory)


def saying(agrees: bool) -> Callable[[Guard], GuardAnswer]:  # noqa: FBT001 - what it says
    return lambda guard: GuardAnswer(name=guard.name, agrees=agrees, words="observing")


def guarded(at: Desk, *, agrees: bool) -> World:
    return replace(at.world(), ask_guard=saying(agrees))


def codes(error: RefusedError | UsageError) -> list[str]:
    return [problem.code for problem in error.problems]


@pytest.mark.parametrize("command", [Command.RESTART, Command.DOWN])
def test_a_frozen_fleet_is_left_alone(command: Command) -> None:
    ops = desk(FROZEN)
    before = ops.shared.stacks_running()
    with pytest.raises(RefusedError) as refused:
        follow(ops.world(), order(command))
    assert codes(refused.value) == ["freeze.holds"]
    assert refused.value.exit_code is ExitCode.SAFETY_REFUSED
    assert ops.shared.stacks_running() == before
    assert "FROZEN" in ops.said()
    assert ops.journals.runs() == ()


def test_what_has_nothing_to_do_is_not_refused() -> None:
    assert follow(desk(FROZEN).world(), order(Command.UP)) is ExitCode.DONE


def test_a_dry_run_shows_the_freeze_and_ends_as_the_run_would() -> None:
    ops = desk(FROZEN)
    assert follow(ops.world(), order(dry_run=True)) is ExitCode.SAFETY_REFUSED
    said = ops.said()
    assert "FROZEN" in said
    assert "[freeze.holds]" in said


def test_an_override_goes_on_and_is_kept_in_the_journal() -> None:
    ops = desk(FROZEN)
    over = Override(freeze=True, because=WHY)
    assert follow(ops.world(), order(override=over)) is ExitCode.DONE
    [run] = ops.journals.runs()
    opened = ops.journals.read(run)[0]
    assert opened.body["words"] == "restart --all --override-freeze"
    assert past_run(ops.journals.read(run)) is not None
    record = decode(base64.b64decode(str(opened.body["record"])))
    assert record.because == WHY
    assert record.plan.override == over
    assert [held.reason for held in record.plan.frozen] == ["it is never allowed"]


def test_a_guard_that_objects_is_heeded() -> None:
    ops = desk(GUARDED)
    with pytest.raises(RefusedError) as refused:
        follow(guarded(ops, agrees=False), order())
    assert codes(refused.value) == ["guard.objects"]
    assert refused.value.problems[0].evidence == ("observing",)


def test_a_guard_that_agrees_lets_it_pass_and_one_that_objects_can_be_overridden() -> None:
    ops = desk(GUARDED)
    assert follow(guarded(ops, agrees=True), order()) is ExitCode.DONE
    over = Override(guards=("telescope",), because=WHY)
    assert follow(guarded(ops, agrees=False), order(override=over)) is ExitCode.DONE


def test_a_freeze_override_does_not_override_a_guard() -> None:
    over = Override(freeze=True, because=WHY)
    with pytest.raises(RefusedError) as refused:
        follow(guarded(desk(GUARDED), agrees=False), order(override=over))
    assert codes(refused.value) == ["guard.objects"]


def test_a_rehearsal_asks_nobody() -> None:
    ops = desk(GUARDED)
    assert follow(ops.world(), order()) is ExitCode.DONE
    assert "telescope was not asked" in ops.said()


def test_a_plan_can_be_made_without_asking() -> None:
    world = guarded(desk(GUARDED), agrees=False)
    plan = make_book(world, Command.RESTART, ALL, {}).plan
    assert [a.asked for a in weathered(world, plan, Override(), ask=False).guards] == [False]
    assert [a.asked for a in weathered(world, plan, Override()).guards] == [True]


def test_going_back_is_never_frozen() -> None:
    ops = desk(PRODUCTION)
    request = Request(units=("datatrail-client@kko",))
    assert follow(ops.world(), order(Command.RESTART, request)) is ExitCode.DONE
    [run] = ops.journals.runs()
    later = replace(ops, inventory=FROZEN)
    code = roll_back_in(later.world(), run, take_over=False, yes=True, dry_run=False)
    assert code is ExitCode.DONE


@pytest.mark.parametrize(
    ("override", "code"),
    [
        (Override(freeze=True), "selection.no-reason"),
        (Override(guards=("telescop",), because=WHY), "selection.unknown-guard"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(override: Override, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_override(desk(GUARDED).world(), override)
    assert codes(refused.value) == [code]


def test_a_saved_plan_is_held_off_when_it_is_applied(tmp_path: Path) -> None:
    """Whatever the weather was when it was saved; and it may still be applied afterwards."""
    ops, path = desk(PRODUCTION), tmp_path / "some.plan"
    world = ops.world()
    asked = Asked(command=Command.RESTART, request=ALL)
    save_plan(world, asked, draw(world, asked), path, lifetime=9e4, force=False)

    def applied(override: Override) -> ExitCode:
        later = replace(ops, inventory=FROZEN).world()
        return follow_plan(
            later,
            read_plan(path),
            path,
            lock_wait=0.0,
            asks=False,
            dry_run=False,
            override=override,
        )

    with pytest.raises(RefusedError) as refused:
        applied(Override())
    assert codes(refused.value) == ["freeze.holds"]
    assert applied(Override(freeze=True, because=WHY)) is ExitCode.DONE
    [run] = ops.journals.runs()
    assert ops.journals.read(run)[0].body["words"] == "restart --all --override-freeze"
