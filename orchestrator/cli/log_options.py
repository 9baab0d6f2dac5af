"""What is typed behind `dtdeploy logs`, as values: a time in the past, a pattern."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)?")


def read_since(text: str, now: datetime) -> float:
    """Return the moment that `text` names, in seconds since 1970.

    A span back from `now` (`90s`, `10m`, `1h30m`, `2d`), a time of the last 24 hours (`23:15`),
    or a date, with a time and a zone or without (`2026-11-22T23:15Z`). Without a zone it is the
    zone of `now`.

    Raises:
        ValueError: it is none of these.

    """
    if _SPAN.fullmatch(text):
        spans = (float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        return max(now.timestamp() - sum(spans), 0.0)
    if _CLOCK.fullmatch(text):
        at = datetime.fromisoformat(f"{now:%Y-%m-%d}T{text}").replace(tzinfo=now.tzinfo)
        return (at if at <= now else at - timedelta(days=1)).timestamp()
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=now.tzinfo)).timestamp()


def check_since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse what names no moment, before anything is asked."""
    if value is not None:
        try:
            read_since(value, datetime(2000, 1, 1, tzinfo=UTC))
        except (ValueError, OverflowError):
            examples = "10m, 1h30m, 2d, 23:15, 2026-11-22T23:15 or 2026-11-22T23:15Z"
            raise click.BadParameter(
                f"{value!r} is no time: write for example {examples}"
            ) from None
    return value


def read_pattern(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    """Return a regular expression; a bad one is refused, and where it is bad is said."""
    if value is None:
        return None
    try:
        return re.compile(value)
    except re.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise click.BadParameter(
            f"{value!r} is no regular expression: {error.msg}{place}"
        ) from None
