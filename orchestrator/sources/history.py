from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.sources.findings import RUNBOOK
from orchestrator.sources.repository import git_at, run

_FORMAT = "%H%x1f%s%x1f%an%x1f%aI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit: full SHA, first line of its message, author's name, author date (ISO 8601)."""

    sha: str
    subject: str
    author: str
    date: str


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
