"""What lies between two revisions, as values: git is not needed to hold them."""

from dataclasses import dataclass

from orchestrator.fleet.unit import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit: full SHA, first line of its message, author's name, author date (ISO 8601)."""

    sha: str
    subject: str
    author: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What came between a revision that runs and the one that is to run: newest first.

    `more` is how many commits are not listed. `back`: the new one is behind, and these commits
    are taken back. `told` is False where the repository cannot tell.
    """

    old: Revision
    new: Revision
    commits: tuple[Commit, ...] = ()
    more: int = 0
    back: bool = False
    told: bool = True
