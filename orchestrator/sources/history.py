from pathlib import Path

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.sources.findings import RUNBOOK
from orchestrator.sources.repository import git_at, run
from orchestrator.sources.span import Commit, Span

_FORMAT = "%H%x1f%s%x1f%an%x1f%aI"


def span(mirror: Path, old: Revision, new: Revision, limit: int = 20) -> Span:
    """Return at most `limit` commits from `old` to `new`; never an error.

    A plan may be made from a commit that came after the history of the old one was rewritten.
    """
    for first, last, back in ((old, new, False), (new, old, True)):
        try:
            commits = log_between(mirror, first, last, limit)
        except SourceError:
            return Span(old=old, new=new, told=False)
        if commits:
            more = _count(mirror, first, last) - limit if len(commits) == limit else 0
            return Span(old=old, new=new, commits=commits, more=max(more, 0), back=back)
    return Span(old=old, new=new)


def _count(mirror: Path, old: Revision, new: Revision) -> int:
    ends = ("--end-of-options", f"{old.sha}..{new.sha}", "--")
    ran = run(git_at(mirror, {}), "rev-list", "--count", *ends)
    return int(ran.out) if ran.ok else 0


def log_between(mirror: Path, old: Revision, new: Revision, limit: int) -> tuple[Commit, ...]:
    """List the commits that `new` has and `old` lacks, newest first, at most `limit`.

    Raises:
        SourceError: exit code 14, if either is not in the mirror.

    """
    span = (f"--max-count={limit}", "--end-of-options", f"{old.sha}..{new.sha}", "--")
    ran = run(git_at(mirror, {}), "log", "-z", f"--format={_FORMAT}", *span)
    if not ran.ok:
        raise SourceError(
            Problem(
                code="source.no-history",
                what=f"the commits between {old} and {new} cannot be listed",
                exit_code=ExitCode.SOURCE_FAILED,
                evidence=ran.evidence,
                fix=f"git -C {mirror} log {old.sha}..{new.sha}",
                runbook=RUNBOOK,
            )
        )
    return tuple(_commit(line) for line in ran.out.split("\0") if line)


def _commit(line: str) -> Commit:
    sha, subject, author, date = line.split("\x1f")
    return Commit(sha=sha, subject=subject, author=author, date=date)
