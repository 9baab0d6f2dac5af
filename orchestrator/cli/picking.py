"""Which unfinished run is meant."""

from orchestrator.cli.meeting import Found, unfit
from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.findings import record_of_other_inventory
from orchestrator.engine.gather import look_at
from orchestrator.engine.record import RunRecord
from orchestrator.errors import ExitCode, Problem, RefusedError, UsageError
from orchestrator.fleet.observed import Look, Unseen

_STRANGE = "swarm.other-swarm"
"""The code that says: what answers there is another Swarm."""


def must_be(found: Found, run: str, command: str) -> None:
    """Raise UsageError (64) when another run than `run` holds the lock."""
    if not run or run == found.hold.run:
        return
    raise UsageError(
        Problem(
            code="usage.other-run",
            what=f"run {run} does not hold the lock, run {found.hold.run} does",
            exit_code=ExitCode.USAGE,
            fix=f"{_fitting(found, command)}   # after {typed('lock')}",
            state_left="nothing was touched",
            runbook="lock-held",
        )
    )


def _fitting(found: Found, command: str) -> str:
    verb, *more = command.split()
    return typed(verb, *more, found.hold.run) if more else found.going_on(verb)


def must_fit(world: World, record: RunRecord) -> dict[str, Look]:
    """Raise RefusedError when a run was planned with another inventory (4), or Swarm (20).

    Only the Swarms that it was planned for count from now on.

    Returns:
        The sites that cannot be seen.

    """
    if lines := unfit(world.inventory, record):
        raise RefusedError(record_of_other_inventory(record.run, lines))
    world.expect(record.swarms)
    looks = look_at(world.backend, record.swarms)
    unseen = {site: look for site, look in looks.items() if isinstance(look, Unseen)}
    if strange := [look.problem for look in unseen.values() if look.problem.code == _STRANGE]:
        raise RefusedError(strange)
    return dict(unseen)
