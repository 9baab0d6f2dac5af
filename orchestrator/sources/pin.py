import re
from collections.abc import Sequence
from pathlib import Path

from git import Git
from rapidfuzz import process

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.inventory.model import Repo
from orchestrator.sources.findings import RUNBOOK
from orchestrator.sources.repository import git_at, run

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PREFIXES = ("refs/heads/", "refs/tags/")


def pin(repo: Repo, mirror: Path, ref: str) -> Revision:
    """Turn a branch, a tag or a full SHA into the full SHA of its commit.

    An annotated tag counts as the commit it stands for. `refs/heads/x` and `refs/tags/x` say
    which is meant where a branch and a tag share a name.

    Raises:
        SourceError: exit code 14: nothing is called `ref` (the nearest names are in the fix),
            a branch and a tag are, it is no commit, or it could be read as an option.

    """
    git = git_at(mirror, {})
    if ref.startswith("-") or not ref.strip():
        raise _error(repo, "bad-ref", f"{ref!r} is no name of a branch or tag")
    if _SHA.fullmatch(ref):
        return _commit(git, repo, ref, ref)
    names = _names(git, repo)
    found = [name for name in _candidates(ref) if name in names]
    if len(found) > 1:
        raise _error(
            repo,
            "ambiguous-ref",
            f"{ref!r} is both a branch and a tag of {repo.name}",
            fix=f"say which: {' or '.join(found)}",
        )
    if not found:
        raise _error(
            repo,
            "unknown-ref",
            f"{repo.name} has no branch or tag {ref!r}",
            fix=_nearest(ref, names),
        )
    return _commit(git, repo, ref, found[0])


def _candidates(ref: str) -> tuple[str, ...]:
    if ref.startswith(_PREFIXES):
        return (ref,)
    return tuple(prefix + ref for prefix in _PREFIXES)


def _names(git: Git, repo: Repo) -> tuple[str, ...]:
    ran = run(git, "for-each-ref", "--format=%(refname)", *_PREFIXES)
    if not ran.ok:
        raise _error(
            repo, "mirror-unreadable", f"{repo.name}'s mirror cannot be read", evidence=ran.evidence
        )
    return tuple(ran.out.splitlines())


def _commit(git: Git, repo: Repo, ref: str, name: str) -> Revision:
    ran = run(git, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    if not ran.ok:
        raise _error(
            repo,
            "unknown-ref",
            f"{repo.name} has no commit {ref!r}",
            evidence=ran.evidence,
            fix=f"git ls-remote, or push the commit; `ref: {repo.ref}` is the inventory's choice",
        )
    return Revision(repo=repo.name, sha=ran.out.strip())


def _nearest(ref: str, names: Sequence[str]) -> str:
    short = {name.removeprefix("refs/heads/").removeprefix("refs/tags/") for name in names}
    near = [match for match, _, _ in process.extract(ref, sorted(short), limit=3, score_cutoff=50)]
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are: {', '.join(sorted(short)[:10])}" if short else "the repository is empty"


def _error(
    repo: Repo, code: str, what: str, *, fix: str = "", evidence: tuple[str, ...] = ()
) -> SourceError:
    advice = fix or f"correct `ref:` of {repo.name} in sites.yaml, or give another --ref"
    return SourceError(
        Problem(
            code=f"source.{code}",
            what=what,
            exit_code=ExitCode.SOURCE_FAILED,
            evidence=evidence,
            fix=advice,
            runbook=RUNBOOK,
        )
    )
