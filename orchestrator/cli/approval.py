"""Whether somebody approved of what a record does: by reading it, or by its digest."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.cli.asking import somebody_must_be_there
from orchestrator.cli.meeting import Found, find_run
from orchestrator.cli.wiring import World, somebody_is_there
from orchestrator.command_line import PROGRAM, typed
from orchestrator.engine.provenance import Origin
from orchestrator.errors import ExitCode, FleetError, Problem, RefusedError
from orchestrator.planning.plan import Plan, Step, StepKind
from orchestrator.planning.selection import Request
from orchestrator.procedures.hold import Goal
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import count

_LONGEST = 200
WHOLE = 64
"""Hex digits of a SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What was typed instead of an answer: --yes, and the digest behind --expect or its start.

    `options` is what else was typed, to be typed again.
    """

    yes: bool
    expect: str = ""
    options: tuple[str, ...] = ()


def approval_of(
    *, yes: bool, expect: str, take_over: bool, announced: str, lost: Request
) -> Approval:
    """Return what was typed with a command that goes on with a run."""
    options = [
        *(["--take-over"] if take_over else []),
        *(["--announced", announced] if announced else []),
        *(word for node in lost.accept_lost for word in ("--accept-lost", node)),
        *(["--because", lost.because] if lost.because else []),
    ]
    return Approval(yes=yes, expect=expect, options=tuple(options))


def somebody_must_read(world: World, verb: str, run: str, *, yes: bool, dry_run: bool) -> None:
    """Raise UsageError when the command would ask, and nobody could answer.

    What is to be typed instead is looked for at the lock, where that can be read: it may have to
    name the record.
    """
    if yes or dry_run or somebody_is_there():
        return
    found = None
    with suppress(FleetError, RefusedError):
        found = find_run(world)
    fits = found is not None and run in ("", found.hold.run)
    line = found.going_on(verb) if found and fits else typed(verb, *filter(None, (run,)))
    words = line.removeprefix(f"{PROGRAM} ")
    somebody_must_be_there(words, yes=yes, dry_run=dry_run, left="nothing was touched")


def must_be_approved(found: Found, verb: str, approval: Approval) -> None:
    """Raise RefusedError where a run is gone on with (`verb`) that nobody read, or another one.

    Where something vouches for the record, --yes is enough. Who is asked reads it first.
    """
    digest = found.provenance.digest
    if not digest.startswith(approval.expect):
        raise RefusedError(_another(found, verb, approval))
    short = bool(approval.expect) and len(approval.expect) < WHOLE
    unread = approval.yes and found.provenance.origin is Origin.UNKNOWN
    if unread and (short or not approval.expect):
        raise RefusedError(_unread(found, verb, approval))
    if short and not somebody_is_there():
        line = _line(found, verb, approval)
        raise RefusedError(too_short(approval.expect, line, left="nothing was touched"))


def show_record(world: World, found: Found) -> None:
    """Show in full what a record does, where nothing vouches for it: who is asked has to know."""
    if found.provenance.origin is Origin.UNKNOWN:
        world.talk.say(
            f"nothing here vouches for the record of run {found.hold.run}; this is its plan:"
        )
        world.talk.plan(found.readable().plan)


def question(found: Found) -> str:
    """Return what is asked before a run is gone on with, told by its record and nothing else."""
    record = found.readable()
    back = found.hold.goal is Goal.RESTORE
    does = "bring back what ran before it" if back else in_short(record.plan)
    return f"run {clean(record.run)}, {PROGRAM} {shorten(clean(record.words), _LONGEST)}: {does}"


def in_short(plan: Plan) -> str:
    """Return what a plan's own steps do, whatever it is called."""
    parts = [
        f"{verb} {count(len(units), 'unit')} at {', '.join(dict.fromkeys(u.site for u in units))}"
        for verb, kind in (("take down", StepKind.REMOVE), ("deploy", StepKind.DEPLOY))
        if (units := [step.unit for step in _of(plan.steps, kind) if step.unit is not None])
    ]
    return " and ".join(parts) or "change nothing"


def _of(steps: Iterable[Step], kind: StepKind) -> Iterable[Step]:
    return (step for step in steps if step.kind is kind)


def _line(found: Found, verb: str, approval: Approval) -> str:
    """Return the line that names the record in full; also what is asked is answered by it."""
    digest = found.provenance.digest
    return typed(verb, found.hold.run, *approval.options, "--yes", "--expect", digest)


def too_short(expect: str, line: str, *, left: str) -> Problem:
    """Say that `expect` is not the whole digest, `line` what to type, `left` what was touched."""
    return Problem(
        code="usage.expect-too-short",
        what=f"without a terminal --expect needs all {WHOLE} digits, and has {len(expect)}",
        exit_code=ExitCode.USAGE,
        fix=line,
        state_left=left,
    )


def _unread(found: Found, verb: str, approval: Approval) -> Problem:
    return Problem(
        code="lock.record-unread",
        what=f"nothing vouches for the record of run {found.hold.run}, and nobody is asked",
        exit_code=ExitCode.SAFETY_REFUSED,
        evidence=(
            "neither a signature with the fleet's key, nor a journal on this machine",
            question(found),
            f"sha256 {found.provenance.digest}",
        ),
        fix=f"{_line(found, verb, approval)}   # after {typed('lock')}, which shows what it does",
        state_left="nothing was touched",
        runbook="lock-held",
    )


def _another(found: Found, verb: str, approval: Approval) -> Problem:
    return Problem(
        code="lock.record-unexpected",
        what=f"the record of run {found.hold.run} is another one than was expected",
        exit_code=ExitCode.PLAN_STALE,
        evidence=(f"expected {approval.expect}", f"sha256 {found.provenance.digest}"),
        fix=f"{typed('lock')}   # shows what it does; whoever approves of that types:"
        f" {_line(found, verb, approval)}",
        state_left="nothing was touched",
        runbook="lock-held",
    )
