"""The line that says what to type next, and what else could be typed."""

from collections.abc import Iterable

from rich.text import Text

from orchestrator.ui.consoles import whole
from orchestrator.words.foreign import clean


def next_line(commands: Iterable[str], *, mended: bool) -> Text:
    """Return the line that names `commands`, the way on first.

    `mended`: the first of them helps once the cause that stands above is mended.
    """
    parts = [part for one in commands for part in ("   |   ", (clean(one), "bold cyan"))]
    when = "   # once the cause above is mended" if mended else ""
    return whole("NEXT  ", *parts[1:], (when, "dim"))
