"""Amounts in a compose file, by the rules of docker's command and, behind it, of the Swarm.

Each function here takes a value's text and returns what it means, or raises a ValueError that says
what is wrong with it, in the words of the one that would refuse it.
"""

import math
import re
from fractions import Fraction

from orchestrator.sources.duration import seconds
from orchestrator.sources.ports import LAST_PORT

_NUMBER_END = re.compile(r"[0-9. ](?=[^0-9. ]*$)")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RATIO = re.compile(r"[+-]?\d+/\d+", re.ASCII)
_SUFFIX = re.compile(r"b|([kmgtp])(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_BILLION = 10**9
_LEAST_NANO_CPUS = 1_000_000
_LEAST_MEMORY = 4 << 20
_LEAST_CHECK_SECONDS = 0.001
_MOST = (1 << 63) - 1


def size_bytes(text: str) -> int:
    """Return a size in bytes; `64M` counts in powers of 1024 (docker/go-units, RAMInBytes)."""
    end = _NUMBER_END.search(text)
    if end is None:
        raise ValueError(f"invalid size: {text!r}")
    number, suffix = text[: end.end()], text[end.end() :]
    number = number.removesuffix(" ") if end[0] == " " else number
    if not _DECIMAL.fullmatch(number) or number.startswith("-"):
        raise ValueError(f"invalid size: {text!r}")
    unit = _SUFFIX.fullmatch(suffix)
    if suffix and unit is None:
        raise ValueError(f"invalid suffix: {suffix.lower()!r}")
    power = _POWERS[(unit[1] or "").lower()] if unit else 0
    size: int = math.floor(Fraction(number) * (1 << 10 * power))
    if size > _MOST:
        raise ValueError(f"invalid size: {text!r} is more than a Swarm can count")
    return size


def memory_bytes(text: str) -> int:
    """Return a service's memory in bytes, at least 4 MiB (swarmkit manager/controlapi)."""
    size = size_bytes(text)
    if 0 < size < _LEAST_MEMORY:
        raise ValueError(f"invalid memory value {size}: Must be at least 4MiB")
    return size


def nano_cpus(text: str) -> int:
    """Return processors in billionths (docker/cli opts.ParseCPUs), at least 0.001 of one.

    "" is no limit.
    """
    if not text:
        return 0
    ratio = _RATIO.fullmatch(text)
    if not (ratio or _DECIMAL.fullmatch(text)) or (ratio and not int(text.partition("/")[2])):
        raise ValueError(f"failed to parse {text} as a rational number")
    amount = Fraction(text) * _BILLION
    if abs(amount) > _MOST:
        raise ValueError(f"{text} is more than a Swarm can count")
    if amount.denominator != 1:
        raise ValueError("value is too precise")
    if amount and amount < _LEAST_NANO_CPUS:
        raise ValueError(f"invalid cpu value {text}: Must be at least 0.001")
    return int(amount)


def unsigned(text: str) -> int:
    """Return a number that is not negative."""
    number = Fraction(text)
    if number < 0:
        raise ValueError(f"{text} overflows uint: it must be 0 or more")
    return int(number)


def not_negative(text: str) -> float:
    """Return a length of time in seconds."""
    length = seconds(text) or 0.0
    if length < 0:
        raise ValueError(f"{text!r} cannot be negative")
    return length


def check_time(text: str) -> float:
    """Return a time of a health check in seconds, at least 1 ms (swarmkit manager/controlapi)."""
    length = not_negative(text)
    if 0 < length < _LEAST_CHECK_SECONDS:
        raise ValueError(f"{text!r} cannot be less than 1ms")
    return length


def share(text: str) -> float:
    """Return a part of the whole, from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError("update-maxfailureratio cannot be less than 0 or bigger than 1")
    return number


def port_number(text: str) -> int:
    """Return a port, 0 for any (a short form's are read by `ports`)."""
    number = unsigned(text)
    if number > LAST_PORT:
        raise ValueError(f"{text} is no port: there are 1 to {LAST_PORT}")
    return number


def file_mode(text: str) -> int:
    """Return the permissions of a config's or a secret's file."""
    number = unsigned(text)
    if number > 0o7777:  # noqa: PLR2004 - of 12 bits
        raise ValueError(f"{text} is no file mode; write it in octal, as in 0444")
    return number


def oom_score(text: str) -> int:
    """Return what the kernel takes as oom_score_adj (proc(5)); a container else never starts."""
    number = int(Fraction(text))
    if not -1000 <= number <= 1000:  # noqa: PLR2004 - see proc(5)
        raise ValueError(f"{text} is no OOM score: there are -1000 to 1000")
    return number
