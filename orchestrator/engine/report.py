"""How a run ended: values for whoever shows, keeps or judges it."""

from dataclasses import dataclass, replace
from typing import Self

from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem, worst
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.procedures.owed import Owed


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How a step ended. `because` names the failed step a skipped one is owed to."""

    step: Step
    state: State
    started: float | None = None
    ended: float | None = None
    words: str = ""
    problems: tuple[Problem, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended, step by step. Times are seconds on the backend's clock.

    `beyond` are problems that belong to no step, such as a lost lock.
    """

    steps: tuple[StepReport, ...]
    began: float
    ended: float
    interrupted: bool
    beyond: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem: those of the run first, then of every step in the plan's order."""
        of_steps = (problem for report in self.steps for problem in report.problems)
        return tuple(dict.fromkeys((*self.beyond, *of_steps)))

    @property
    def steady(self) -> frozenset[Unit]:
        """Units that were watched and seen to keep running."""
        done = (r.step for r in self.steps if r.state is State.DONE)
        return frozenset(s.unit for s in done if s.kind is StepKind.SETTLE and s.unit is not None)

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return all(report.state is State.DONE for report in self.steps)

    @property
    def exit_code(self) -> ExitCode:
        """The code of the worst problem, INTERRUPTED when the run was stopped."""
        if self.problems:
            return worst(self.problems)
        return ExitCode.INTERRUPTED if self.interrupted else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How one life of a run ended.

    `report` is of the steps that were carried out, None when it did not come to that;
    `way_back` and `restored` likewise of the restoring. `kept`: the lock is kept, the run is
    unfinished. `owed`: what this run added to what is owed. `problems` belong to no step.
    `unsaid` are announcements that nobody confirmed; they do not count as failures. `words` is the
    command as it was typed.
    """

    run: str
    plan: Plan
    report: RunReport | None = None
    way_back: Plan | None = None
    restored: RunReport | None = None
    kept: bool = False
    owed: tuple[Owed, ...] = ()
    problems: tuple[Problem, ...] = ()
    unsaid: tuple[Problem, ...] = ()
    words: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """The one exit code of it all."""
        reports = [r for r in (self.report, self.restored) if r is not None]
        if self.restored is not None and self.restored.finished and not self.problems:
            return ExitCode.RESTORED
        code = worst((*self.problems, *(p for report in reports for p in report.problems)))
        interrupted = any(report.interrupted for report in reports)
        return ExitCode.INTERRUPTED if interrupted and code is ExitCode.DONE else code

    def having(self, *problems: Problem) -> Self:
        """Return the same end with more problems that belong to no step."""
        return replace(self, problems=(*self.problems, *problems))
