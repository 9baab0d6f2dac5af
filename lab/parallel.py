"""Doing the same with many things side by side."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

_AT_ONCE = 12


def at_once(work: Callable[[In], Out], things: Iterable[In]) -> list[Out]:
    """Do the same with many things side by side, and fail with the first failure."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, things))
