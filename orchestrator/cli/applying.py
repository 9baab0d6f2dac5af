"""Carrying out a saved plan: exactly it, or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.cli.allowing import check_override, must_be_allowed, weathered
from orchestrator.cli.announcing import check_notice, unannounceable
from orchestrator.cli.approval import WHOLE, too_short
from orchestrator.cli.asking import ask
from orchestrator.cli.carry_out import begin, nothing_to_do, read_former, record_of, stand_in_line
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.order import Order
from orchestrator.cli.planning import Drawn, draw
from orchestrator.cli.queueing import Queue
from orchestrator.cli.refusals import keyless, refusals, tell_refusals
from orchestrator.cli.saving import head_of, read_plan
from orchestrator.cli.wiring import World, open_world, somebody_is_there
from orchestrator.command_line import AS_IT_IS
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, FleetError, Problem, RefusedError, UsageError
from orchestrator.fleet.unit import Revision
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.differing import differences
from orchestrator.planning.notice import NO_NOTICE, Notice
from orchestrator.planning.pinning import pinned
from orchestrator.planning.plan import NO_OVERRIDE, Command, Override
from orchestrator.planning.plan_file import PlanFile, SavedPlan
from orchestrator.planning.premises import departures
from orchestrator.planning.refusals import (
    expired,
    other_inventory,
    ref_moved,
    saved_fleet_moved,
    unexpected_hash,
    used,
)
from orchestrator.planning.saving import moved_since, refs_moved, releases_moved
from orchestrator.planning.steps import noticed
from orchestrator.procedures.applied import Applied, find_applied
from orchestrator.words.phrases import count


def apply_plan(
    path: Path,
    *,
    expect: str,
    lock_wait: float,
    yes: bool,
    dry_run: bool,
    override: Override = NO_OVERRIDE,
    notice: Notice = NO_NOTICE,
) -> ExitCode:
    """Carry out the plan in the file `path`.

    Args:
        path: where it was saved.
        expect: its hash, "" if it was not given; at a terminal its first digits are enough.
        lock_wait: for how many seconds to wait for the lock.
        yes: do not ask.
        dry_run: check all of it, show the plan, and stop.
        override: freezes and guards not to heed, and why.
        notice: how its downtime is announced, if it has any.

    Raises:
        UsageError: nobody is there to be asked and no hash was given, or not all of it.
        RefusedError: exit code 4: it is not what was approved, or does not hold any more.

    """
    file = read_plan(path)
    if not file.sha256.startswith(expect):
        raise RefusedError(unexpected_hash(expect, file.sha256))
    if len(expect) in range(1, WHOLE) and not somebody_is_there():
        line = head_of(file, path, AS_IT_IS).apply
        raise UsageError(too_short(expect, line, left="nothing was contacted"))
    asks = not yes and not dry_run and somebody_is_there()
    if not (expect or dry_run or somebody_is_there()):
        raise UsageError(_nobody(path, file))
    with open_world() as world:
        check_override(world, override)
        check_notice(notice)
        return follow_plan(
            world,
            file,
            path,
            lock_wait=lock_wait,
            asks=asks,
            dry_run=dry_run,
            override=override,
            notice=notice,
        )


def follow_plan(
    world: World,
    file: PlanFile,
    path: Path,
    *,
    lock_wait: float,
    asks: bool,
    dry_run: bool,
    override: Override = NO_OVERRIDE,
    notice: Notice = NO_NOTICE,
) -> ExitCode:
    """Do what `apply_plan` says, in `world`, once the file is known to be the right one."""
    saved = file.saved
    if lines := departures(
        world.inventory, rests_on=saved.rests_on, whole=saved.inventory, salt=saved.id
    ):
        raise RefusedError(other_inventory(saved.asked, lines))
    world.expect(saved.swarms)
    queue = Queue(world, lock_wait)
    while True:
        code = _once(world, file, path, queue, override, notice=notice, asks=asks, dry_run=dry_run)
        if code is not None:
            return code


def _once(
    world: World,
    file: PlanFile,
    path: Path,
    queue: Queue,
    override: Override,
    *,
    notice: Notice,
    asks: bool,
    dry_run: bool,
) -> ExitCode | None:
    """Check and carry out once; None when the lock was lost to another and may be waited for."""
    saved = file.saved
    _must_be_fresh(world, saved)
    holding = stand_in_line(world, queue, dry_run=dry_run)
    _must_be_fresh(world, saved)
    drawn = _drawn_again(world, saved)
    # One that an older dtdeploy saved knows the digests, and not yet of which service.
    planned = pinned(saved.plan, drawn.book.sourced, saved.images)
    plan = noticed(weathered(world, planned, override), notice)
    order, book = _order(saved.asked, override), replace(drawn.book, plan=plan)
    unready = (*keyless(world), *unannounceable(world.places, plan, order.words))
    refused = refusals(book, drawn.looks, holding, order.on_failure, unready).every
    head = head_of(file, path, world.talk.manner)
    world.talk.plan(plan, holding, saved=head, refused=refused)
    if dry_run:
        return tell_refusals(world, refused)
    if not saved.plan.changes:
        return nothing_to_do(world, saved.plan)
    must_be_let_act(world, plan)
    if refused:
        raise RefusedError(refused)
    restores = saved.asked.on_failure is OnFailure.RESTORE
    former = read_former(world, book) if restores else {}
    ask(f"apply plan {file.sha256[:12]}, {order.words}", yes=not asks)
    if asks:
        must_be_allowed(weathered(world, planned, override))
    record = record_of(world, book, order, saved)
    end = begin(world, book, record, former, queue, saved=saved)
    return None if queue.lost(end) else end.exit_code


def _order(asked: Asked, override: Override) -> Order:
    return Order(
        command=asked.command,
        request=asked.request,
        refs=asked.refs,
        on_failure=asked.on_failure,
        override=override,
    )


def _drawn_again(world: World, saved: SavedPlan) -> Drawn:
    """Plan anew, and raise RefusedError unless the very same comes of it."""
    use = carry_alone(world.backend, find_applied(world.inventory.coordinator, saved.id))
    if isinstance(use, Applied):
        raise RefusedError(used(saved.asked, use.run, use.at, world.wall()))
    drawn = draw(
        world,
        saved.asked,
        lambda pins: _must_be_pinned(world, saved, pins),
        resolved=saved.images,
        repos=() if saved.asked.command is Command.DOWN else saved.pins,
    )
    if lines := tuple(dict.fromkeys(_moved(world, saved, drawn))):
        raise RefusedError(saved_fleet_moved(saved.asked, lines))
    if isinstance(use, Problem):
        raise FleetError(use)
    return drawn


def _moved(world: World, saved: SavedPlan, drawn: Drawn) -> Iterator[str]:
    """Yield what is not as it was: what was seen first, what follows from it only without that."""
    seen = moved_since(world.inventory, saved, drawn.looks)
    yield from seen
    yield from releases_moved(saved, drawn.book.sourced)
    if not seen:
        yield from differences(saved.plan, drawn.book.plan)


def _must_be_fresh(world: World, saved: SavedPlan) -> None:
    now = world.wall()
    if now >= saved.expires.timestamp():
        raise RefusedError(expired(saved.asked, saved.expires, now))


def _must_be_pinned(world: World, saved: SavedPlan, pins: Mapping[str, Revision]) -> None:
    if gone := refs_moved(saved, pins):
        raise RefusedError(ref_moved(saved.asked, (_news(world, saved, was, pins) for was in gone)))


def _news(world: World, saved: SavedPlan, was: Revision, pins: Mapping[str, Revision]) -> str:
    new = pins.get(was.repo)
    ref = saved.pins[was.repo].ref
    if new is None:
        return f"{was.repo} is not part of the plan any more"
    commits = world.checkout.news(was)
    how = f"{count(commits, 'new commit')}" if commits else "its history is another"
    return f"{ref} of {was.repo} has moved: {how} ({was.short} was planned, {new.short} is there)"


def _nobody(path: Path, file: PlanFile) -> Problem:
    return Problem(
        code="usage.nobody-to-ask",
        what="without a terminal, apply needs the hash of the plan that was approved",
        exit_code=ExitCode.USAGE,
        fix=head_of(file, path, AS_IT_IS).apply,
        state_left="nothing was contacted",
    )
