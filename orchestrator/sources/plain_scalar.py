"""What a scalar without quotes means: as go-yaml resolves it, the YAML library of docker's command.

The rules are those of gopkg.in/yaml.v3 (resolve.go), which docker/cli 28 uses. Other than in YAML
1.1 `yes` and `on` are text, other than in YAML 1.2 `010` is 8 and a date is a point in time.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGERS = (
    (re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,64}"), 16),
    (re.compile(r"[+-]?0[bB][01]{1,64}"), 2),
    (re.compile(r"[+-]?0[oO]?[0-7]{1,64}"), 8),
    (re.compile(r"[+-]?(?:0|[1-9][0-9]{0,63})"), 10),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LEAST_INTEGER, _MOST_INTEGER = -(1 << 63), (1 << 64) - 1
_TIME = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"
    r"(?:(?P<between>[Tt]| +)(?P<hour>\d\d?):(?P<minute>\d\d?):(?P<second>\d\d?)"
    r"(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A point in time; `text` is how Go writes it, which is what becomes of it in a setting."""

    text: str


Value = str | int | float | bool | Timestamp | None


def resolve(text: str) -> Value:
    """Return what `text` means without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] == ".":
        return _float(text)
    if text[:1] not in set("+-0123456789"):
        return text
    if moment := timestamp(text):
        return moment
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return integer
    number = _float(plain)
    return text if isinstance(number, str) else number


def _integer(plain: str) -> int | None:
    base = next((base for form, base in _INTEGERS if form.fullmatch(plain)), None)
    if base is None:
        return None
    number = int(plain, base)
    return number if _LEAST_INTEGER <= number <= _MOST_INTEGER else None


def _float(plain: str) -> float | str:
    if not _FLOAT.fullmatch(plain):
        return plain
    number = float(plain)
    return plain if math.isinf(number) else number


def timestamp(text: str) -> Timestamp | None:
    """Return the point in time that `text` is to go-yaml, None if it is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    zoned = found["between"] in {"T", "t"}
    if bool(found["zone"]) is not zoned:
        return None
    day = [int(found[name]) for name in ("year", "month", "day")]
    time = [int(found[name] or 0) for name in ("hour", "minute", "second")]
    zone = _zone(found["zone"])
    if zone is None:
        return None
    try:
        moment = datetime(*day, *time, tzinfo=zone)  # type: ignore[arg-type,misc] # 3 and 3
    except ValueError:
        return None
    fraction = (found["fraction"] or "")[:9].rstrip("0")
    offset = moment.strftime("%z")
    return Timestamp(
        f"{moment.year:04d}{moment:-%m-%d %H:%M:%S}{'.' if fraction else ''}{fraction} "
        f"{offset} {'UTC' if zone is UTC else offset}"
    )


def _zone(text: str | None) -> timezone | None:
    if text is None or text in {"Z", "+00:00", "-00:00"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    hours, minutes = int(text[1:3]), int(text[4:6])
    try:
        return timezone(sign * timedelta(hours=hours, minutes=minutes))
    except ValueError:
        return None
