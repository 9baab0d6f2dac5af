"""Questions that somebody outside answers before a disruptive run, as values."""

from dataclasses import dataclass

from orchestrator.fleet.desired import HttpProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGuard:
    """A program on the operator's machine: it ends with 0 if the run may go on.

    `command` is the program and its arguments; no shell reads them.
    """

    name: str
    command: tuple[str, ...]
    timeout_seconds: float = 10.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpGuard:
    """An HTTP request that is answered as expected if the run may go on.

    `Via.MANAGER` is the coordinator's manager.
    """

    name: str
    probe: HttpProbe
    reason: str = ""


Guard = CommandGuard | HttpGuard


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAnswer:
    """What a guard said. `words` is its own output, or why there is none.

    `asked`: False when it was left out, as in a rehearsal; then it neither agrees nor objects.
    """

    name: str
    agrees: bool
    words: str = ""
    reason: str = ""
    asked: bool = True
