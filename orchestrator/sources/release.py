import hashlib
from collections.abc import Iterable, Mapping

from orchestrator.fleet.unit import Revision, Unit
from orchestrator.sources.model import Release, ReleaseFile
from orchestrator.sources.tree import Entry, Files, Kind, Lost, locate, walk

MAX_BYTES = 20_000_000


def release_files(
    files: Files, folder: str, referred: Mapping[str, Entry]
) -> tuple[Mapping[str, Entry], int]:
    """Choose what a release consists of.

    Args:
        files: the commit.
        folder: the compose file's folder; all of it is shipped.
        referred: files from anywhere in the repository that the compose file names.

    Returns:
        Path in the release (the same as in the repository) and the file that stands there,
        and the size of all in bytes. A link inside the tree is replaced by the file it leads
        to; one that leads nowhere, to a folder or out of the repository is left out.

    """
    chosen = dict(referred)
    for entry in walk(files, folder):
        found = locate(files, entry.path) if entry.kind is Kind.LINK else entry
        if not isinstance(found, Lost):
            chosen[entry.path] = found
    return chosen, sum(entry.size for entry in chosen.values())


def build(
    unit: Unit, revision: Revision, compose: str, chosen: Mapping[str, Entry], files: Files
) -> Release:
    """Make the release of a unit; the same files always make the same release.

    Args:
        unit: the stack at the site.
        revision: the commit the files are of.
        compose: the compose file's path in the repository, and in the release.
        chosen: path in the release and the file that stands there.
        files: the commit.

    """
    released = tuple(
        ReleaseFile(
            path=path,
            content=files.read(entry.path),
            executable=entry.kind is Kind.EXECUTABLE,
        )
        for path, entry in sorted(chosen.items())
    )
    digest = digest_of(released)
    return Release(
        unit=unit,
        revision=revision,
        name=name_of(unit, revision, digest),
        digest=digest,
        compose=compose,
        files=released,
    )


def name_of(unit: Unit, revision: Revision, digest: str) -> str:
    """Return what the folder of a release is called on a manager."""
    return f"{unit.stack}-{revision.sha[:12]}-{digest[:12]}"


def digest_of(files: Iterable[ReleaseFile]) -> str:
    """Return the SHA-256 (hex) by which a release is known."""
    return hashlib.sha256(listing(files)).hexdigest()


def listing(files: Iterable[ReleaseFile]) -> bytes:
    r"""Return the canonical listing: `<sha256 of the content> <x or -> <path>\0`, by path."""
    return b"".join(_line(file) for file in sorted(files, key=lambda file: file.path))


def _line(file: ReleaseFile) -> bytes:
    content = hashlib.sha256(file.content).hexdigest()
    path = file.path.encode("utf-8", "surrogateescape")
    return b"%s %s %s\0" % (content.encode(), b"x" if file.executable else b"-", path)
