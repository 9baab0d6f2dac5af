"""JSON that others wrote: a daemon, a registry, a server behind a probe, whoever sets a label."""

import json

DEEPEST = 64
"""Ten times what anybody nests who writes for dtdeploy to read."""
_YEAR_10000 = 253_402_300_800


def read_json(text: bytes | str) -> object:
    """Return what `text` says.

    Raises:
        ValueError: it is no JSON (RFC 8259, so neither `NaN` nor `Infinity`), or nested more than
            DEEPEST levels deep. Nothing else is raised, whatever the text.

    """
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _deeper_than(value, DEEPEST):
        raise ValueError("nested too deeply")
    return value


def read_object(text: bytes | str) -> dict[str, object]:
    """Return what `text` says, which must be an object (ValueError)."""
    value = read_json(text)
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - one kind of error for all that is unfit
    return value


def within(value: object, *keys: str) -> object:
    """Return what stands at the end of `keys`, None where one of them does not lead on."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _deeper_than(value: object, levels: int) -> bool:
    """Look level by level: what may be nested without an end is not followed by recursion."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def read_moment(value: object) -> float:
    """Return a number of seconds since 1970 that a calendar knows, up to the year 9999.

    Raises:
        ValueError: it is none.

    """
    if not isinstance(value, (int, float)) or not 0 <= value < _YEAR_10000:
        raise ValueError("no moment")
    return float(value)
