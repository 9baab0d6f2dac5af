"""Numbers that options take: each has an end, so that whatever is waited for has one."""

import math
from typing import Any

import click

DAY_SECONDS = 86_400


class Number(click.FloatRange):
    """A number of a range, both of whose ends are given; `nan` is in none."""

    def __init__(self, least: float, most: float) -> None:
        """Take what is from `least` to `most`, themselves among it."""
        super().__init__(min=least, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click has it
        """Return the number; a usage error where it is none, or out of the range."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
