"""What the managers' audit logs tell of runs, whichever machine carried them out.

A line is written before each change (`Custodian.audit_line`). Whoever may write at a manager may
write into its log: it is shown, and nothing is decided by it.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

_LINE = re.compile(
    r"(?P<at>\S+) run=(?P<run>\S+) by=(?P<by>.*?) step=(?P<step>'[^']*') (?P<what>.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One change that was about to be made at `site`; `at` in seconds since 1970."""

    at: float
    site: str
    run: str
    by: str
    step: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """The lines of one run, the oldest first; never empty."""

    run: str
    lines: tuple[AuditLine, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that changed something, in their order."""
        return tuple(dict.fromkeys(line.step for line in self.lines))

    @property
    def sites(self) -> tuple[str, ...]:
        """Where it changed something, in that order."""
        return tuple(dict.fromkeys(line.site for line in self.lines))

    @property
    def who(self) -> str:
        """Who carried it out last."""
        return self.lines[-1].by


def read_line(site: str, text: str) -> AuditLine | None:
    """Read one line; None if it is none that dtdeploy writes."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found["at"]).timestamp()
        step = ast.literal_eval(found["step"])
    except (ValueError, SyntaxError, OverflowError):
        return None
    return AuditLine(
        at=at, site=site, run=found["run"], by=found["by"], step=str(step), what=found["what"]
    )


def audited_runs(logs: Mapping[str, Iterable[str]]) -> tuple[AuditedRun, ...]:
    """Return the runs that the logs, by site, tell of; the one that was heard of last first."""
    lines = [
        line for site, texts in logs.items() for text in texts if (line := read_line(site, text))
    ]
    by_run: dict[str, list[AuditLine]] = {}
    for line in sorted(lines, key=lambda line: line.at):
        by_run.setdefault(line.run, []).append(line)
    runs = [AuditedRun(run=run, lines=tuple(of_run)) for run, of_run in by_run.items()]
    return tuple(sorted(runs, key=lambda run: run.lines[-1].at, reverse=True))
