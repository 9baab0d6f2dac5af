"""Shows events from a thread of its own: who reads slowly, or not at all, holds up no run."""

import queue
import threading

from orchestrator.engine.events import Event
from orchestrator.ui.listening import Listening

_DRAIN_SECONDS = 5.0


class Relay:
    """Hands events on, in their order, to a listener that may block for as long as it likes.

    A terminal that was paused (Ctrl-S), a pager that nobody turns, a full pipe: each stops whoever
    writes to it. Events may come from several threads.
    """

    def __init__(self, listening: Listening, *, drain_seconds: float = _DRAIN_SECONDS) -> None:
        """Begin to show; `drain_seconds` is how long closing waits for what is not shown yet."""
        self._listening = listening
        self._drain_seconds = drain_seconds
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._error: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._show, daemon=True, name="relay")
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take in an event; never blocks."""
        self._events.put(event)

    def close(self) -> None:
        """Show what has come, as far as somebody reads it; may be called again.

        What the listener raised is raised here.
        """
        if self._closed:
            return
        self._closed = True
        self._events.put(None)
        self._thread.join(self._drain_seconds)
        if self._error is not None:
            raise self._error

    def _show(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                self._listening(event)
            self._listening.close()
        except Exception as error:  # noqa: BLE001 - raised again by close(), when the run is over
            self._error = error
