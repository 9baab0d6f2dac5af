"""Which procedure carries out which step."""

from typing import assert_never

from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.announce import announce
from orchestrator.procedures.book import Book
from orchestrator.procedures.deploy import deploy, settle
from orchestrator.procedures.effects import Done, Procedure
from orchestrator.procedures.last_words import with_last_words
from orchestrator.procedures.overlooking import overlooking
from orchestrator.procedures.preflight import examine, prepare
from orchestrator.procedures.remove import remove


def procedure_for(book: Book, step: Step) -> Procedure:
    """Return the procedure of a step, not started yet."""
    return overlooking(book.plan.lost_tasks, _procedure(book, step))


def _procedure(book: Book, step: Step) -> Procedure:
    match step.kind:
        case StepKind.EXAMINE | StepKind.PREPARE | StepKind.GATE | StepKind.ANNOUNCE:
            return _before(book, step)
        case StepKind.REMOVE:
            return remove(book, step, _unit(step))
        case StepKind.DEPLOY:
            return with_last_words(deploy(book, step, _unit(step)))
        case StepKind.SETTLE:
            return with_last_words(settle(book, step, _unit(step)))
        case _:  # pragma: no cover - mypy proves that there is no other kind
            assert_never(step.kind)


def _before(book: Book, step: Step) -> Procedure:
    """Return the procedure of a step that touches nothing."""
    procedures = {
        StepKind.EXAMINE: examine,
        StepKind.PREPARE: prepare,
        StepKind.ANNOUNCE: announce,
    }
    procedure = procedures.get(step.kind)
    return _nothing() if procedure is None else procedure(book, step)


def _unit(step: Step) -> Unit:
    if step.unit is None:
        raise ValueError(f"step {step.id} names no unit")
    return step.unit


def _nothing() -> Procedure:
    yield from ()
    return Done()
