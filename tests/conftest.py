"""Tests on the lab's real Swarms side by side: `pytest -n 3 -m lab`, as scripts/test does it."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

from lab import paths
from tests.losses import Losses

# Each is set up once for all of its tests, so they have to be told to one and the same process.
KEPT_TOGETHER = (
    "tests/contract/",
    "tests/lab/test_drift.py",
    "tests/lab/test_lab_faults.py",
    "tests/lab/test_lab_lifecycle.py",
    "tests/lab/test_swarm_performer.py",
)


_LOSSES = Losses()


def pytest_configure() -> None:
    """Give each of pytest's processes a lab of its own, inside the folder of the one."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ[paths.VARIABLE] = str(paths.folder() / worker)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """What is kept together goes first, the largest first; then test by test to who has time."""

    @staticmethod
    def scope(nodeid: str) -> str:
        """Give what all tests have in common that go to the same process."""
        return next((kept for kept in KEPT_TOGETHER if nodeid.startswith(kept)), nodeid)

    def _split_scope(self, nodeid: str) -> str:
        return self.scope(nodeid)


def pytest_xdist_make_scheduler(config: object, log: object) -> OneByOne:
    return OneByOne(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """See which fleets were lost. Of pytest's processes, the one that has all reports decides."""
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        _LOSSES.take_in(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let no fleet be lost in a run that passes."""
    if _LOSSES.lines and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name who lost a fleet."""
    if _LOSSES.lines:
        terminalreporter.section("fleets lost")
        for line in _LOSSES.lines:
            terminalreporter.write_line(line)
