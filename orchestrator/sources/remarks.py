"""What is in a compose file by its letters, and is hardly meant."""

from collections.abc import Iterator

from orchestrator.sources.document import Scalar, Table, Tree, table
from orchestrator.sources.plain_scalar import Timestamp
from orchestrator.sources.reading import as_text

_SETTINGS = frozenset({"environment", "labels", "options", "driver_opts", "sysctls"})
"""Mappings whose values become text, whatever they are in YAML."""
_TRUTHS = frozenset({"y", "yes", "n", "no", "on", "off"})


def remarks(root: Table) -> tuple[str, ...]:
    """Name each setting whose text becomes another one, for it has no quotes.

    The values are not told: settings may hold secrets.
    """
    found = dict.fromkeys(_within(root.get("services"), "services"))
    return tuple(found)


def _within(tree: Tree | None, path: str) -> Iterator[str]:
    for pair in table(tree):
        place = f"{path}.{pair.key}"
        if pair.key in _SETTINGS and isinstance(pair.value, Table):
            yield from _settings(pair.value, place)
        else:
            yield from _within(pair.value, place)


def _settings(settings: Table, path: str) -> Iterator[str]:
    for pair in settings:
        if isinstance(pair.value, Scalar) and (what := _taken_for(pair.value)):
            at = pair.value.at
            place = f"line {at.line}: {path}.{pair.key}"
            yield f"{place} is {what} to Docker; put it in quotes if it is meant as it stands"


def _taken_for(scalar: Scalar) -> str:
    if scalar.interpolated or scalar.secret:
        return ""
    value = scalar.value
    if isinstance(value, str):
        plain = scalar.raw.lower() in _TRUTHS
        return "a text, neither true nor false" if plain else ""
    if value is None or as_text(value) == scalar.raw:
        return ""
    return "a date" if isinstance(value, Timestamp) else "a number, whose text becomes another"
