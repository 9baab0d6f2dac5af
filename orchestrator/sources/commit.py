import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from git import Blob, Repo, Tree
from git.exc import GitError
from git.objects import IndexObject

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.sources.address import shown
from orchestrator.sources.findings import RUNBOOK
from orchestrator.sources.release import MAX_BYTES
from orchestrator.sources.tree import Entry, Kind


@contextmanager
def commit_files(mirror: Path, revision: Revision) -> Iterator["CommitFiles"]:
    """Open the files of a commit in a mirror, for the thread that opens them.

    No network is used and nothing is checked out. Every read may raise SourceError, exit code
    14, if the mirror is damaged or lacks the commit.
    """
    with _translated(mirror):
        repo = Repo(mirror, expand_vars=False)
    with repo:
        repo.git.update_environment(GIT_DIR=str(mirror), GIT_ALLOW_PROTOCOL="none")
        with _translated(mirror):
            root = repo.commit(revision.sha).tree
        yield CommitFiles(mirror, root)


class CommitFiles:
    """The files of one commit, byte for byte; each is read once."""

    def __init__(self, mirror: Path, root: Tree) -> None:
        self._mirror = mirror
        self._root = root
        self._contents: dict[str, bytes] = {}

    def entry(self, path: str) -> Entry | None:
        """Return what stands at exactly this path, links not followed; "" is the root."""
        if not path:
            return Entry(path="", kind=Kind.FOLDER)
        found = self._object(path)
        return None if found is None else _entry(found)

    def children(self, folder: str) -> tuple[Entry, ...]:
        """Return what lies in a folder, in order of name; nothing where there is no folder."""
        found = self._object(folder) if folder else self._root
        if not isinstance(found, Tree):
            return ()
        with _translated(self._mirror):
            return tuple(sorted((_entry(child) for child in found), key=lambda e: e.path))

    def read(self, path: str) -> bytes:
        """Return a file's exact bytes, or a link's target as bytes."""
        if path not in self._contents:
            blob = self._object(path)
            if not isinstance(blob, Blob):
                raise FileNotFoundError(path)
            if blob.size > MAX_BYTES:
                raise SourceError(_too_large(self._mirror, path, blob.size))
            with _translated(self._mirror):
                self._contents[path] = blob.data_stream.read()
        return self._contents[path]

    def _object(self, path: str) -> IndexObject | None:
        try:
            with _translated(self._mirror):
                return self._root / path
        except KeyError:
            return None


def _entry(found: IndexObject) -> Entry:
    path = str(found.path)
    if isinstance(found, Tree):
        return Entry(path=path, kind=Kind.FOLDER)
    if not isinstance(found, Blob):
        return Entry(path=path, kind=Kind.SUBMODULE)
    if found.mode == Blob.link_mode:
        return Entry(path=path, kind=Kind.LINK)
    kind = Kind.EXECUTABLE if found.mode == Blob.executable_mode else Kind.FILE
    return Entry(path=path, kind=kind, size=found.size)


def _too_large(mirror: Path, path: str, size: int) -> Problem:
    return Problem(
        code="source.too-large",
        what=f"{path} has {size} bytes, {MAX_BYTES} is the limit",
        exit_code=ExitCode.SOURCE_FAILED,
        evidence=(f"in the mirror {mirror}",),
        fix="take it out of the repository, or name another file in the compose file",
        runbook=RUNBOOK,
    )


@contextmanager
def _translated(mirror: Path) -> Iterator[None]:
    """GitPython reports a damaged object as ValueError, a damaged mirror as GitError."""
    try:
        yield
    except (GitError, ValueError, OSError) as error:
        raise SourceError(
            Problem(
                code="source.mirror-unreadable",
                what=f"the mirror {mirror} cannot be read",
                exit_code=ExitCode.SOURCE_FAILED,
                evidence=(shown(f"{type(error).__name__}: {error}"),),
                fix=f"rm -r {shlex.quote(str(mirror))}",
                runbook=RUNBOOK,
            )
        ) from error
