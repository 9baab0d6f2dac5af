"""What a run tells while it goes on: plain values for whoever shows them. Times in seconds."""

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.errors import Problem
from orchestrator.planning.plan import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step began."""

    at: float
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWaits:
    """A step waits for something; `items` are still in the way, `deadline` is when it fails."""

    at: float
    step: Step
    waiting_for: str
    items: tuple[str, ...]
    deadline: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWaits:
    """Something that belongs to no single step is waited for, for `seconds` by now.

    `at_most`: after so many seconds in all it is given up; None where nothing bounds it.
    """

    at: float
    waiting_for: str
    seconds: float
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step reached its end."""

    at: float
    step: Step
    words: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed:
    """A step failed."""

    at: float
    step: Step
    problems: tuple[Problem, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped:
    """A step will not run, because of another one that failed."""

    at: float
    step: Step
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStopped:
    """A step was left in the middle because the run was interrupted."""

    at: float
    step: Step
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping:
    """The run was asked to stop: no new step starts."""

    at: float


StepEvent = StepStarted | StepWaits | StepDone | StepFailed | StepSkipped | StepStopped
Event = StepEvent | RunWaits | RunStopping
Listener = Callable[[Event], None]
