"""Tests on the lab's real Swarms side by side: `pytest -n 3 -m lab`, as scripts/test does it."""

import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

from lab import paths
from tests.losses import Losses

# A machine may be busy: how long an example takes says nothing of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("busy")

# Each is set up once for all of its tests, so they have to be told to one and the same process.
KEPT_TOGETHER = (
    "tests/contract/",
    "tests/lab/test_drift.py",
    "tests/lab/test_five_stacks.py",
    "tests/lab/test_lab_faults.py",
    "tests/lab/test_lab_lifecycle.py",
    "tests/lab/test_swarm_performer.py",
    "tests/lab/test_managers.py",
    "tests/lab/test_prepull.py",
    "tests/lab/test_swarm_rules.py",
)
LONGEST_FIRST = (
    "test_lost_nodes",
    "test_recovery",
    "test_compose_files",
    "test_restart",
    "test_real_client",
    "test_by_hand",
    "test_half_finished",
    "test_ingress",
    "test_ci",
    "test_deploy",
    "test_failures",
    "test_configs",
    "test_saved_plan",
    "test_logs",
)
"""Files in tests/lab by what a test of theirs takes: a long one that begins last is waited for by
two processes that have nothing left to do."""

_LOSSES = Losses()


def pytest_configure() -> None:
    """Give each of pytest's processes a lab of its own, inside the folder of the one."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ[paths.VARIABLE] = str(paths.folder() / worker)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """What is kept together goes first, then test by test to who has time, the longest first."""

    @staticmethod
    def scope(nodeid: str) -> str:
        """Give what all tests have in common that go to the same process."""
        return next((kept for kept in KEPT_TOGETHER if nodeid.startswith(kept)), nodeid)

    @staticmethod
    def rank(scope: str) -> int:
        """Give the place of what goes to one process in the order of all."""
        if scope in KEPT_TOGETHER:
            return -1
        file = scope.partition("::")[0].rpartition("/")[2].removesuffix(".py")
        return LONGEST_FIRST.index(file) if file in LONGEST_FIRST else len(LONGEST_FIRST)

    def _split_scope(self, nodeid: str) -> str:
        return self.scope(nodeid)

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=self.rank), last=False)
        super()._assign_work_unit(node)


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
