"""Parts of a plan as JSON, the same in a report and on the screen of a machine."""

from typing import Any

from orchestrator.planning.plan import Plan
from orchestrator.words.foreign import clean

Json = dict[str, Any]


def override_json(plan: Plan) -> Json:
    """Return which freezes and guards were not heeded, and why."""
    return {
        "freeze": plan.override.freeze,
        "guards": list(plan.override.guards),
        "because": clean(plan.override.because) or None,
    }


def notice_json(plan: Plan) -> Json:
    """Return how the plan's downtime is announced."""
    return {
        "needed": plan.announces,
        "announced": clean(plan.notice.announced) or None,
        "minutes": plan.notice.minutes,
    }
