"""The live board as a value: a fold over the events of a run. Times in seconds, as the events'."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.schedule import State
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import NOTHING_KNOWN, Expected
from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.ui.lines import STILL_SECONDS
from orchestrator.ui.standing import refused
from orchestrator.words.phrases import asked

_ON_SITE = (StepKind.EXAMINE, StepKind.PREPARE, StepKind.ANNOUNCE)
_LATEST_FIRST = (StepKind.SETTLE, StepKind.DEPLOY, StepKind.REMOVE)
_WORDS = {
    (StepKind.EXAMINE, State.RUNNING): "checking",
    (StepKind.EXAMINE, State.DONE): "checked",
    (StepKind.EXAMINE, State.FAILED): "NOT FIT",
    (StepKind.PREPARE, State.RUNNING): "preparing",
    (StepKind.PREPARE, State.DONE): "prepared",
    (StepKind.PREPARE, State.FAILED): "NOT PREPARED",
    (StepKind.ANNOUNCE, State.RUNNING): "announcing",
    (StepKind.ANNOUNCE, State.DONE): "announced",
    (StepKind.ANNOUNCE, State.FAILED): "NOT ANNOUNCED",
    (StepKind.REMOVE, State.RUNNING): "going down",
    (StepKind.REMOVE, State.DONE): "gone",
    (StepKind.REMOVE, State.FAILED): "NOT REMOVED",
    (StepKind.DEPLOY, State.RUNNING): "coming up",
    (StepKind.DEPLOY, State.DONE): "healthy",
    (StepKind.DEPLOY, State.FAILED): "NOT HEALTHY",
    (StepKind.SETTLE, State.RUNNING): "watching",
    (StepKind.SETTLE, State.DONE): "stable",
    (StepKind.SETTLE, State.FAILED): "NOT STABLE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where one step stands. `refused`: it failed before it touched anything."""

    state: State = State.WAITING
    started: float | None = None
    ended: float | None = None
    waiting_for: str = ""
    items: tuple[str, ...] = ()
    deadline: float | None = None
    because: str = ""
    refused: bool = False


