"""What can go wrong, as values and as one small tree of exceptions.

    DtdeployError
    ├── UsageError              64  the command line makes no sense
    ├── InventoryError           3  sites.yaml or stacks/*.yaml is invalid
    ├── SourceError             14  a repository or what it holds cannot be used
    ├── FleetError           11-13  a site cannot be reached, trusted or logged into
    ├── JournalError            20  the journal of a run cannot be written, read or believed
    └── RefusedError            20  a safety rule says no

A `Problem` is one finding with everything a tired reader needs. Exceptions carry problems;
many may be gathered before one is raised, and the command line renders them once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """Exit codes of every command; frozen, scripts rely on them."""

    DONE = 0
    BUG = 1
    CHANGES = 2
    INVENTORY_INVALID = 3
    PLAN_STALE = 4
    LOCK_HELD = 10
    SITE_UNREACHABLE = 11
    HOST_KEY_REFUSED = 12
    LOGIN_REFUSED = 13
    SOURCE_FAILED = 14
    SAFETY_REFUSED = 20
    UNHEALTHY = 21
    RESTORED = 22
    REMOVAL_UNFINISHED = 23
    ANNOUNCEMENT_FAILED = 24
    INTERRUPTED = 30
    OUTCOME_UNKNOWN = 31
    USAGE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place a problem is about; empty parts are left out when shown."""

    site: str = ""
    stack: str = ""
    service: str = ""
    task: str = ""
    node: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as `file:line:column` or `stack@site/service/task on node`."""
        if self.file:
            position = f":{self.line}:{self.column}" if self.line else ""
            return f"{self.file}{position}"
        place = f"{self.stack}@{self.site}" if self.stack and self.site else self.stack or self.site
        for part in (self.service, self.task):
            place = f"{place}/{part}" if place and part else place or part
        return f"{place} on {self.node}" if self.node else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How the command that was refused would pass although the cause is not mended.

    `adds` are options that it lacks, `drops` those that stand in its way, each with its value.
    `never`: as it was, it does not pass whatever anybody mends. `first` is a command after which
    it passes.
    """

    first: str = ""
    adds: tuple[tuple[str, ...], ...] = ()
    drops: tuple[tuple[str, ...], ...] = ()
    never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding: stable code, what, where, the evidence in its own words, and what to do.

    `code` is stable and dotted (`site.unreachable`); `evidence` quotes Docker, SSH or git
    verbatim; `fix` is the next thing to do, a command where there is one; `runbook` names a
    page in runbooks/ without its ending. `last_words` is what the failing tasks wrote last, `retry`
    how the same command would pass all the same.
    """

    code: str
    what: str
    exit_code: ExitCode
    where: Where = Where()
    evidence: tuple[str, ...] = ()
    fix: str = ""
    state_left: str = ""
    runbook: str = ""
    last_words: tuple[str, ...] = ()
    retry: Retry = Retry()

    def at(self, where: Where) -> "Problem":
        """Return the same problem at another place."""
        return replace(self, where=where)


class DtdeployError(Exception):
    """Base of every expected failure: carries the problems and the exit code they ask for."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(f"{p.where}: {p.what}".lstrip(": ") for p in self.problems))

    @property
    def exit_code(self) -> ExitCode:
        """The code of the first problem in order of precedence, see `worst`."""
        return worst(self.problems)

    @classmethod
    def of(
        cls, code: str, what: str, exit_code: ExitCode, *, where: Where = Where(), fix: str = ""
    ) -> Self:
        """Build the error of a single problem.

        Returns:
            The error, ready to raise.

        """
        return cls(Problem(code=code, what=what, exit_code=exit_code, where=where, fix=fix))


class UsageError(DtdeployError):
    """The command line makes no sense, or asks for what the inventory does not know."""


class InventoryError(DtdeployError):
    """sites.yaml or a file of stacks/ is invalid; nothing was contacted."""


class SourceError(DtdeployError):
    """A repository cannot be read, or what it holds cannot be deployed as it stands."""


class FleetError(DtdeployError):
    """A site cannot be reached, is not who it should be, or refuses the login."""


class JournalError(DtdeployError):
    """The journal of a run cannot be written, read or believed."""


class RefusedError(DtdeployError):
    """A safety rule forbids what was asked."""


# The most fundamental cause wins when problems of several kinds come together: a host that
# is not who it claims to be outweighs one that does not answer. Without its lock a run is somebody
# else's to finish, and so is finding out about an answer that it lost meanwhile.
_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.LOCK_HELD,
    ExitCode.OUTCOME_UNKNOWN,
    ExitCode.USAGE,
    ExitCode.INVENTORY_INVALID,
    ExitCode.HOST_KEY_REFUSED,
    ExitCode.PLAN_STALE,
    ExitCode.SITE_UNREACHABLE,
    ExitCode.LOGIN_REFUSED,
    ExitCode.SOURCE_FAILED,
    ExitCode.SAFETY_REFUSED,
    ExitCode.ANNOUNCEMENT_FAILED,
    ExitCode.REMOVAL_UNFINISHED,
    ExitCode.RESTORED,
    ExitCode.UNHEALTHY,
    ExitCode.INTERRUPTED,
    ExitCode.CHANGES,
    ExitCode.DONE,
)


def worst(problems: Iterable[Problem]) -> ExitCode:
    """Return the exit code that best names the cause among `problems` (DONE if none)."""
    codes = {problem.exit_code for problem in problems}
    return next((code for code in _PRECEDENCE if code in codes), ExitCode.DONE)
