"""What was asked for, as it was typed: the part of a command that a plan is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from orchestrator.command_line import joined
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request


class OnFailure(Enum):
    """What a run does once a step has failed and something was touched."""

    STOP = "stop"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that changes something. `refs` overrule the inventory's, by repo."""

    command: Command
    request: Request
    refs: Mapping[str, str] = field(default_factory=dict)
    on_failure: OnFailure = OnFailure.STOP

    @property
    def words(self) -> str:
        """The command as it is typed, as the lock and the journal keep it; without a reason."""
        words = [self.command.value]
        words += [str(self.request)] if str(self.request) else []
        words += [joined(("--ref", f"{repo}={ref}")) for repo, ref in self.refs.items()]
        words += ["--on-failure restore"] if self.on_failure is OnFailure.RESTORE else []
        return " ".join(words)
