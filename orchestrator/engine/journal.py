"""What a run intended and saw, in the order it happened: memory for people and for a resume.

The Swarms hold the truth. The journal says what was about to be done when a run stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None
"""What JSON can hold. Read back, an object is a dict and an array a list."""


class EntryKind(Enum):
    """What an entry is about."""

    OPENED = "opened"
    """A process began to write: a run, or a resume of it."""
    INTENDED = "intended"
    """An effect is about to be sent. It may or may not have happened."""
    OBSERVED = "observed"
    """What became of an intended effect."""
    STEP = "step"
    """A step changed its state."""
    LOCK = "lock"
    """The lock was taken, lost, broken or released."""
    CLOSED = "closed"
    """The process ended by itself, and says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a journal. `at` is seconds since 1970 by the operator's wall clock.

    `step` is the id of the plan's step it belongs to, "" where it belongs to none. `body`
    is a JSON object; nothing secret may stand in it.
    """

    at: float
    kind: EntryKind
    step: str = ""
    body: Mapping[str, Json]


class Journal(Protocol):
    """Where entries go."""

    def write(self, entry: Entry) -> None:
        """Append an entry; it is durable when this returns.

        Raises:
            JournalError: it could not be written, or nobody can say whether it was.

        """
