"""Problems that belong to a run as a whole, each worded once, with what to do next."""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Retry, Where
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.hold import LOCK, Hold, Phase


def lock_held(hold: Hold, coordinator: str, wall: float) -> Problem:
    """Say that somebody else's run holds the lock."""
    doing = "stopped, unfinished" if hold.phase is Phase.STOPPED else hold.phase.value
    down = [f"{unit} has been down for {wall - since:.0f} s" for unit, since in hold.down]
    return Problem(
        code="lock.held",
        what=f"run {hold.run} of {hold.holder} holds the lock",
        exit_code=ExitCode.LOCK_HELD,
        where=Where(site=coordinator),
        evidence=(
            f"dtdeploy {hold.words}: {doing}",
            f"begun {_ago(hold.started, wall)}, last sign of life {_ago(hold.beat, wall)}",
            *down,
        ),
        fix=f"{typed('lock')}   # says what it is doing and how to go on",
        state_left="nothing was touched",
        runbook="lock-held",
    )


def lock_lost(coordinator: str, session: str, who: str) -> Problem:
    """Say that this process does not hold its run's lock any more; `who` says why, in words."""
    return Problem(
        code="lock.lost",
        what=f"this run lost its lock: {who}",
        exit_code=ExitCode.LOCK_HELD,
        where=Where(site=coordinator),
        evidence=(f"session {session} does not hold {LOCK} any more",),
        fix=f"{typed('lock')}   # who goes on now, if anybody",
        state_left="nothing more is done by this process",
        runbook="lock-held",
    )


def lock_unreachable(coordinator: str, run: str, words: str) -> Problem:
    """Say that a run cannot prove to hold its lock; `words` is what came instead of an answer."""
    return Problem(
        code="lock.unreachable",
        what=f"{coordinator}'s Swarm cannot be asked whether this run still holds the lock",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=coordinator),
        evidence=(words,) if words else (),
        fix=f"mend the way to {coordinator}, then {typed('resume', run)}",
        state_left="nothing is changed anywhere without that",
        runbook="site-unreachable",
    )


def stalled(run: str, why: str, stacks: str) -> Problem:
    """Say that a run stood still, or was told that it does, and was stopped.

    `why` says how that was noticed, `stacks` is the file with what each thread was doing.
    """
    return Problem(
        code="run.stalled",
        what=f"run {run} was stopped: {why}",
        exit_code=ExitCode.INTERRUPTED,
        evidence=(f"what each thread was doing: {stacks}",) if stacks else (),
        fix=typed("resume", run),
        state_left="what had been begun may go on for a moment; the next run looks first",
        runbook="run-stalled",
    )


def fleet_moved(differences: tuple[str, ...]) -> Problem:
    """Say that the fleet is not what the plan was made for."""
    return Problem(
        code="plan.stale",
        what="the fleet changed between the plan and the lock",
        exit_code=ExitCode.PLAN_STALE,
        evidence=differences,
        fix="give the same command again: it plans anew",
        state_left="nothing was touched",
        runbook="restart-everything",
    )


def mended_since(problem: Problem) -> Problem:
    """Say that what spoke against a plan when it was made does not any more; it was not begun."""
    return replace(
        problem,
        evidence=(*problem.evidence, "so it was when this was planned, and it is not so any more"),
        fix="give the same command again: it plans anew",
        state_left="nothing was touched",
    )


def nobody_knows_former(unit: Unit, run: str) -> Problem:
    """Say that a unit cannot be brought back: dtdeploy did not deploy what ran."""
    return Problem(
        code="restore.unknown-revision",
        what=f"nobody knows at which revision {unit} ran before run {run}",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=unit.site, stack=unit.stack),
        evidence=("what ran carries no label of dtdeploy",),
        fix=f"{typed('up', unit, '--ref', 'REPO=REF')}   # with the revision that is wanted",
        state_left=f"{unit} is left as it is",
        runbook="roll-back",
    )


def nothing_to_restore(unit: Unit, run: str) -> Problem:
    """Say to somebody who wants it back on failure that nobody knows what to bring back."""
    return replace(
        nobody_knows_former(unit, run),
        fix="drop --on-failure restore: there is nothing known to restore",
        retry=Retry(drops=(("--on-failure", "restore"),), never=True),
    )


def left_as_it_is(unit: Unit, other: Unit) -> Problem:
    """Say that a unit is not brought back to what it was: `other` would go down for good."""
    return Problem(
        code="restore.left",
        what=f"{unit} was left as it is: {other} needs it, and would not come back",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=unit.site, stack=unit.stack),
        fix=f"{typed('restart', unit, '--ref', 'REPO=REF')}   # with the revision that is wanted",
        state_left=f"{unit} is not what it was before",
        runbook="roll-back",
    )


def record_of_other_inventory(run: str, lines: Iterable[str]) -> Problem:
    """Say that the inventory is not what a run was planned with; `lines` say in what."""
    return Problem(
        code="plan.other-inventory",
        what=f"run {run} was planned with another inventory than the one given here",
        exit_code=ExitCode.PLAN_STALE,
        evidence=tuple(lines),
        fix="use the sites.yaml and stacks/ that it was begun with (git pull, or -i FILE); or"
        f" give the run up: {typed('lock', 'break', run, '--because', 'TEXT')}",
        state_left="nothing was touched",
        runbook="run-stopped-half-way",
    )


def _ago(then: float, now: float) -> str:
    return f"{max(0.0, now - then):.0f} s ago"
