"""Operators' text inside messages: short, on one line, harmless to a terminal."""

import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz, process

_LONGEST = 60
_ALIKE = 60.0
_MOST = 20


def quoted(value: str) -> str:
    """Return `value` between backquotes, shortened, with nothing a terminal would act on."""
    short = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    return f"`{''.join(c if c.isprintable() else _escaped(c) for c in short)}`"


def odd_characters(value: str) -> str:
    """Describe the first character that looks like ASCII but is not; "" if there is none."""
    odd = next((c for c in value if not c.isascii() or not c.isprintable()), "")
    if not odd:
        return ""
    name = unicodedata.name(odd, "a control character")
    return f"character {value.index(odd) + 1} is U+{ord(odd):04X} {name}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like `word`, or "" if none is like it."""
    match = process.extractOne(
        word, sorted(known), scorer=fuzz.ratio, processor=str.lower, score_cutoff=_ALIKE
    )
    return match[0] if match else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a fix: the nearest known word, and which words there are ("" if there are none)."""
    words = sorted(known)
    if not words:
        return ""
    close = nearest(word, words)
    listed = ", ".join(words[:_MOST]) + (", …" if len(words) > _MOST else "")
    known_words = f"known here: {listed}"
    return f"did you mean {quoted(close)}? ({known_words})" if close else known_words


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
