from dataclasses import dataclass, field

from orchestrator.planning.plan import Step
from orchestrator.procedures.effects import Effect, Procedure


@dataclass(slots=True, kw_only=True)
class Active:
    """A procedure under way: what it waits for, and what it has been told so far."""

    step: Step
    procedure: Procedure
    started: float
    effect: Effect | None = None
    wanted: tuple[str, ...] = ()
    looks: dict[str, object] = field(default_factory=dict)
