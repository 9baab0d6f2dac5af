"""What a run that applies a saved plan does between taking the lock and its first effect."""

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.gather import look_at
from orchestrator.engine.means import Means
from orchestrator.engine.record import RunRecord
from orchestrator.errors import Problem
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan_file import SavedPlan
from orchestrator.planning.refusals import saved_fleet_moved, used
from orchestrator.planning.saving import moved_since
from orchestrator.planning.seen import around
from orchestrator.procedures.applied import Applied, forget_applied, note_applied


def admit(
    means: Means, inventory: Inventory, record: RunRecord, saved: SavedPlan
) -> Problem | None:
    """Look again, now that nobody else may act, and write down that the plan is applied.

    Returns:
        Why it must not be, and then nothing was written down.

    """
    units = around(inventory, saved.plan)
    looks = look_at(means.backend, sorted({unit.site for unit in units}))
    if lines := moved_since(inventory, saved, looks):
        return saved_fleet_moved(saved.asked, lines)
    now = means.wall()
    applied = Applied(plan=saved.id, run=record.run, at=now, expires=saved.expires.timestamp())
    other = carry_alone(means.backend, note_applied(inventory.coordinator, applied))
    return used(saved.asked, other.run, other.at, now) if isinstance(other, Applied) else other


def give_back(means: Means, site: str, record: RunRecord) -> Problem | None:
    """Take off again that the run's plan was applied: it touched nothing."""
    if not record.saved_plan:
        return None
    return carry_alone(means.backend, forget_applied(site, record.saved_plan, record.run))
