"""Commits in the lab's bare repositories, made with git's plumbing and no working copy."""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab.daemons.git import repos
from lab.errors import LabError
from lab.packages import program
from lab.standins.repos import OWNER, repositories
from lab.topology import Shape

BRANCH = "refs/heads/main"
_PRISTINE = "dtdeploy-pristine"
"""A file in each repository: the commit that held the stand-ins, and what they were."""
_AUTHOR = {
    "GIT_AUTHOR_NAME": "Lab",
    "GIT_AUTHOR_EMAIL": "lab@example.org",
    "GIT_COMMITTER_NAME": "Lab",
    "GIT_COMMITTER_EMAIL": "lab@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def make_pristine(shape: Shape) -> None:
    """Make every repository hold exactly the stand-ins; a commit only where it does not."""
    for name, files in repositories(shape).items():
        folder = _folder(name)
        wanted = _fingerprint(files)
        if (tip := _tip(folder)) and _pristine(folder) == f"{tip} {wanted}":
            continue
        if not folder.is_dir():
            folder.mkdir(parents=True)
            _git(name, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
        surplus = dict.fromkeys(listing(name) - files.keys())
        sha = commit(name, {**files, **surplus}, "Set everything as it should be")
        (folder / _PRISTINE).write_text(f"{sha} {wanted}")


def _fingerprint(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _tip(folder: Path) -> str:
    """Read where main is without a git process: it is asked before each test."""
    try:
        return (folder / BRANCH).read_text().strip()
    except FileNotFoundError:
        return ""


def _pristine(folder: Path) -> str:
    try:
        return (folder / _PRISTINE).read_text()
    except FileNotFoundError:
        return ""


def commit(
    repo: str, changes: Mapping[str, str | None], message: str, *, rewrite: bool = False
) -> str:
    """Commit new contents (None deletes a file) on main and return the full SHA.

    With `rewrite` the branch's last commit is replaced, as after a force-push.
    """
    tip = head(repo)
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if tip:
            _git(repo, "read-tree", tip, env=index)
        _git(repo, "update-index", "--index-info", stdin=_index(repo, changes), env=index)
        tree = _git(repo, "write-tree", env=index)
    if tip and tree == _git(repo, "rev-parse", f"{tip}^{{tree}}"):
        if rewrite:
            # Within one second it would even be the same commit.
            raise LabError("the rewritten commit holds what was there: change something")
        return tip
    parents = _parents(repo, tip) if rewrite else [tip] if tip else []
    words = [word for parent in parents for word in ("-p", parent)]
    sha = _git(repo, "commit-tree", tree, *words, "-m", message)
    _git(repo, "update-ref", BRANCH, sha)
    return sha


def head(repo: str) -> str | None:
    """Give the SHA that main is at, if there is a commit."""
    found = _run(repo, "rev-parse", "--verify", "--quiet", BRANCH)
    return found.stdout.strip() or None


def read(repo: str, path: str) -> str:
    """Give a file as it is on main."""
    return _git(repo, "show", f"{BRANCH}:{path}", strip=False)


def _parents(repo: str, tip: str | None) -> list[str]:
    return _git(repo, "log", "-1", "--format=%P", tip).split() if tip else []


def listing(repo: str) -> set[str]:
    """List the files on main."""
    if head(repo) is None:
        return set()
    return set(_git(repo, "ls-tree", "-r", "--name-only", BRANCH).splitlines())


def _index(repo: str, changes: Mapping[str, str | None]) -> str:
    lines = []
    for path, content in changes.items():
        if content is None:
            lines.append(f"0 {'0' * 40}\t{path}\n")
        else:
            blob = _git(repo, "hash-object", "-w", "--stdin", stdin=content)
            lines.append(f"100644 {blob}\t{path}\n")
    return "".join(lines)


def _folder(repo: str) -> Path:
    return repos() / OWNER / f"{repo}.git"


def _git(
    repo: str,
    *words: str,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    strip: bool = True,
) -> str:
    done = _run(repo, *words, stdin=stdin, env=env)
    if done.returncode:
        raise LabError(f"git {' '.join(words)} in {repo} failed: {done.stderr.strip()}")
    return done.stdout.strip() if strip else done.stdout


def _run(
    repo: str, *words: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        [program("git"), f"--git-dir={_folder(repo)}", *words],
        input=stdin,
        capture_output=True,
        text=True,
        env=inherited | _AUTHOR | dict(env or {}),
        check=False,
    )
