"""The values of a resolved compose file as docker/cli reads them, secret variables filled in."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from orchestrator.sources.document import Scalar, Table, Tree, items
from orchestrator.sources.duration import seconds

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kKmMgGtTpP])?[iI]?[bB]?")
_WHOLE = re.compile(r"[+-]?\d+")
_TRUE = frozenset({"true", "yes", "y", "on"})
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values; `secrets` are the values of secret variables by name.

    What is wrong was told before, by shape and by `service`; here it reads as if left out.
    """

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def maybe(self, tree: Tree | None) -> str | None:
        """Return a value as text, None where there is none."""
        if not isinstance(tree, Scalar) or tree.value is None:
            return None
        if isinstance(tree.value, bool):
            return str(tree.value).lower()
        if isinstance(tree.value, float):
            return go_float(tree.value)
        text = str(tree.value)
        for name in tree.secret:
            text = text.replace(f"<{name}>", self.secrets.get(name, f"<{name}>"))
        return text

    def text(self, tree: Tree | None) -> str:
        """Return a value as text, "" where there is none."""
        return self.maybe(tree) or ""

    def flag(self, tree: Tree | None) -> bool:
        """Return whether a value says true."""
        return self.text(tree).lower() in _TRUE

    def whole(self, tree: Tree | None, default: int = 0) -> int:
        """Return a whole number."""
        text = self.text(tree)
        return int(text) if _WHOLE.fullmatch(text) else default

    def ratio(self, tree: Tree | None) -> float:
        """Return a number."""
        try:
            return float(self.text(tree) or 0)
        except ValueError:
            return 0.0

    def nanoseconds(self, tree: Tree | None, default: int = 0) -> int:
        """Return a duration in nanoseconds."""
        length = seconds(self.text(tree))
        return default if length is None else round(length * 1e9)

    def size(self, tree: Tree | None) -> int:
        """Return bytes; `64M` counts in powers of 1024 (docker/go-units, RAMInBytes)."""
        found = _SIZE.fullmatch(self.text(tree))
        if found is None:
            return 0
        unit = Fraction(1024) ** _POWERS[(found[2] or "").lower()]
        return math.floor(Fraction(found[1]) * unit)

    def nano_cpus(self, tree: Tree | None) -> int:
        """Return processors in billionths (docker/cli opts.ParseCPUs)."""
        try:
            return math.floor(Fraction(self.text(tree) or "0") * 10**9)
        except (ValueError, ZeroDivisionError):
            return 0

    def texts(self, tree: Tree | None) -> tuple[str, ...]:
        """Return a list of texts, or the one that stands in its place."""
        found = (self.maybe(item) for item in items(tree))
        return tuple(text for text in found if text is not None)

    def settings(self, tree: Tree | None) -> dict[str, str | None]:
        """Return a mapping, or a list of `name=value`; None where a value is left out."""
        if isinstance(tree, Table):
            return {pair.key: self.maybe(pair.value) for pair in tree}
        parts = (text.partition("=") for text in self.texts(tree))
        return {name: value if equals else None for name, equals, value in parts}

    def pairs(self, tree: Tree | None) -> tuple[tuple[str, str], ...]:
        """Return the same sorted, "" for a value that is left out."""
        return tuple(sorted((name, value or "") for name, value in self.settings(tree).items()))


def go_float(value: float) -> str:
    """Write a number as Go does: the shortest, with an exponent from 1e6 on and below 1e-4.

    Measured with `docker stack config` (docker/cli 28).
    """
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    number = Decimal(repr(value)).normalize()
    sign, digits, _ = number.as_tuple()
    power = number.adjusted() if value else 0
    if -4 <= power < 6:  # noqa: PLR2004 - see above
        return f"{number:f}"
    rest = "".join(map(str, digits[1:]))
    mantissa = f"{digits[0]}.{rest}" if rest else str(digits[0])
    return f"{'-' if sign else ''}{mantissa}e{power:+03d}"
