"""The values of a resolved compose file as docker/cli reads them, secret variables filled in."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from orchestrator.sources.document import Scalar, Table, Tree, items
from orchestrator.sources.duration import seconds
from orchestrator.sources.plain_scalar import Timestamp, Value
from orchestrator.sources.quantities import nano_cpus, size_bytes

T = TypeVar("T")
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_TRUE = frozenset({"true", "yes", "y", "on"})


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
        text = as_text(tree.value)
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
        """Return a whole number; what stands behind the point is left out."""
        if isinstance(tree, Scalar) and isinstance(tree.value, float):
            return int(tree.value)
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
        """Return bytes."""
        return parsed(size_bytes, self.text(tree), 0)

    def nano_cpus(self, tree: Tree | None) -> int:
        """Return processors in billionths."""
        return parsed(nano_cpus, self.text(tree), 0)

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


def parsed(parse: Callable[[str], T], text: str, otherwise: T) -> T:
    """Return what a text means; what is wrong with it was told before, by shape."""
    try:
        return parse(text)
    except ValueError:
        return otherwise


def as_text(value: Value) -> str:
    """Return what Docker makes of a value where a text is wanted, "" of none."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return go_float(value)
        case Timestamp(text=text):
            return text
    return str(value)


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
