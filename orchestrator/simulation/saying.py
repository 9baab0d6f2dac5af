"""What containers of the simulated fleet write: made-up words that fit how they behave."""

from collections.abc import Callable, Iterator
from random import Random

from orchestrator.errors import FleetError
from orchestrator.fleet.logs import NOWHERE, LogLine, LogOf, LogQuery
from orchestrator.simulation import problems
from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.objects import SimTask
from orchestrator.simulation.swarm import SimSwarm

_BEFORE_SECONDS = 600.0
"""What ran at the beginning is taken to have started so long ago."""
_EVERY_SECONDS = 15.0
_STILL_SECONDS = 30.0
"""So much of what is still to come is told to one who follows: virtual time stands still then."""
_ENDED = {
    Kind.CRASH_LOOP: (
        "Traceback (most recent call last):",
        '  File "/app/main.py", line 12, in connect',
        "RuntimeError: no configuration was found",
    ),
}
_AT_WORK = (
    "GET /health/check 200",
    "12 datasets checked, nothing to do",
    "WARNING: slow answer: 1.2 s",
    "3 files replicated",
)


class SimulatedLogs:
    """Reads what simulated containers write.

    Args:
        fleet: whose they are.
        wall: what clocks on walls show now, seconds since 1970.

    """

    def __init__(self, fleet: SimulatedFleet, wall: Callable[[], float]) -> None:
        self._fleet = fleet
        self._wall = wall

    def read(self, query: LogQuery) -> Iterator[LogLine]:
        """Yield the lines that are asked for; FleetError when the site cannot be reached."""
        site = self._fleet.sites[query.unit.site]
        if site.link.turns_away:
            raise FleetError(problems.of_link(site.link))
        began = self._wall() - self._fleet.clock.now
        for task in _asked(site.swarm, query):
            yield from task_lines(task, query, began=began, now=self._fleet.clock.now)


def task_lines(task: SimTask, query: LogQuery, *, began: float, now: float) -> Iterator[LogLine]:
    """Yield what a task has written until `now`; `began` is the world's beginning, since 1970."""
    until = now + _STILL_SECONDS if query.follow else now
    told = [(at, text) for at, text in _written(task, until) if began + at >= query.since]
    written = [item for item in told if item[0] <= now]
    place = dict(query.places).get(task.id, NOWHERE)
    for at, text in [*written[max(len(written) - query.tail, 0) :], *told[len(written) :]]:
        yield LogLine(
            at=round((began + at) * 1e9),
            unit=query.unit,
            service=query.service,
            slot=place.slot or task.slot,
            task=task.id,
            node=place.node,
            stream="stderr" if "Error" in text or "Traceback" in text else "stdout",
            text=text,
        )


def _asked(swarm: SimSwarm, query: LogQuery) -> list[SimTask]:
    if query.of is LogOf.TASK:
        found = swarm.tasks.get(query.id)
        return [found] if found else []
    return [task for task in swarm.tasks.values() if task.service.id == query.id]


def _written(task: SimTask, now: float) -> Iterator[tuple[float, str]]:
    container = task.container
    if container is None or container.state == "created":
        return
    start = container.since or -_BEFORE_SECONDS
    ended = container.state == "exited"
    end = container.ended if ended else now
    kind = task.behaviour.kind
    yield start, f"{task.service.desired.name} is starting"
    if kind is Kind.NEVER_HEALTHY:
        yield start + task.behaviour.start_seconds, "waiting for the database: timed out"
    elif kind is not Kind.CRASH_LOOP:
        yield start + task.behaviour.start_seconds, "ready"
        chance = Random(task.id)  # noqa: S311 - nothing secret hangs on it
        at = start + chance.uniform(1, _EVERY_SECONDS)
        while at < end:
            yield at, chance.choice(_AT_WORK)
            at += _EVERY_SECONDS
    if ended:
        words = _ENDED.get(kind, ("asked to stop", "bye"))
        yield from ((end, text) for text in words)
