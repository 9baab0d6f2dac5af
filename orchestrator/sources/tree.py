"""The files of a repository at one commit, read without a checkout."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

MAX_LINKS = 40
"""As many symbolic links as Linux follows in one path."""


class Kind(Enum):
    """What stands at a path of a commit."""

    FILE = "file"
    EXECUTABLE = "executable file"
    LINK = "symbolic link"
    FOLDER = "folder"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing at a path, relative to the repository's root; `size` in bytes, files only."""

    path: str
    kind: Kind
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it has content of its own."""
        return self.kind in {Kind.FILE, Kind.EXECUTABLE}


class Files(Protocol):
    """A commit's files: the real ones, or a dictionary in a test."""

    def entry(self, path: str) -> Entry | None:
        """Return what stands at exactly this path, links not followed; "" is the root."""

    def children(self, folder: str) -> tuple[Entry, ...]:
        """Return what lies in a folder, in order of name; nothing where there is no folder."""

    def read(self, path: str) -> bytes:
        """Return a file's exact bytes, or a link's target as bytes."""


class Lost(Enum):
    """Why a path leads to no file of the commit."""

    MISSING = "is not in the repository at this commit"
    OUTSIDE = "leads out of the repository"
    LOOP = "is a symbolic link that leads to itself"
    SUBMODULE = "lies in a submodule, whose files are not part of the repository"
    FOLDER = "is a folder"


def locate(files: Files, path: str) -> Entry | Lost:
    """Follow a path from the repository's root to its file, through links inside the tree.

    Args:
        files: the commit.
        path: relative to the root; it may hold `..`.

    Returns:
        The file itself, or why there is none.

    """
    todo = _parts(path)
    here: list[str] = []
    links = 0
    while todo:
        step = todo.pop(0)
        if step == "..":
            if not here:
                return Lost.OUTSIDE
            here.pop()
            continue
        found = files.entry("/".join([*here, step]))
        if found is None:
            return Lost.MISSING
        if found.kind is Kind.SUBMODULE:
            return Lost.SUBMODULE
        if found.kind is Kind.LINK:
            links += 1
            target = files.read(found.path).decode("utf-8", "surrogateescape")
            if links > MAX_LINKS:
                return Lost.LOOP
            if target.startswith("/"):
                return Lost.OUTSIDE
            todo = _parts(target) + todo
        else:
            here.append(step)
    return _file(files, "/".join(here))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _file(files: Files, path: str) -> Entry | Lost:
    found = files.entry(path) if path else None
    if found is None or found.kind is Kind.FOLDER:
        return Lost.FOLDER
    return found


def walk(files: Files, folder: str) -> Iterator[Entry]:
    """Yield every file and link below a folder, submodules left out."""
    for child in files.children(folder):
        if child.kind is Kind.FOLDER:
            yield from walk(files, child.path)
        elif child.kind is not Kind.SUBMODULE:
            yield child


def joined(folder: str, path: str) -> str:
    """Return `path` as seen from `folder`, both of the repository; may begin with `..`."""
    return posixpath.normpath(posixpath.join(folder, path))
