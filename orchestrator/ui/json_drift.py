"""What differs at every site as a JSON value; the keys stand in `json_values`."""

from typing import Any

from orchestrator.planning.differences import UnitDrift
from orchestrator.ui.drift_view import FleetDrift
from orchestrator.ui.json_changes import change_json, span_json
from orchestrator.ui.json_values import problem_json, unit_json

Json = dict[str, Any]


def fleet_drift_json(fleet: FleetDrift) -> Json:
    """Return what differs of each unit, and what cannot be seen."""
    return {
        "differs": fleet.differs,
        "units": [_unit(unit) for unit in fleet.units],
        "spans": [span_json(span) for span in fleet.spans],
        "unreachable": [problem_json(problem) for problem in fleet.unreachable],
    }


def _unit(found: UnitDrift) -> Json:
    return {
        **unit_json(found.unit),
        "presence": found.presence.value,
        "differs": found.differs,
        "revision": found.revision or None,
        "pinned": {"repo": found.pinned.repo, "sha": found.pinned.sha},
        "drift": [change_json(change) for change in found.changes],
    }
