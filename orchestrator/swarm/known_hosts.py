"""known_hosts, read as OpenSSH reads it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; hostfile.c).

One thing is stricter: a line marked @revoked, or with a mark nobody knows, that cannot be read is
refused instead of passed over, for it may forbid the very key that a server shows.
"""

import base64
import binascii
import errno
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.pkey import UnknownKeyType

_REVOKED = "@revoked"
_AUTHORITY = "@cert-authority"
_BLANKS = re.compile(r"[ \t]+")
_FIELDS = 3
_HASHED = "|1|"
_SALT_BYTES = 20


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key some known_hosts line gives for a host."""

    key: paramiko.PKey
    file: Path
    revoked: bool = False


class UnreadableLineError(ValueError):
    """A line that may forbid a key cannot be read; `number` is 0 where none of the file can."""

    def __init__(self, file: Path, number: int, why: str) -> None:
        super().__init__(why)
        self.file = file
        self.number = number


def known_keys(names: Iterable[str], files: Iterable[Path]) -> tuple[KnownKey, ...]:
    """Return the keys that `files` hold for the first of `names` that they know.

    Files that are not there count as empty. Passed over are lines that are malformed and forbid
    nothing, those of certificate authorities, and key types nobody here can check.

    Raises:
        UnreadableLineError: a line, or a whole file, may forbid a key, and cannot be read.

    """
    lines = [line for file in files for line in _lines(file)]
    for name in names:
        found = tuple(key for line in lines if (key := line.key_for(name)) is not None)
        if found:
            return found
    return ()


@dataclass(frozen=True, slots=True)
class _Line:
    file: Path
    number: int
    revoked: bool
    names: str
    key_type: str
    key: str

    def key_for(self, name: str) -> KnownKey | None:
        try:
            if not _covers(self.names, name):
                return None
            key = _key(self.key_type, self.key)
        except ValueError as error:
            if self.revoked:
                raise UnreadableLineError(self.file, self.number, str(error)) from error
            return None
        return KnownKey(key, self.file, self.revoked) if key else None


def _lines(file: Path) -> Iterator[_Line]:
    for number, raw in enumerate(_text(file).split("\n"), start=1):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        mark, rest = _marked(line)
        if mark == _AUTHORITY:
            continue
        if mark not in {"", _REVOKED} or rest.startswith("@"):
            raise UnreadableLineError(file, number, f"the mark {mark} is not known here")
        fields = _BLANKS.split(rest)
        if len(fields) >= _FIELDS:
            names, key_type, key = fields[:_FIELDS]
            yield _Line(file, number, bool(mark), names, key_type, key)
        elif mark:
            raise UnreadableLineError(file, number, "it has no names, key type and key")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return ""
        raise UnreadableLineError(file, 0, f"it cannot be read ({error.strerror})") from error


def _marked(line: str) -> tuple[str, str]:
    """Return the mark of a line, "" for none, and what follows it."""
    if not line.startswith("@"):
        return "", line
    mark, *rest = _BLANKS.split(line, maxsplit=1)
    return mark, "".join(rest)


def _key(key_type: str, encoded: str) -> paramiko.PKey | None:
    """Return the key; None if it is of a type that nobody here can check (ValueError: none)."""
    try:
        data = base64.b64decode(encoded, validate=True)
        return paramiko.PKey.from_type_string(key_type, data)
    except UnknownKeyType:
        return None
    except (binascii.Error, paramiko.SSHException, ValueError, IndexError) as error:
        raise ValueError(f"its {key_type} key cannot be read") from error


def _covers(names: str, name: str) -> bool:
    """Tell whether the first field of a line is of `name`: one hash, or patterns."""
    if names.startswith(_HASHED):
        return _is_hash_of(names, name)
    patterns = names.split(",")
    hits = {pattern.startswith("!") for pattern in patterns if _matches(pattern, name)}
    return hits == {False}


def _matches(pattern: str, name: str) -> bool:
    """Tell it in time that grows with both: a regular expression of many stars would take hours."""
    signs, name = pattern.removeprefix("!").lower(), name.lower()
    reached = {0}
    for sign in signs:
        if sign == "*":
            reached = set(range(min(reached), len(name) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(name) and sign in ("?", name[at])}
    return len(name) in reached


def _is_hash_of(hashed: str, name: str) -> bool:
    """Tell whether |1|SALT|HASH is of `name`: HMAC-SHA1 of it, keyed with the salt (hostfile.c)."""
    try:
        salt, digest = (
            base64.b64decode(part, validate=True)
            for part in hashed.removeprefix(_HASHED).split("|")
        )
    except ValueError as error:
        raise ValueError("its hashed name cannot be read") from error
    if len(salt) != _SALT_BYTES:
        raise ValueError("its hashed name cannot be read")
    return hmac.compare_digest(hmac.digest(salt, name.lower().encode(), "sha1"), digest)
