"""The line that says what to type next, and what else could be typed."""

from collections.abc import Iterable

from rich.text import Text

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.ui.consoles import whole
from orchestrator.words.foreign import clean


def next_line(commands: Iterable[str], *, mended: bool, manner: Manner = AS_IT_IS) -> Text:
    """Return the line that names `commands`, the way on first.

    `mended`: the first of them helps once the cause that stands above is mended; `manner` is how
    commands have to be typed here.
    """
    shown = ((manner.fit(clean(one)), "bold cyan") for one in commands)
    parts = [part for one in shown for part in ("   |   ", one)]
    when = "   # once the cause above is mended" if mended else ""
    return whole("NEXT  ", *parts[1:], (when, "dim"))
