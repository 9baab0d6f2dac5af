"""How a revision stands to what runs and to the branch that the inventory names."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from git import Git

from orchestrator.errors import SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.inventory.model import Repo
from orchestrator.sources.pin import pin
from orchestrator.sources.repository import git_at, run

_NO = 1
"""What `git merge-base --is-ancestor` ends with when it is none; anything else is an error."""


class Descent(Enum):
    """What a new revision is to one that runs."""

    SAME = "the same"
    FORWARD = "newer"
    BACK = "older"
    SIDEWAYS = "on another line"
    UNKNOWN = "unknown"
    """The repository lacks one of them, or git cannot tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Of one repository: the revision that is to run, and what it is to each that does.

    `ref` is the inventory's. `usual`: the revision is on it, or nobody can tell.
    """

    revision: Revision
    ref: str
    usual: bool
    descents: tuple[tuple[str, Descent], ...] = ()


def lineage(repo: Repo, mirror: Path, revision: Revision, running: Iterable[str]) -> Lineage:
    """Compare `revision` with the full SHAs in `running` and with the inventory's ref.

    Reads the mirror only. What it does not know is UNKNOWN, and never an error: a plan may be
    made from a commit that came after the history of the old one was rewritten.
    """
    git = git_at(mirror, {})
    descents = {sha: _descent(git, sha, revision.sha) for sha in dict.fromkeys(running)}
    return Lineage(
        revision=revision,
        ref=repo.ref,
        usual=_usual(git, repo, mirror, revision),
        descents=tuple(descents.items()),
    )


def _descent(git: Git, old: str, new: str) -> Descent:
    if old == new:
        return Descent.SAME
    forward, back = _is_ancestor(git, old, new), _is_ancestor(git, new, old)
    if forward is None or back is None:
        return Descent.UNKNOWN
    if forward:
        return Descent.FORWARD
    return Descent.BACK if back else Descent.SIDEWAYS


def _usual(git: Git, repo: Repo, mirror: Path, revision: Revision) -> bool:
    try:
        tip = pin(repo, mirror, repo.ref)
    except SourceError:
        return True
    return _is_ancestor(git, revision.sha, tip.sha) is not False


def _is_ancestor(git: Git, old: str, new: str) -> bool | None:
    ran = run(git, "merge-base", "--is-ancestor", "--end-of-options", old, new)
    if ran.ok:
        return True
    return False if ran.status == _NO else None
