"""How an image behaves once it is started, and which images behave in which way."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What becomes of a container."""

    GOOD = "good"
    CRASH_LOOP = "crash_loop"
    """Starts, and ends by itself after `crash_after_seconds`, every time."""
    FINISHES = "finishes"
    """Works for `run_seconds`, and ends with 0."""
    NEVER_HEALTHY = "never_healthy"
    """Runs, but its health check never passes and it answers no probe."""
    IGNORES_SIGTERM = "ignores_sigterm"
    """Stops only when it is killed at the end of its grace period."""
    STUCK = "stuck"
    """Does not stop even when killed."""
    MISSING = "missing"
    """No node can pull the image, whatever the registry told preflight."""
    NO_NODE = "no_node"
    """No node fulfils its placement constraints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One way to behave; times in seconds of virtual time.

    `start_seconds` pass from the start of the process until it serves, `health_seconds` until
    its health check passes where it has one, `stop_seconds` from SIGTERM until it has ended
    (never longer than its grace period), `pull_seconds` while a node without the image pulls.
    `run_seconds` is how long a job works, or what finishes.
    """

    kind: Kind = Kind.GOOD
    start_seconds: float = 0.4
    health_seconds: float = 1.5
    stop_seconds: float = 0.3
    pull_seconds: float = 2.0
    crash_after_seconds: float = 1.0
    run_seconds: float = 2.0
    exit_code: int = 3


GOOD = Behaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Gives a behaviour to what it matches; an empty part matches anything.

    `service` is the short name of the compose file.
    """

    behaviour: Behaviour
    site: str = ""
    stack: str = ""
    service: str = ""
    image: str = ""

    def matches(self, key: tuple[str, str, str, str]) -> bool:
        """Tell whether (site, stack, service, image) is what this rule speaks of."""
        own = (self.site, self.stack, self.service, self.image)
        return all(want in {"", have} for want, have in zip(own, key, strict=True))


class Behaviours:
    """All rules; the last that matches wins, and without one everything is good."""

    __slots__ = ("_known", "_rules")

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._rules = list(rules)
        self._known: dict[tuple[str, str, str, str], Behaviour] = {}

    def add(self, rule: Rule) -> None:
        """Let `rule` decide from now on, over all earlier ones."""
        self._rules.append(rule)
        self._known.clear()

    def of(self, site: str, stack: str, service: str, image: str) -> Behaviour:
        """Return how a container of this service behaves if it is started now."""
        key = (site, stack, service, image)
        if key not in self._known:
            found = [rule.behaviour for rule in self._rules if rule.matches(key)]
            self._known[key] = found[-1] if found else GOOD
        return self._known[key]
