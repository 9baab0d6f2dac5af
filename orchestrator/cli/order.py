from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.command_line import joined
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.notice import NO_NOTICE, Notice
from orchestrator.planning.plan import Command, Override
from orchestrator.planning.selection import Request
from orchestrator.words.phrases import OWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command that changes something, as it was typed.

    `lock_wait` is for how many seconds it may wait for the lock. `owed`: it brings back what
    is owed, whatever that is by then. `notice` is how its downtime is announced, if it has any.
    """

    command: Command
    request: Request
    refs: Mapping[str, str] = field(default_factory=dict)
    on_failure: OnFailure = OnFailure.STOP
    lock_wait: float = 0.0
    override: Override = field(default_factory=Override)
    notice: Notice = NO_NOTICE
    owed: bool = False
    yes: bool = False
    dry_run: bool = False

    @property
    def words(self) -> str:
        """The command in words, as the lock and the journal keep it."""
        typed = self.asked.words
        typed = typed.replace(self.command.value, OWED, 1) if self.owed else typed
        words = [typed, *(["--override-freeze"] if self.override.freeze else [])]
        guards = (joined(("--override-guard", name)) for name in self.override.guards)
        return " ".join([*words, *guards])

    @property
    def typed(self) -> str:
        """The command as it is typed, with the reasons that its words do not keep."""
        because, notice = self.request.because or self.override.because, self.notice
        words = ["--because", because] if because else []
        words += ["--announced", notice.announced] if notice.announced else []
        words += ["--announce-in", f"{notice.minutes:g}"] if notice.minutes else []
        return " ".join(filter(None, ("dtdeploy", self.words, joined(words))))

    @property
    def asked(self) -> Asked:
        """What a plan is made from."""
        return Asked(
            command=self.command,
            request=self.request,
            refs=self.refs,
            on_failure=self.on_failure,
        )
