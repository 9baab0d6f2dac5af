"""Write an sdist or a wheel again, so that its bytes depend on its files' names and bytes alone.

Nothing in it is compressed: zlib, zlib-ng and others make other bytes of the same input.
"""

import io
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator

_RUNS, _IS_READ = 0o755, 0o644
# The longest run of bytes that a deflate stream can hold as they are.
_STORED = 65535
# Magic, deflate, no flags, no time, no extra flags, and a system that nobody is told of.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_UNIX = 3


def sdist_again(data: bytes, *, seconds: int) -> bytes:
    """Return an sdist (.tar.gz) with its files in order, owned by nobody.

    Args:
        data: The sdist as a build backend made it.
        seconds: When all of its files were changed, since 1970.

    """
    with tarfile.open(fileobj=io.BytesIO(data)) as made:
        files = {each.name: (each, _content(made, each)) for each in made if each.isfile()}
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member, content = files[name]
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), seconds, _mode(member.mode)
            archive.addfile(entry, io.BytesIO(content))
    return _gzipped(written.getvalue())


def wheel_again(data: bytes, *, seconds: int) -> bytes:
    """Return a wheel with its files in the order they have, which ends with RECORD.

    Args:
        data: The wheel as a build backend made it.
        seconds: When all of its files were changed, since 1970.

    """
    # zipfile has no time zone: UTC is everybody's.
    when = time.gmtime(seconds)[:6]
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as made,
        zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive,
    ):
        for member in made.infolist():
            entry = zipfile.ZipInfo(member.filename, when)
            entry.create_system = _UNIX
            entry.external_attr = (0o100000 | _mode(member.external_attr >> 16)) << 16
            archive.writestr(entry, made.read(member))
    return written.getvalue()


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None, member.name  # noqa: S101 - only regular files are asked for
    return stream.read()


def _mode(mode: int) -> int:
    """Return who may do what: as git has it, whose owner's right to run is all that counts."""
    return _RUNS if mode & 0o100 else _IS_READ


def _gzipped(data: bytes) -> bytes:
    return b"".join((_GZIP_HEAD, *_blocks(data), struct.pack("<II", zlib.crc32(data), len(data))))


def _blocks(data: bytes) -> Iterator[bytes]:
    """Yield a deflate stream of stored blocks (RFC 1951, 3.2.4)."""
    for begin in range(0, len(data), _STORED):
        block = data[begin : begin + _STORED]
        is_last = begin + _STORED >= len(data)
        yield struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF) + block
