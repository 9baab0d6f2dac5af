"""What an unquoted word in YAML means, and which ones mean different things to different readers.

YAML 1.1 readers (PyYAML, older editors) take `on` for true, `010` for 8 and `12:30` for 750;
YAML 1.2 readers do not. Such words are refused instead of guessed at.
"""

import re
from dataclasses import dataclass

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_YES_OR_NO = frozenset({"yes", "no", "on", "off", "y", "n"})
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_NUMBER_TO_SOME = re.compile(
    r"""[-+]?( [0-9][0-9_]*                # leading zeros, underscores, too many digits
      | 0o[0-7_]+ | 0x[0-9a-fA-F_]+ | 0b[01_]+
      | [0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?  # base 60
      | ([0-9][0-9_]*)?\.[0-9_]*([eE][-+]?[0-9]+)? | [0-9][0-9_]*[eE][-+]?[0-9]+
      | \.(inf|Inf|INF) ) | \.(nan|NaN|NAN)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A word that needs quotes or another spelling; `fix` says which.

    `name` is what to call it: a number is not repeated, for it may be part of a secret.
    """

    text: str
    name: str
    fix: str


Scalar = str | int | float | bool | None


def meaning(text: str) -> Scalar | Ambiguous:
    """Return the value of an unquoted word under YAML 1.2, unless readers disagree on it."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text.lower() in _YES_OR_NO:
        fix = f'write "{text}" in quotes for the text, true or false for a switch'
        return Ambiguous(text, f"`{text}`", fix)
    return _number(text)


def _number(text: str) -> str | int | float | Ambiguous:
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text not in {".", "-", "+", "-.", "+."} and _NUMBER_TO_SOME.fullmatch(text):
        fix = 'write "it" in quotes for the text, or digits without ornament for a number'
        return Ambiguous(text, "this number", fix)
    return text
