"""`{word}` inside names and paths. No format strings: nothing but whole words is replaced."""

import re
from collections.abc import Mapping

SITE = "site"
COORDINATOR = "coordinator"
RESERVED = frozenset({SITE, COORDINATOR})
_PLACEHOLDER = re.compile(r"\{([a-z0-9][a-z0-9-]*)\}")


def names(text: str) -> tuple[str, ...]:
    """Return the placeholders in `text`, each once, in order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def well_formed(text: str) -> bool:
    """Whether every brace in `text` belongs to a placeholder."""
    return not re.search(r"[{}]", _PLACEHOLDER.sub("", text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace each placeholder by its one value (KeyError if there is none)."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def each(text: str, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return `text` once for every value of its one placeholder; just `text` without any."""
    used = names(text)
    if not used:
        return (text,)
    return tuple(fill(text, {used[0]: value}) for value in lists[used[0]])
