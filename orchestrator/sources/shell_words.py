r"""A command written as one string, split as docker/cli splits it (google/shlex).

It is no shell: `\` takes the next character as it is, within double quotes as well, and `#` begins
a comment only where a word could begin.
"""

import re

_PIECE = re.compile(
    r"""\\(.) | '([^']*)' | "((?:\\.|[^"\\])*)" | ([^ \t\r\n'"\\])""", re.DOTALL | re.VERBOSE
)
_TOKEN = re.compile(rf"[ \t\r\n]+ | \#[^\n]* | ((?:{_PIECE.pattern})+)", re.DOTALL | re.VERBOSE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def split(text: str) -> tuple[str, ...]:
    """Split a command into words.

    Raises:
        ValueError: a quote or an escape has no end, in Docker's words.

    """
    words = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        end = token.end() if token else at
        # What a word ends before is a blank, or a quote or an escape without its end.
        if token is None or (token[1] is not None and text[end : end + 1] in {"'", '"', "\\"}):
            quoted = text[end] != "\\" and not text.endswith("\\")
            what = "when expecting closing quote" if quoted else "after escape character"
            raise ValueError(f"EOF found {what}")
        if token[1] is not None:
            words.append("".join(_plain(piece) for piece in _PIECE.finditer(token[1])))
        at = end
    return tuple(words)


def _plain(piece: re.Match[str]) -> str:
    escaped, single, double, plain = piece.groups()
    if double is not None:
        return _ESCAPED.sub(r"\1", double)
    return next(part for part in (escaped, single, plain) if part is not None)
