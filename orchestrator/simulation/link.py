"""The way from the operator to one site's manager, and all that can be wrong with it."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum


class LinkState(Enum):
    """What happens to who tries to get through."""

    OK = "ok"
    CUT = "cut"
    """Packets vanish; only a deadline ends the wait."""
    REFUSED = "refused"
    """Connections are refused at once."""
    HANGING = "hanging"
    """Connections stand, requests may arrive, answers never do."""
    HOST_KEY = "host_key"
    LOGIN = "login"


READ_DEADLINE_SECONDS = 15.0
_AT_ONCE = frozenset({LinkState.REFUSED, LinkState.HOST_KEY, LinkState.LOGIN})


@dataclass(slots=True, kw_only=True)
class Link:
    """`slowness` stretches every way; `lose_*` count mutating effects to lose the answer of.

    `delays` are how many seconds longer the next mutating effects are on their way. `breaks`
    counts how often what was under way was torn.
    """

    site: str
    host: str
    state: LinkState = LinkState.OK
    slowness: float = 1.0
    lose_before: int = 0
    lose_after: int = 0
    delays: deque[float] = field(default_factory=deque)
    breaks: int = 0

    def turn(self, state: LinkState) -> None:
        """Change what the link is like; whatever is under way is torn unless it becomes OK."""
        self.breaks += state is not LinkState.OK
        self.state = state

    @property
    def turns_away(self) -> bool:
        """Whether a new connection fails at once, nothing sent."""
        return self.state in _AT_ONCE
