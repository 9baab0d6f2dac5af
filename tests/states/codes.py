"""Which error codes a run can end with, by docs/errors.md, and why some have no state of their own.

A code that is new in docs/errors.md needs a state in the catalogue, or a reason here.
"""

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
_ROW = re.compile(r"^\| `([a-z-]+)\.([a-z-]+)` \| ([\d, ]+?) \|", re.MULTILINE)
_NO_RUN = {"inventory", "scenario", "usage"}
"""Found in what was typed or written, at file:line:column, before anything is looked at."""

MAY_END_A_RUN = frozenset(
    f"{group}.{name}"
    for group, name, exits in _ROW.findall(_PAGE.read_text("utf-8"))
    if group not in _NO_RUN and exits.strip() != "0"
)
ELSEWHERE: dict[str, str] = {}
"""Codes without a state, and why."""
