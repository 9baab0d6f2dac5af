"""What restart, up and down have in common: plan, show, ask, carry out, say what stands."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.cli.allowing import check_override, must_be_allowed, weathered
from orchestrator.cli.announcing import check_notice, unannounceable
from orchestrator.cli.asking import ask, somebody_must_be_there
from orchestrator.cli.conduct import conduct
from orchestrator.cli.held_releases import former_sources
from orchestrator.cli.interrupt import Interrupt, stop_on_signals
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.meeting import meet
from orchestrator.cli.order import Order
from orchestrator.cli.owing import owed_request
from orchestrator.cli.planning import draw
from orchestrator.cli.queueing import Queue
from orchestrator.cli.refusals import Refusals, keyless, refusals, tell_refusals
from orchestrator.cli.wiring import World, open_world
from orchestrator.engine.findings import mended_since, nothing_to_restore
from orchestrator.engine.record import RunRecord
from orchestrator.engine.report import RunEnd, RunReport
from orchestrator.engine.run import run_plan
from orchestrator.engine.session import Session, Sources
from orchestrator.errors import ExitCode, FleetError, RefusedError
from orchestrator.fleet.observed import Look
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.plan import Plan, StepKind
from orchestrator.planning.plan_file import SavedPlan
from orchestrator.planning.premises import fingerprint, premises
from orchestrator.planning.restoring import formers
from orchestrator.planning.selection import Request
from orchestrator.planning.steps import noticed
from orchestrator.procedures.book import Book
from orchestrator.procedures.last_look import unwell_alone
from orchestrator.procedures.of_step import procedure_for
from orchestrator.ui.holding import HeldRun
from orchestrator.words.phrases import OWED


def carry_out(order: Order) -> ExitCode:
    """Plan what `order` says and carry the plan out, after asking.

    Raises:
        UsageError: nobody is there to be asked and --yes was not given.
        RefusedError: somebody holds the lock (exit code 10), or a safety rule says no.

    """
    somebody_must_be_there(order.words, yes=order.yes, dry_run=order.dry_run)
    with open_world() as world:
        check_override(world, order.override)
        check_notice(order.notice)
        return follow(world, order)


def follow(world: World, order: Order) -> ExitCode:
    """Do what `carry_out` says, in `world`: anew if another run takes the lock in between."""
    queue = Queue(world, order.lock_wait)
    while True:
        code = _once(world, order, queue)
        if code is not None:
            return code


def _once(world: World, order: Order, queue: Queue) -> ExitCode | None:
    """Plan and carry out once; None when the lock was lost to another and may be waited for."""
    holding = stand_in_line(world, queue, dry_run=order.dry_run)
    request: Request | None = order.request
    if order.owed:
        request = owed_request(world, order.request, dry_run=order.dry_run)
    if request is None:
        world.talk.say("nothing is owed")
        return ExitCode.DONE
    book, looks = _allowed_book(world, order, request)
    unready = (*keyless(world), *unannounceable(world.places, book.plan, order.words))
    refused = refusals(book, looks, holding, order.on_failure, unready)
    world.talk.plan(book.plan, holding, refused=refused.every)
    if order.dry_run:
        return tell_refusals(world, refused.every)
    if not book.plan.changes:
        return nothing_to_do(world, book.plan)
    must_be_let_act(world, book.plan)
    if refused.every:
        return _refuse(world, book, refused, order.typed)
    former = read_former(world, book) if order.on_failure is OnFailure.RESTORE else {}
    ask(order.words, yes=order.yes)
    if not order.yes:
        # Whoever was asked may have answered hours later.
        must_be_allowed(weathered(world, book.plan, order.override))
    end = begin(world, book, record_of(world, book, order), former, queue)
    return None if queue.lost(end) else end.exit_code


def nothing_to_do(world: World, plan: Plan) -> ExitCode:
    """Say so, unless something that the plan leaves alone is not healthy (FleetError, 21)."""
    world.talk.say("nothing to do")
    if unwell := unwell_alone(plan):
        raise FleetError(unwell)
    return ExitCode.DONE


def _allowed_book(world: World, order: Order, request: Request) -> tuple[Book, Mapping[str, Look]]:
    """Plan, and find out what speaks against carrying it out now; return the looks as well."""
    drawn = draw(world, Asked(command=order.command, request=request, refs=order.refs))
    plan = drawn.book.plan
    plan = replace(plan, selection=OWED) if order.owed else plan
    plan = weathered(world, plan, order.override)
    return replace(drawn.book, plan=noticed(plan, order.notice)), drawn.looks


def stand_in_line(world: World, queue: Queue, *, dry_run: bool) -> HeldRun | None:
    """Wait for the lock, or, where nothing will be changed, say who holds it."""
    if not dry_run:
        queue.wait()
        return None
    holding = meet(world)
    if holding is not None:
        world.talk.notice(holding)
    return holding


def begin(
    world: World,
    book: Book,
    record: RunRecord,
    former: Sources,
    queue: Queue | None = None,
    *,
    saved: SavedPlan | None = None,
) -> RunEnd:
    """Begin a new run, and say how it ended unless `queue` may wait for another chance.

    `saved` is the saved plan that it applies, if it applies one.

    Raises:
        RefusedError: its record would have to be signed, and no key is at hand (20).

    """
    if no_key := keyless(world):
        raise RefusedError(no_key)

    def ended(end: RunEnd) -> None:
        if queue is None or not queue.lost(end):
            world.talk.run_ended(end, end.exit_code)

    return conduct(
        world,
        record.run,
        lambda means: Session(means, world.inventory, record, former=former).begin(
            book.sourced, saved
        ),
        ended,
    )


def record_of(world: World, book: Book, order: Order, saved: SavedPlan | None = None) -> RunRecord:
    """Return what the lock keeps of a new run."""
    return RunRecord(
        run=book.run,
        words=order.words,
        plan=book.plan,
        inventory=fingerprint(book.inventory),
        created=world.wall(),
        owner=world.holder.owner,
        on_failure=order.on_failure,
        because=book.plan.because or book.plan.override.because,
        saved_plan=saved.id if saved else "",
        rests_on=premises(book.inventory, book.run),
        swarms=book.swarms,
    )


def read_former(world: World, book: Book) -> Sources:
    """Read what ran before, now: when it is needed, nothing may be there to read it from."""
    if unknown := formers(book.inventory, book.plan).unknown:
        raise RefusedError(nothing_to_restore(unit, book.run) for unit in unknown)
    return former_sources(world, book.plan)


def run_book(world: World, book: Book, again: str = "") -> RunReport:
    """Carry out a plan that changes nothing, telling what happens, and say how it ended.

    `again` is the command of which it is only the preflight.
    """
    interrupt = Interrupt(manner=world.talk.manner)
    listener = world.talk.listener(book.plan)
    try:
        with stop_on_signals(interrupt, world.wake):
            report = run_plan(
                book.plan,
                world.backend,
                lambda step: procedure_for(book, step),
                listener,
                interrupt.asked,
            )
    finally:
        listener.close()
    world.talk.ended(book.plan, report, again)
    return report


def only_examine(plan: Plan) -> Plan:
    """Return the plan with nothing but its preflight."""
    return replace(plan, steps=tuple(s for s in plan.steps if s.kind is StepKind.EXAMINE))


def _refuse(world: World, book: Book, refused: Refusals, again: str) -> ExitCode:
    """End a run that is refused by what its plan says; of sites, find all that is wrong there.

    Raises:
        RefusedError: something else than a site stands in the way.
        FleetError: nothing does any more, and nothing was done all the same.

    """
    if refused.of_run:
        raise RefusedError(refused.every)
    code = run_book(world, replace(book, plan=only_examine(book.plan)), again).exit_code
    if code is ExitCode.DONE:
        raise FleetError(mended_since(problem) for problem in refused.of_sites)
    return code
