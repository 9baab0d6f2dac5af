import re
from decimal import Decimal

_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "\u00b5s": Decimal("1e-6"),
    "\u03bcs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
"""Go knows both the micro sign and the Greek letter."""

_TERM = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_LONGEST_SECONDS = Decimal((1 << 63) - 1) * _SECONDS["ns"]
_LONGEST = 1000
"""Characters. Python's numbers have their ends too, and nobody means that many digits."""
_DURATION = re.compile(rf"([-+]?)(?:0|((?:{_TERM})+))")


def seconds(text: str) -> float | None:
    """Read a duration (`1m30s`, `1.5s`, `500ms`) as seconds; None if the text is none.

    The syntax is that of Go's time.ParseDuration, which Docker uses: a number must have its
    unit, but for a plain 0; and it must be below 2^63 nanoseconds.
    """
    whole = _DURATION.fullmatch(text) if len(text) <= _LONGEST else None
    if whole is None:
        return None
    terms = re.findall(_TERM, text)
    total = sum((Decimal(number) * _SECONDS[unit] for number, unit in terms), Decimal(0))
    if total > _LONGEST_SECONDS:
        return None
    return float(-total if whole[1] == "-" else total)
