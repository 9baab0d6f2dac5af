"""What speaks against carrying a plan out now, as labelled lines."""

from collections.abc import Iterator

from orchestrator.fleet.guard import GuardAnswer
from orchestrator.planning.plan import Override, Plan


def weather_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what holds a plan off, what was overridden, and what the guards said."""
    over = plan.override
    for held in plan.frozen:
        how = "overridden" if over.freeze else "to go on anyway: --override-freeze --because TEXT"
        yield "FROZEN", f"until {held.until}: {held.reason}; {how}"
    for answer in plan.guards:
        yield _guard(answer, over)
    if over.because and (over.freeze or over.guards):
        yield "BECAUSE", over.because


def _guard(answer: GuardAnswer, over: Override) -> tuple[str, str]:
    about = f"{answer.name} ({answer.reason})" if answer.reason else answer.name
    if not answer.asked:
        return "GUARD", f"{about} was not asked"
    if answer.agrees:
        return "GUARD", f"{about} agrees"
    said = f": {answer.words}" if answer.words else ""
    how = f"to go on anyway: --override-guard {answer.name} --because TEXT"
    how = "overridden" if answer.name in over.guards else how
    return "OBJECTS", f"{about}{said}; {how}"
