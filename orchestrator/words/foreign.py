"""Words that others wrote, made fit to show: Docker's, SSH's, git's, whatever an error quotes.

They must neither move the cursor nor paint the screen, and a password that a tool echoed must
not be repeated. Nothing else is taken from them: the cause of a failure is often their last word.
"""

import re
import unicodedata

from orchestrator.fleet.secrecy import hide_secrets

_CSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, ones that reorder or hide text, and halves of characters."""


def clean(text: str) -> str:
    """Return `text` as one line without control characters and secrets."""
    bare = _CSI.sub("", text)
    seen = "".join(_visible(character) for character in bare)
    return hide_secrets(seen).strip()


def clean_lines(text: str) -> tuple[str, ...]:
    """Return the lines of `text`, each cleaned, empty ones left out."""
    return tuple(line for raw in text.splitlines() if (line := clean(raw)))


def shorten(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, cut in its first half.

    Go and Docker wrap errors from the outside in, so the end is the part that must stay.
    """
    if len(text) <= limit:
        return text
    kept = max(limit - len(" ... "), 2)
    head = kept // 3
    return f"{text[:head]} ... {text[len(text) - (kept - head) :]}"


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if character.isspace() and kind != "Cf":
        return " "
    return "" if kind in _INVISIBLE else character