_UNTOUCHED = Cell()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the board: a unit, or during preflight a site.

    `seconds` is how long the step under way has taken, `limit_seconds` how long it may, and
    `expected_seconds` how long it took before; `down_seconds` is how long the unit has been down.
    None where that is not so, or not known.
    """

    name: str
    words: str
    state: State
    seconds: float | None = None
    limit_seconds: float | None = None
    expected_seconds: float | None = None
    down_seconds: float | None = None
    waiting_for: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All steps of a run and where they stand; `after` takes in one event."""

    title: str
    steps: tuple[Step, ...]
    up_before: frozenset[Unit] = frozenset()
    needed: frozenset[Unit] = frozenset()
    """The units that others depend on: it is their outage that people feel."""
    cells: Mapping[str, Cell] = field(default_factory=lambda: MappingProxyType({}))
    began: float | None = None
    stopping: bool = False
    waits: RunWaits | None = None
    """What the run as a whole waits for."""
    expected: Expected = NOTHING_KNOWN

    def after(self, event: Event) -> "Board":
        """Return the board after one more event."""
        began = event.at if self.began is None else self.began
        if isinstance(event, RunStopping):
            return replace(self, stopping=True, began=began)
        if isinstance(event, RunWaits):
            return replace(self, waits=event, began=began)
        cells = {**self.cells, event.step.id: _changed(self.cell(event.step.id), event)}
        return replace(self, cells=MappingProxyType(cells), began=began, waits=None)

    def shown_waits(self) -> RunWaits | None:
        """Return what the run as a whole waits for, where no row says better why nothing moves."""
        running = any(cell.state is State.RUNNING for cell in self.cells.values())
        still = self.waits is not None and self.waits.seconds >= STILL_SECONDS
        return self.waits if still or not running else None

    def cell(self, step: str) -> Cell:
        """Return where a step stands."""
        return self.cells.get(step, _UNTOUCHED)

    def finished(self) -> int:
        """Return how many steps are done."""
        return sum(self.cell(step.id).state is State.DONE for step in self.steps)

    def preflight(self) -> bool:
        """Whether the sites are still being checked or prepared, or were found unfit."""
        early = [step for step in self.steps if step.kind in _ON_SITE]
        return any(self.cell(step.id).state is not State.DONE for step in early)

    def rows(self, now: float) -> tuple[Row, ...]:
        """Return the lines to show at the time `now`: sites in preflight, units after it."""
        return tuple(self._site_rows(now) if self.preflight() else self._unit_rows(now))

    def down_seconds(self, unit: Unit, now: float) -> float | None:
        """Return for how long `unit` has been down, None when it is not, or was not up before."""
        removal = self.cell(f"remove {unit}")
        back = self.cell(f"deploy {unit}").state is State.DONE
        if unit not in self.up_before or removal.started is None or removal.refused or back:
            return None
        return now - removal.started

    def _site_rows(self, now: float) -> Iterator[Row]:
        for site in dict.fromkeys(s.site for s in self.steps if s.kind in _ON_SITE):
            mine = [s for s in self.steps if s.kind in _ON_SITE and s.site == site]
            yield self._row(site, list(reversed(mine)), now)

    def _unit_rows(self, now: float) -> Iterator[Row]:
        for unit in dict.fromkeys(step.unit for step in self.steps if step.unit is not None):
            mine = {step.kind: step for step in self.steps if step.unit == unit}
            latest = [mine[kind] for kind in _LATEST_FIRST if kind in mine]
            row = self._row(str(unit), latest, now)
            yield replace(row, down_seconds=self.down_seconds(unit, now))

    def _row(self, name: str, latest_first: list[Step], now: float) -> Row:
        step = self._telling(latest_first)
        cell = self.cell(step.id)
        words = _WORDS.get((step.kind, cell.state), cell.state.value)
        started = cell.started if cell.state is State.RUNNING else None
        because = next((c for s in latest_first if (c := self.cell(s.id).because)), "")
        return Row(
            name=name,
            words=words,
            state=cell.state,
            seconds=None if started is None else now - started,
            limit_seconds=(
                None if started is None or cell.deadline is None else cell.deadline - started
            ),
            expected_seconds=None if started is None else self.expected.steps.get(step.id),
            waiting_for=cell.waiting_for or (f"skipped because of {because}" if because else ""),
            items=cell.items,
        )

    def _telling(self, latest_first: list[Step]) -> Step:
        """Choose the step that says most: one that failed, else the latest that did anything."""
        for wanted in ({State.FAILED}, {State.STOPPED}, {State.RUNNING, State.DONE}):
            for step in latest_first:
                if self.cell(step.id).state in wanted:
                    return step
        return latest_first[-1]


def board_of(plan: Plan, expected: Expected = NOTHING_KNOWN) -> Board:
    """Return the board of a plan before its run; `expected` is how long things took before."""
    return Board(
        expected=expected,
        title=asked(plan.command.value, plan.selection),
        steps=tuple(step for step in plan.steps if step.kind is not StepKind.GATE),
        up_before=frozenset(
            item.unit for item in plan.units if item.before.presence is not Presence.GONE
        ),
        needed=frozenset(item.unit for item in plan.units if item.dependents),
    )


def _changed(cell: Cell, event: StepEvent) -> Cell:
    match event:
        case StepStarted():
            return Cell(state=State.RUNNING, started=event.at)
        case StepWaits():
            return replace(
                cell,
                waiting_for=event.waiting_for,
                items=event.items,
                deadline=event.deadline,
            )
        case StepDone():
            return Cell(state=State.DONE, started=cell.started, ended=event.at)
        case StepFailed():
            return Cell(
                state=State.FAILED,
                started=cell.started,
                ended=event.at,
                waiting_for=event.problems[0].what if event.problems else "",
                refused=refused(event.problems),
            )
        case StepSkipped():
            return Cell(state=State.SKIPPED, because=event.because)
        case StepStopped():
            return replace(cell, state=State.STOPPED, ended=event.at)
