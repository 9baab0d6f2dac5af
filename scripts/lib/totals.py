"""Print `N passed, N failed[, N skipped]` over pytest's JUnit files, given as arguments."""

import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class Totals:
    """How many tests ended in which way."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        """Both together."""
        return Totals(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        """One line; tests that were skipped are never passed over in silence."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def of_file(path: Path) -> Totals:
    """Return the totals of one run; an error in set-up or teardown is a failure."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own pytest has just written it
    return sum((_of_suite(suite) for suite in root.iter("testsuite")), Totals())


def _of_suite(suite: ET.Element) -> Totals:
    ran, failures, errors, skipped = (
        int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Totals(ran - failed - skipped, failed, skipped)


if __name__ == "__main__":
    print(sum((of_file(Path(name)) for name in sys.argv[1:]), Totals()))
