"""What a run left behind, in a sentence, and what to type next. Pure."""

from orchestrator.command_line import PROGRAM, options_in, reason_for, typed, words_of
from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Command
from orchestrator.report.timeline import Outcome, Timeline

_LOST = "lock.lost"
_LEFT = {
    Outcome.NO_END: "no end was written: its process was killed, or is still at it",
    Outcome.GIVEN_UP: "its lock was broken, the run was given up",
    Outcome.NOT_BEGUN: "it never had the lock: nothing was touched",
    Outcome.RESTORED: "what was touched is back at what ran before",
}
_KEPT = "the lock is kept, nobody else can act until the run is finished or rolled back"


def state_left(run: Timeline) -> str:
    """Say what a run left, as far as its journal tells."""
    down = [str(outage.unit) for outage in run.outages if not outage.over]
    words = _KEPT if run.unfinished else _LEFT.get(run.outcome, "the lock is released")
    if _lost(run):
        words = "the lock was lost to somebody else"
    still = f"; down when it ended: {', '.join(down)}" if down else ""
    owed = f"; owed: {', '.join(unit for unit, _ in run.owed)}" if run.owed else ""
    return f"{words}{still}{owed}"


def next_steps(run: Timeline) -> tuple[str, ...]:
    """Return what to type next, the way on first; nothing where all is done."""
    name = run.record.run
    on = typed("resume", name)
    if run.outcome is Outcome.NO_END:
        return (typed("lock"), on)
    if run.outcome is Outcome.NOT_BEGUN or _lost(run):
        return (typed("lock"),)
    if run.unfinished:
        return (on, typed("rollback", name))
    back = (typed("up", "--owed", *options_in(run.record.words, "--ref")),) if run.owed else ()
    if run.outcome is Outcome.GIVEN_UP:
        return (typed("status"), *back, on)
    return back or (() if run.exit == ExitCode.DONE else (typed("status"),))


def to_reproduce(run: Timeline) -> tuple[str, ...]:
    """Return the commands that show, and do, the same at the same revisions."""
    record = run.record
    words, plan = words_of(record.words.removeprefix(f"{PROGRAM} ")), record.plan
    at = tuple(word for r in plan.revisions for word in ("--ref", f"{r.repo}={r.sha}"))
    pinned = plan.command in (Command.RESTART, Command.UP, Command.DEPLOY)
    if pinned and "--ref" not in words and "--owed" not in words:
        words += at
    because = reason_for(record.words, record.because)
    return (typed(*words, *because, "--dry-run"), typed(*words, *because))


def _lost(run: Timeline) -> bool:
    return any(trouble.problem.code == _LOST for trouble in run.troubles)
