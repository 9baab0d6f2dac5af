"""Bringing back what ran before a run: of one that is unfinished, or of one that ended."""

from dataclasses import replace

from orchestrator.cli.announcing import check_notice, must_be_announceable
from orchestrator.cli.approval import (
    Approval,
    approval_of,
    must_be_approved,
    question,
    show_record,
    somebody_must_read,
)
from orchestrator.cli.asking import ask
from orchestrator.cli.carry_out import begin, record_of
from orchestrator.cli.conduct import conduct, saying
from orchestrator.cli.held_releases import former_sources
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.meeting import Found, find_run, held, holding_of
from orchestrator.cli.order import Order
from orchestrator.cli.picking import must_be, must_fit
from orchestrator.cli.planning import contacted
from orchestrator.cli.refusals import taking_refusals, tell_refusals
from orchestrator.cli.resuming import NOBODY, answered, must_be_reasoned
from orchestrator.cli.taking import Taking, may_take
from orchestrator.cli.undoing import finished_plan, staying, way_back
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.gather import look_at
from orchestrator.engine.report import RunEnd
from orchestrator.engine.session import Session, Sources
from orchestrator.errors import ExitCode, RefusedError
from orchestrator.planning.notice import NO_NOTICE, Notice
from orchestrator.planning.plan import Command
from orchestrator.planning.restoring import restore_plan
from orchestrator.planning.selection import Request
from orchestrator.planning.sharing import with_all_uses
from orchestrator.planning.steps import noticed


def roll_back(
    run: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    notice: Notice = NO_NOTICE,
    lost: Request = NOBODY,
    expect: str = "",
) -> ExitCode:
    """Bring back what ran before `run`, after asking.

    Raises:
        UsageError: nobody is there to be asked, or `lost` names a node that is not there, or
            gives no reason.
        RefusedError: another run holds the lock, somebody is at this one (10), or what ran
            before is not known (20).

    """
    with open_world() as world:
        somebody_must_read(world, "rollback", run, yes=yes, dry_run=dry_run)
        check_notice(notice)
        return roll_back_in(
            world,
            run,
            take_over=take_over,
            yes=yes,
            dry_run=dry_run,
            notice=notice,
            lost=lost,
            expect=expect,
        )


def roll_back_in(
    world: World,
    run: str,
    *,
    take_over: bool,
    yes: bool,
    dry_run: bool,
    notice: Notice = NO_NOTICE,
    lost: Request = NOBODY,
    expect: str = "",
) -> ExitCode:
    """Do what `roll_back` says, in `world`."""
    must_be_reasoned(lost)
    found = find_run(world)
    if found is not None and found.hold.run != run:
        raise RefusedError(held(holding_of(world, found)))
    if not dry_run:
        must_be_let_act(world)
    if found is None:
        return _finished(world, run, notice, lost, yes=yes, dry_run=dry_run)
    announced = notice.announced
    approval = approval_of(
        yes=yes, expect=expect, take_over=take_over, announced=announced, lost=lost
    )
    return _unfinished(world, found, notice, lost, approval, take_over=take_over, dry_run=dry_run)


def _unfinished(
    world: World,
    found: Found,
    notice: Notice,
    lost: Request,
    approval: Approval,
    *,
    take_over: bool,
    dry_run: bool,
) -> ExitCode:
    must_fit(world, found.readable())
    if not dry_run:
        must_be_let_act(world, found.readable().plan)
    former = former_sources(world, found.readable().plan)
    if dry_run:
        world.talk.notice(holding_of(world, found))
        _show_way_back(world, found, former)
        return tell_refusals(world, taking_refusals(world, found, take_over=take_over))
    taking = may_take(world, found, take_over=take_over)
    if taking is None:
        return _finished(world, found.hold.run, notice, lost, yes=approval.yes, dry_run=dry_run)
    # While it was watched, another run may have taken the lock.
    must_be(taking.found, found.hold.run, "rollback")
    must_be_approved(taking.found, "rollback", approval)
    taking = replace(taking, found=answered(world, taking.found, lost))
    show_record(world, taking.found)
    _show_way_back(world, taking.found, former)
    ask(f"roll back {question(taking.found)}", yes=approval.yes)
    return code_of(_go_back(world, taking, former))


def _show_way_back(world: World, found: Found, former: Sources) -> None:
    plan = found.readable().plan
    looks = look_at(world.backend, contacted(world.inventory))
    run = found.hold.run
    inventory = with_all_uses(world.inventory, plan.uses, looks, former)
    back = restore_plan(inventory, plan, looks=looks, sourced=former, selection=run)
    world.talk.plan(back)
    for problem in staying(world, run, plan, looks, former):
        world.talk.say(f"not brought back: {problem.what}")


def _go_back(world: World, taking: Taking, former: Sources) -> RunEnd:
    found = taking.found
    record = found.readable()
    return conduct(
        world,
        record.run,
        lambda means: Session(means, world.inventory, record, former=former).go_back(
            found.lock, found.hold, wait_seconds=taking.wait_seconds
        ),
        saying(world, code_of),
    )


def code_of(end: RunEnd) -> ExitCode:
    """Return the exit code of a rollback, of which a restored fleet is the aim."""
    return ExitCode.DONE if end.exit_code is ExitCode.RESTORED else end.exit_code


def _finished(
    world: World, run: str, notice: Notice, lost: Request, *, yes: bool, dry_run: bool
) -> ExitCode:
    """Undo a run that ended, as a run of its own."""
    back = way_back(world, run, finished_plan(world, run), lost)
    book = replace(back.book, plan=noticed(back.book.plan, notice))
    world.talk.plan(book.plan)
    for problem in back.staying:
        world.talk.say(f"not brought back: {problem.what}")
    if dry_run:
        return ExitCode.DONE
    if book.plan.changes:
        must_be_let_act(world, book.plan)
        order = _order(run)
        must_be_announceable(world.places, book.plan, order.words)
        ask(f"roll back run {run}", yes=yes)
        code = begin(world, book, record_of(world, book, order), {}).exit_code
    else:
        world.talk.say("nothing to do: all that is known is as it was before that run")
        code = ExitCode.DONE
    if code is ExitCode.DONE and back.staying:
        world.talk.problems(back.staying)
        return ExitCode.SAFETY_REFUSED
    return code


def _order(run: str) -> Order:
    return Order(command=Command.ROLLBACK, request=Request(units=(run,)))
