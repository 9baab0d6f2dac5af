"""What restart, up and down have in common: plan, show, ask, carry out, say what stands."""

from collections.abc import Mapping
from dataclasses import replace

import click

from orchestrator.cli.conduct import conduct
from orchestrator.cli.interrupt import Interrupt, stop_on_signals
from orchestrator.cli.planning import make_book
from orchestrator.cli.wiring import World, open_world, somebody_is_there
from orchestrator.engine.record import RunRecord, fingerprint
from orchestrator.engine.report import RunReport
from orchestrator.engine.run import run_plan
from orchestrator.engine.session import Session
from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.planning.plan import Command, Plan, StepKind
from orchestrator.planning.selection import Request
from orchestrator.procedures.book import Book
from orchestrator.procedures.of_step import procedure_for


def carry_out(
    command: Command, request: Request, refs: Mapping[str, str], *, yes: bool, dry_run: bool
) -> ExitCode:
    """Plan `command` and carry the plan out, after asking.

    Raises:
        UsageError: nobody is there to be asked and --yes was not given.

    """
    if not (yes or dry_run or somebody_is_there()):
        raise UsageError(_nobody_to_ask(command, request))
    with open_world() as world:
        book = make_book(world, command, request, refs)
        world.talk.plan(book.plan)
        if dry_run:
            return ExitCode.DONE
        if not book.plan.changes:
            world.talk.say("nothing to do")
            return ExitCode.DONE
        if book.plan.unseen:
            return _preflight_alone(world, book)
        if not yes:
            click.confirm(f"\n{command.value} {request}?", abort=True, err=True)
        record = _record(world, book, f"{command.value} {request}")
        end = conduct(
            world,
            record.run,
            lambda means: Session(means, world.inventory, record, former={}).begin(book.sourced),
        )
        return end.exit_code


def _record(world: World, book: Book, words: str) -> RunRecord:
    return RunRecord(
        run=book.run,
        words=words,
        plan=book.plan,
        inventory=fingerprint(book.inventory),
        created=world.wall(),
        owner=world.holder.owner,
    )


def run_book(world: World, book: Book) -> RunReport:
    """Carry out a plan that changes nothing, telling what happens, and say how it ended."""
    interrupt = Interrupt()
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
    world.talk.ended(book.plan, report)
    return report


def only_examine(plan: Plan) -> Plan:
    """Return the plan with nothing but its preflight."""
    return replace(plan, steps=tuple(s for s in plan.steps if s.kind is StepKind.EXAMINE))


def _preflight_alone(world: World, book: Book) -> ExitCode:
    """Find all that is wrong everywhere: a site that cannot be seen stops the run anyway."""
    return run_book(world, replace(book, plan=only_examine(book.plan))).exit_code


def _nobody_to_ask(command: Command, request: Request) -> Problem:
    return Problem(
        code="usage.nobody-to-ask",
        what=f"{command.value} asks before it acts, and there is no terminal to ask at",
        exit_code=ExitCode.USAGE,
        fix=f"dtdeploy {command.value} {request} --yes   # or --dry-run to see the plan",
        state_left="nothing was contacted",
    )
