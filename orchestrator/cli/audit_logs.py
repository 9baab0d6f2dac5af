"""Asking the managers which runs they know of: those of every machine."""

from orchestrator.cli.past_runs import meant
from orchestrator.cli.planning import contacted
from orchestrator.cli.wiring import World, open_world
from orchestrator.command_line import typed
from orchestrator.engine.gather import gather
from orchestrator.errors import ExitCode, Problem, UsageError, worst
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import AuditLog, ReadAudit
from orchestrator.report.audit import AuditedRun, audited_runs


def list_audited(limit: int) -> ExitCode:
    """Show the newest `limit` runs that the managers know of; 11 if one could not be asked."""
    with open_world() as world:
        runs, unread = _asked(world)
        world.talk.audited(runs[:limit], unread)
        return worst(unread)


def show_audited(run: str) -> ExitCode:
    """Show what the managers know of one run: an id, the beginning of one, or `last`.

    Raises:
        UsageError: they know of no such run, or of several.

    """
    with open_world() as world:
        runs, unread = _asked(world)
        found = meant(run, [one.run for one in runs])
        if len(found) != 1:
            raise UsageError([*unread, _unclear(run, found)])
        (only,) = (one for one in runs if one.run == found[0])
        world.talk.audited((only,), unread, in_full=True)
        return worst(unread)


def _asked(world: World) -> tuple[tuple[AuditedRun, ...], tuple[Problem, ...]]:
    sites = contacted(world.inventory)
    answers = gather(world.backend, [ReadAudit(site=site) for site in sites])
    logs = {answer.site: answer.lines for answer in answers if isinstance(answer, AuditLog)}
    unread = tuple(answer.problem for answer in answers if isinstance(answer, Unseen))
    return audited_runs(logs), unread


def _unclear(run: str, found: tuple[str, ...]) -> Problem:
    return Problem(
        code="usage.unknown-run",
        what=f"{len(found)} runs begin with {run!r}"
        if found
        else f"no manager that answers knows of a run {run!r}",
        exit_code=ExitCode.USAGE,
        evidence=found[:10],
        fix=typed("runs", "--at-managers"),
    )
