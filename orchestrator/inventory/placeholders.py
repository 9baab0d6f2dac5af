"""`{word}` inside names and paths. No format strings: nothing but whole words is replaced."""

import re
from collections.abc import Iterator, Mapping
from itertools import product

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


def each(text: str, lists: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield `text` once for every value of its placeholders (every combination of several)."""
    used = names(text)
    for values in product(*(lists[name] for name in used)):
        yield fill(text, dict(zip(used, values, strict=True)))
