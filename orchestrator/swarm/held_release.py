"""Reading a release back from a manager.

What lies there may be damaged, or planted: no path leads out of the release, nothing is larger than
a release may be, and its hash is for others to check.
"""

import io
import shlex
import tarfile
from collections.abc import Iterator

from orchestrator.errors import ExitCode, FleetError, Problem, Where
from orchestrator.procedures.effects import HeldRelease, ReadRelease
from orchestrator.sources.model import ReleaseFile
from orchestrator.sources.release import MAX_BYTES
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.release_shipping import RELEASES
from orchestrator.swarm.remote_command import Question

_MOST_BYTES = 2 * MAX_BYTES
"""Of the archive: each file has a header, and is filled up to whole blocks."""
_SECONDS = 60.0
_NOT_THERE = 66
_SCRIPT = """
# Only what coreutils and busybox share: sh, tar, head.
cd "$HOME/$1/$2" 2>/dev/null || exit "$4"
tar -c -f - . | head -c "$3"
"""


class _UnfitError(ValueError):
    """What lies there is no release."""


def read(connection: SshConnection, effect: ReadRelease) -> HeldRelease:
    """Read the files of a release as they lie on the manager, in one round trip.

    Returns:
        Its files by path, not checked; None for them where there is no such release, or nothing
        that could be one.

    Raises:
        FleetError: the manager cannot be asked, or what it holds cannot be read.

    """
    site, name = connection.site, effect.name
    given = shlex.join([RELEASES, name, str(_MOST_BYTES + 1), str(_NOT_THERE)])
    asked = Question("release", f"set -- {given}{_SCRIPT}")
    result = connection.read(asked, deadline_seconds=_SECONDS)
    if result.rc == _NOT_THERE:
        return HeldRelease(site=site, name=name, files=None)
    if result.rc != 0:
        raise FleetError(_unread(site, name, result.words or f"exit code {result.rc}"))
    try:
        return HeldRelease(site=site, name=name, files=unpacked(result.stdout))
    except _UnfitError as error:
        return HeldRelease(site=site, name=name, files=None, words=str(error))
    except (tarfile.TarError, ValueError, OSError) as error:
        words = f"it cannot be read ({type(error).__name__})"
        return HeldRelease(site=site, name=name, files=None, words=words)


def unpacked(archive: bytes) -> tuple[ReleaseFile, ...]:
    """Return the files of an archive, by path; nothing is written anywhere (ValueError)."""
    if len(archive) > _MOST_BYTES:
        raise _UnfitError(f"it is larger than {_MOST_BYTES} bytes")
    files: dict[str, ReleaseFile] = {}
    for file in _files(archive):
        if file.path in files:
            raise _UnfitError(f"{file.path!r} is there twice")
        files[file.path] = file
    return tuple(files[path] for path in sorted(files))


def _files(archive: bytes) -> Iterator[ReleaseFile]:
    # No compressed archive, whatever it begins with: what is small stays small.
    left = MAX_BYTES
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        for member in tar:
            if member.isdir():
                continue
            # What is full of holes says in a few bytes that it has many.
            left -= member.size
            if left < 0:
                raise _UnfitError(f"its files have more than {MAX_BYTES} bytes")
            content = tar.extractfile(member) if member.isfile() else None
            path = member.name.removeprefix("./")
            if content is None:
                raise _UnfitError(f"{path!r} is no file")
            if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
                raise _UnfitError(f"{path!r} leads out of it")
            yield ReleaseFile(
                path=path, content=content.read(), executable=bool(member.mode & 0o100)
            )


def _unread(site: str, name: str, words: str) -> Problem:
    return Problem(
        code="release.unread",
        what=f"the release {name} could not be read on the manager",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=(words,),
        fix=f"on the manager: ls -la ~/{RELEASES}/{shlex.quote(name)}",
        state_left="nothing was touched",
        runbook="run-stopped-half-way",
    )
