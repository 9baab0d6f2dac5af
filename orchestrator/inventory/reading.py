"""Bytes -> Document. Every defect of the YAML itself becomes a problem with its position."""

import re

from orchestrator.errors import Problem, Where
from orchestrator.inventory.document import Document, complaint
from orchestrator.inventory.tree import build

LARGEST_BYTES = 1_048_576
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# Everything but what YAML 1.2 allows (section 5.1).
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_NOT_PRINTABLE = re.compile(
    "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def read(content: bytes, file: str) -> Document:
    """Return what `content` holds; `file` is the name to use in messages.

    `content` may be one byte longer than LARGEST_BYTES at most: that is refused.
    """
    text = _decoded(content, file)
    if isinstance(text, Problem):
        return Document(file=file, usable=False, problems=(text,))
    return build(text, file)


def _decoded(content: bytes, file: str) -> str | Problem:
    if len(content) > LARGEST_BYTES:
        what = f"the file is larger than {LARGEST_BYTES // 1024} KiB"
        fix = "an inventory is small: check that this is the right file"
        return complaint("too-large", what, Where(file=file, line=1, column=1), fix=fix)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if encoding:
        fix = f"save it as UTF-8: iconv -f {encoding} -t UTF-8 {file}"
        where = Where(file=file, line=1, column=1)
        return complaint("not-utf8", f"the file is {encoding}, not UTF-8", where, fix=fix)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _undecodable(content, error, file)
    return _acceptable(text, file)


def _undecodable(content: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    before = content[: error.start].decode("utf-8-sig", errors="replace")
    what = f"byte 0x{content[error.start]:02x} is not UTF-8"
    fix = "save the file as UTF-8, or retype the character"
    return complaint("not-utf8", what, _end_of(before, file), fix=fix)


def _acceptable(text: str, file: str) -> str | Problem:
    directive = _DIRECTIVE.search(text)
    if directive:
        where = _end_of(text[: directive.start()], file)
        return complaint(
            "directive", "`%` directives are not allowed", where, fix="delete the line"
        )
    found = _NOT_PRINTABLE.search(text)
    if not found:
        return text
    what = f"control character U+{ord(found[0]):04X} is not allowed"
    where = _end_of(text[: found.start()], file)
    return complaint("control-character", what, where, fix="delete the character")


def _end_of(before: str, file: str) -> Where:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Where(file=file, line=len(lines), column=len(lines[-1]) + 1)
