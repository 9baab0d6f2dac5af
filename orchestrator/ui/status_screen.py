"""The fleet on a terminal, redrawn in place while sites answer."""

from typing import Self

from rich.console import Console, Group
from rich.live import Live

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.ui.consoles import stack_up
from orchestrator.ui.status_view import Fleet, status_view


class StatusScreen:
    """Shows a fleet in place; taken away when closed, so that nothing of it stays behind.

    Drawn only when told to: no thread, and nothing flickers. What does not fit is cut below.
    """

    def __init__(self, console: Console, manner: Manner = AS_IT_IS) -> None:
        self._manner = manner
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        """Take the screen's lines."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        self._live.stop()

    def __call__(self, fleet: Fleet, footer: str = "") -> None:
        """Show `fleet`, and a line below it."""
        view = stack_up([status_view(fleet, self._manner), *([footer] if footer else [])])
        self._live.update(Group(view), refresh=True)
