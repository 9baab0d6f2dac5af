"""The files of a release, read as those of a commit are: links were replaced when it was made."""

import posixpath
from collections.abc import Iterable

from orchestrator.sources.model import ReleaseFile
from orchestrator.sources.tree import Entry, Kind


class ReleasedFiles:
    """See `sources.tree.Files`."""

    def __init__(self, files: Iterable[ReleaseFile]) -> None:
        """Take the files, by their paths in the repository."""
        self._files = {file.path: file for file in files}
        self._folders = {""}
        for path in self._files:
            while path := posixpath.dirname(path):
                self._folders.add(path)

    def entry(self, path: str) -> Entry | None:
        """Return what stands at exactly this path; "" is the root."""
        if file := self._files.get(path):
            kind = Kind.EXECUTABLE if file.executable else Kind.FILE
            return Entry(path=path, kind=kind, size=len(file.content))
        return Entry(path=path, kind=Kind.FOLDER) if path in self._folders else None

    def children(self, folder: str) -> tuple[Entry, ...]:
        """Return what lies in a folder, in order of name; nothing where there is no folder."""
        paths = sorted(
            path
            for path in self._files.keys() | self._folders - {""}
            if posixpath.dirname(path) == folder
        )
        return tuple(entry for path in paths if (entry := self.entry(path)))

    def read(self, path: str) -> bytes:
        """Return a file's exact bytes."""
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path].content
