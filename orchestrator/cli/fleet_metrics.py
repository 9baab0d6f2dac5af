"""The fleet's status as metrics."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.cli.wiring import World
from orchestrator.fleet.health import Verdict
from orchestrator.notify.metrics import FLEET_FILE, Sample, write_metrics
from orchestrator.ui.status_view import Fleet


def write_fleet(folder: Path, world: World, fleet: Fleet) -> str:
    """Write what was seen; returns why it could not be, "" if it was."""
    return _write(folder, FLEET_FILE, fleet_samples(fleet, world.wall()))


def _write(folder: Path, file: str, samples: Iterable[Sample]) -> str:
    try:
        write_metrics(folder, file, samples)
    except OSError as error:
        return f"no metrics were written: {error.strerror or type(error).__name__}"
    return ""


def fleet_samples(fleet: Fleet, now: float) -> Iterator[Sample]:
    """Yield the metrics of a fleet, seen at `now`: seconds since 1970."""
    yield Sample(metric="dtdeploy_fleet_timestamp_seconds", value=now)
    yield Sample(metric="dtdeploy_lock_held", value=float(fleet.holding is not None))
    owed = {item.unit for item in fleet.owed}
    blind = {problem.where.site for problem in fleet.unreachable}
    for site in sorted({row.unit.site for row in fleet.rows} | (blind - {""})):
        value = float(site in blind)
        yield Sample(metric="dtdeploy_site_unreachable", value=value, labels=(site,))
    for row in fleet.rows:
        unit = (row.unit.stack, row.unit.site)
        well = row.verdict is Verdict.HEALTHY and not row.words
        values = {
            "dtdeploy_unit_healthy": float(well),
            "dtdeploy_unit_tasks_running": float(row.running),
            "dtdeploy_unit_tasks_expected": float(row.expected),
            "dtdeploy_unit_owed": float(row.unit in owed),
        }
        if row.differing is not None:
            values["dtdeploy_unit_differences"] = float(row.differing)
        for metric, value in values.items():
            yield Sample(metric=metric, value=value, labels=unit)
