"""Bringing a release to a manager: whole or not at all, checked there by hash."""

import hashlib
import io
import shlex
import tarfile

from orchestrator.errors import ExitCode, FleetError, Problem, Where
from orchestrator.procedures.effects import Result
from orchestrator.sources.model import Release, ReleaseFile
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError

RELEASES = ".dtdeploy/releases"
_KEPT = 5
_SECONDS = 120.0
_SCRIPT = """
# Only what coreutils and busybox share: sh, tar, sha256sum, mktemp, find, mv, sync, df, ls, tail.
set -eu
umask 077
name=$1 stack=$2 digest=$3 files=$4 too_many=$5 former=$6 secrets=$7
root=$HOME/.dtdeploy
final=$root/releases/$name
known=$root/stacks/$stack
mkdir -p "$root/releases" "$known"
find "$root" -maxdepth 1 -name 'incoming.*' -mmin +60 -exec rm -rf {} +
tmp=$(mktemp -d "$root/incoming.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir files
# tar says of a disk that fills up in mid-write only how little it wrote.
tar -x -o -f - || { rc=$?; df -Pk "$tmp" >&2; exit "$rc"; }
echo "$digest  manifest" | sha256sum -c >/dev/null
whole() {
    [ -d "$1" ] && [ "$(find "$1" -type f | wc -l)" -eq "$files" ] &&
        (cd "$1" && sha256sum -c "$tmp/manifest" >/dev/null 2>&1)
}
flush() { find "$1" -exec sync {} + 2>/dev/null || sync; }
if ! whole files; then echo 'what arrived is not what was sent' >&2; exit 65; fi
state=present
if ! whole "$final"; then
    state=shipped
    flush files
    if [ -e "$final" ]; then state=replaced; mv "$final" "$tmp/old"; fi
    mv files "$final"
    sync "$root/releases" 2>/dev/null || sync
    if ! whole "$final"; then echo 'the release changed while it arrived' >&2; exit 65; fi
fi
# What ran before is needed for the way back, however many came since.
if [ -n "$former" ] && [ -e "$root/releases/$former" ]; then touch "$known/$former"; fi
touch "$known/$name"
if [ -n "$secrets" ]; then echo secrets >"$known/$name"; fi
# Files of secrets lie where they are needed, and no longer: by what is deployed, and by what ran
# before. Where nobody knows what that was, nothing is taken away.
if [ -n "$former" ]; then
    for marked in "$known"/*; do
        old=${marked##*/}
        if [ -s "$marked" ] && [ "$old" != "$name" ] && [ "$old" != "$former" ]; then
            rm -rf "$root/releases/$old"
            rm -f "$marked"
        fi
    done
fi
ls -t "$known" | tail -n "+$too_many" | while read -r old; do
    if [ "$old" != "$name" ]; then rm -rf "$root/releases/$old"; rm -f "$known/$old"; fi
done
echo "$state"
"""
_BAD = "\\\n\0"
"""sha256sum escapes names with these, each in its own way (coreutils, busybox)."""


def ship(
    site: str,
    connection: SshConnection,
    release: Release,
    *,
    former: str = "",
    not_after: float | None = None,
) -> Told:
    """Bring `release` to ~/.dtdeploy/releases/NAME on the manager.

    One round trip, present or not: releases are small. The files go to a folder of their own,
    are checked there, flushed, and moved into place; one that is there already is checked by
    hash as well and replaced if it is not what it should be. The last five of the stack stay,
    `former` among them: the name of what ran before. Of those that hold files of secrets only
    these two stay, if `former` is known.

    Returns:
        OK with what was done; FAILED with the manager's own words (disk full, no rights);
        UNKNOWN when the answer was lost: doing it again is safe.

    Raises:
        LateError: `not_after` was past; nothing was sent.

    """
    if unfit := _unfit(release):
        return Told(Result.FAILED, unfit, _problem(site, release, unfit))
    tar, digest = archive(release)
    text = script(release, digest, former)
    try:
        result = connection.run_script(
            text, stdin=tar, deadline_seconds=_SECONDS, not_after=not_after
        )
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])
    if result.rc == 0:
        return Told(Result.OK, result.stdout.decode(errors="replace").strip())
    words = result.words or f"exit code {result.rc}"
    return Told(Result.FAILED, words, _problem(site, release, words))


def _unfit(release: Release) -> str:
    """Return why the release cannot be shipped, "" if it can."""
    for file in release.files:
        outside = file.path.startswith("/") or ".." in file.path.split("/")
        if outside or any(sign in file.path for sign in _BAD):
            return f"the path {file.path!r} cannot be shipped"
    return ""


def _problem(site: str, release: Release, words: str) -> Problem:
    return Problem(
        code="release.not-shipped",
        what=f"the release {release.name} could not be brought to the manager",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site, stack=release.unit.stack),
        evidence=(words,),
        fix="on the manager: df -h ~ ; ls -la ~/.dtdeploy",
        state_left="nothing was touched",
        runbook="run-stopped-half-way",
    )


def manifest(release: Release) -> bytes:
    """Return what `sha256sum -c` reads: a line a file, by path."""
    return b"".join(_line(file) for file in sorted(release.files, key=lambda file: file.path))


def _line(file: ReleaseFile) -> bytes:
    path = file.path.encode("utf-8", "surrogateescape")
    return hashlib.sha256(file.content).hexdigest().encode() + b"  ./" + path + b"\n"


def archive(release: Release) -> tuple[bytes, str]:
    """Return the tar file that is sent, and the SHA-256 (hex) of the manifest within.

    GNU format, which busybox reads too; the same release makes the same bytes.
    """
    listing = manifest(release)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, ReleaseFile(path="manifest", content=listing))
        for file in release.files:
            _add(
                tar,
                ReleaseFile(
                    path=f"files/{file.path}", content=file.content, executable=file.executable
                ),
            )
    return buffer.getvalue(), hashlib.sha256(listing).hexdigest()


def _add(tar: tarfile.TarFile, file: ReleaseFile) -> None:
    member = tarfile.TarInfo(file.path)
    member.size = len(file.content)
    member.mode = 0o755 if file.executable else 0o644
    tar.addfile(member, io.BytesIO(file.content))


def script(release: Release, digest: str, former: str = "") -> str:
    """Return the script that receives the archive on its stdin."""
    secrets = "secrets" if release.holds_secrets else ""
    count, too_many = str(len(release.files)), str(_KEPT + 1)
    words = [release.name, release.unit.stack, digest, count, too_many, former, secrets]
    return f"set -- {shlex.join(words)}{_SCRIPT}"
