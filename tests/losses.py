"""Fleets that were lost on the lab: counted over all of pytest's processes, and told at the end."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

LOST = "fleet lost"
"""The property of a test's report that holds the cause, the test that is to blame, and words."""
MOST_LOST = 3
"""After so many fleets lost to one cause the run ends: more would be lost to it as well."""


@dataclass
class Losses:
    """What reports told."""

    causes: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def take_in(self, report: pytest.TestReport) -> None:
        """Count what a test's last report tells; one cause too often ends the run."""
        if report.when != "teardown":
            return
        for name, value in report.user_properties:
            if name == LOST and isinstance(value, list | tuple):
                cause, culprit, words = map(str, value)
                self.causes[cause] += 1
                self.lines.append(f"{culprit}: {cause}; {words}")
                if self.causes[cause] == MOST_LOST:
                    reason = f"{MOST_LOST} fleets of the lab were lost to one cause: {cause}"
                    pytest.exit(reason, returncode=pytest.ExitCode.TESTS_FAILED)
