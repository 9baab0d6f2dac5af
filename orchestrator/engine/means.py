"""What a run is carried out with, put together by whoever starts it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.engine.events import Listener
from orchestrator.engine.journal import Journal
from orchestrator.engine.ports import Backend
from orchestrator.engine.watch import Watch
from orchestrator.errors import Problem
from orchestrator.planning.plan import Plan, Step
from orchestrator.procedures.book import Book
from orchestrator.procedures.custody import in_custody
from orchestrator.procedures.effects import Procedure
from orchestrator.procedures.hold import Holder
from orchestrator.procedures.of_step import procedure_for
from orchestrator.procedures.signature import RecordKey


def _never() -> None:
    return None


def careful(book: Book, step: Step) -> Procedure:
    """Return the procedure of a step, every mutation of it behind intent and lock."""
    return in_custody(procedure_for(book, step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a run is carried out with. `wall` is the operator's clock, seconds since 1970.

    `announces`: there is somewhere to send announcements to. `watch` is told what is waited for,
    `stalled` says why the run was stopped for standing still, if it was. `key` signs its lock.
    """

    backend: Backend
    journal: Journal
    holder: Holder
    wall: Callable[[], float]
    listen: Callable[[Plan], Listener]
    stop_asked: Callable[[], bool]
    start: Callable[[Book, Step], Procedure] = careful
    announces: bool = False
    key: RecordKey | None = None
    watch: Watch = field(default_factory=lambda: Watch(float))
    stalled: Callable[[], Problem | None] = _never
