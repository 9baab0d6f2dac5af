"""Give one life of a run what it acts with: journal, signals, someone who shows it."""

from collections.abc import Callable

from orchestrator.cli.interrupt import Interrupt, stop_on_signals
from orchestrator.cli.talk import Talk
from orchestrator.cli.wiring import World
from orchestrator.engine.means import Means
from orchestrator.engine.report import RunEnd
from orchestrator.planning.plan import Plan
from orchestrator.ui.listening import Listening


def conduct(world: World, run: str, live: Callable[[Means], RunEnd]) -> RunEnd:
    """Let `live` carry out its part of `run`, and say how it ended.

    Raises:
        JournalError: its journal cannot be opened or written; nothing was touched.

    """
    interrupt = Interrupt()
    shown = _Shown(world.talk)
    try:
        with world.journals.open(run) as journal, stop_on_signals(interrupt, world.wake):
            end = live(
                Means(
                    backend=world.backend,
                    journal=journal,
                    holder=world.holder,
                    wall=world.wall,
                    listen=shown.begin,
                    stop_asked=interrupt.asked,
                )
            )
    finally:
        shown.close()
    world.talk.run_ended(end)
    return end


class _Shown:
    """One listener at a time: where a run turns back, another plan is shown."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._now: Listening | None = None

    def begin(self, plan: Plan) -> Listening:
        """Show the carrying out of `plan` from now on."""
        self.close()
        self._now = self._talk.listener(plan)
        return self._now

    def close(self) -> None:
        """Give the terminal back."""
        if self._now is not None:
            self._now.close()
