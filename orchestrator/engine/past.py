"""What a journal says about a run that is over. Pure: entries in, a value out."""

import base64
from binascii import Error as NotBase64
from collections.abc import Iterable

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.record import decode
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import PastRun, stacks_down
from orchestrator.planning.plan import Plan, StepKind


def past_run(entries: Iterable[Entry]) -> PastRun | None:
    """Return what a run's journal says about outages; None for one that tells of no run.

    An outage lasts from the begin of a unit's removal until it was deployed and healthy. One
    that a clock which was set back makes negative is left out, as is one whose end the journal
    does not tell.

    Raises:
        RefusedError: the run's record cannot be read.

    """
    told = tuple(entries)
    record = next((_record(entry) for entry in told if "record" in entry.body), None)
    if record is None:
        return None
    run, plan = record
    return PastRun(
        run=run,
        command=plan.command,
        stacks=stacks_down(plan),
        outages=tuple((unit, up - down) for unit, down, up in outage_windows(plan, told)),
        steps=tuple(_durations(told).items()),
        seconds=_whole(plan, told),
    )


def _record(entry: Entry) -> tuple[str, Plan]:
    try:
        data = base64.b64decode(str(entry.body["record"]))
    except NotBase64:
        data = b""
    record = decode(data)
    return record.run, record.plan


def outage_windows(plan: Plan, entries: tuple[Entry, ...]) -> Iterable[tuple[Unit, float, float]]:
    """Return from when until when each unit was down that came back, in seconds since 1970."""
    begun = _first(entries, "started")
    done = _first(entries, "done")
    for item in plan.units:
        down = begun.get(f"{StepKind.REMOVE.value} {item.unit}")
        up = done.get(f"{StepKind.DEPLOY.value} {item.unit}")
        if down is not None and up is not None and up >= down:
            yield item.unit, down, up


def _durations(entries: tuple[Entry, ...]) -> dict[str, float]:
    """Return how long each step took that was done."""
    begun, done = _first(entries, "started"), _first(entries, "done")
    return {
        step: done[step] - at for step, at in begun.items() if step in done and done[step] >= at
    }


def _whole(plan: Plan, entries: tuple[Entry, ...]) -> float | None:
    """Return how long it took until every step was done, None if that was not so."""
    begun, done = _first(entries, "started"), _first(entries, "done")
    if not plan.steps or any(step.id not in begun or step.id not in done for step in plan.steps):
        return None
    seconds = max(done.values()) - min(begun.values())
    return seconds if seconds >= 0 else None


def _first(entries: tuple[Entry, ...], state: str) -> dict[str, float]:
    """Return when each step came to `state` first."""
    times: dict[str, float] = {}
    for entry in entries:
        if entry.kind is EntryKind.STEP and entry.body.get("state") == state:
            times.setdefault(entry.step, entry.at)
    return times
