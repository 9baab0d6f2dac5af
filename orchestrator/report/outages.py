"""Which outages of a run are said first. Pure."""

from orchestrator.fleet.unit import Unit
from orchestrator.report.timeline import Outage, Timeline


def headline(run: Timeline) -> tuple[Outage, ...]:
    """Return the longest outage of each unit that others depend on, in the plan's order."""
    needed = [item.unit for item in run.record.plan.units if item.dependents]
    found = (_longest(run, (unit,)) for unit in needed)
    return tuple(outage for outage in found if outage is not None)


def longest_other(run: Timeline) -> Outage | None:
    """Return the longest outage of a unit that nothing depends on."""
    units = {item.unit for item in run.record.plan.units if item.dependents}
    return _longest(run, tuple({o.unit for o in run.outages} - units))


def _longest(run: Timeline, units: tuple[Unit, ...]) -> Outage | None:
    found = (outage for outage in run.outages if outage.unit in units)
    return max(found, key=lambda outage: outage.seconds, default=None)
