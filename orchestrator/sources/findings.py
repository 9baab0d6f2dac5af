from dataclasses import dataclass, field

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.unit import Unit

RUNBOOK = "git-source-failed"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both counted from 1, 0 where it is not known."""

    line: int = 0
    column: int = 0


NOWHERE = Position()


@dataclass(slots=True)
class Findings:
    """Gathers all that is wrong with one compose file, so that all of it is said at once.

    `file` is how the file is shown, `unit` the stack at the site it is read for, `declared`
    where the inventory declares that unit.
    """

    file: str
    unit: Unit
    declared: str = ""
    _noted: dict[Problem, None] = field(default_factory=dict)

    def add(
        self,
        code: str,
        what: str,
        at: Position = NOWHERE,
        *,
        fix: str = "",
        evidence: tuple[str, ...] = (),
        exit_code: ExitCode = ExitCode.SOURCE_FAILED,
    ) -> None:
        """Note one problem at a place of the file; the very same one is noted once."""
        problem = Problem(
            code=f"source.{code}",
            what=what,
            exit_code=exit_code,
            where=Where(
                site=self.unit.site,
                stack=self.unit.stack,
                file=self.file,
                line=at.line,
                column=at.column,
            ),
            evidence=evidence,
            fix=fix,
            runbook=RUNBOOK,
        )
        self._noted[problem] = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was noted, in that order."""
        return tuple(self._noted)
