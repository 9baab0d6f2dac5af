"""The lab for tests: up once a session, whole before each test, the witness read after it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import control, faults
from lab.errors import LabError
from lab.packages import require
from lab.witness import judge, records

ROOT = Path(__file__).parent.parent.parent
LOCK = "dtdeploy.run"
"""The lock of a run is a config on the coordinator's Swarm: no harm to anybody's stack."""
_RUN_SECONDS = 280
DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
"""More of the same: `scripts/test --deep`."""
_LAB_SECONDS = 240


@dataclass(frozen=True)
class Done:
    """How a command ended, and how long it took in seconds."""

    code: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


class Operator:
    """Somebody at the operator's machine of the lab."""

    def __init__(self, inventory: Path = ROOT / "sites.yaml") -> None:
        self.inventory = inventory
        self.since = records.now()

    def words(self, *words: str) -> list[str]:
        return ["dtdeploy", "-i", str(self.inventory), *words]

    def types(self, *words: str) -> Done:
        began = time.monotonic()
        done = control.ops(self.words(*words), cwd=ROOT, timeout=_RUN_SECONDS)
        ended = Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
        assert "Traceback" not in ended.err, ended
        return ended

    def starts(self, *words: str) -> subprocess.Popen[str]:
        return control.start(self.words(*words), cwd=ROOT)

    def begin(self) -> None:
        """Forget what happened until now: the witness is asked from here on."""
        self.since = records.now()

    def touched(self) -> list[str]:
        """Everything that anybody changed at any daemon since `begin`."""
        seen = records.mutations(since=self.since, ignoring=(LOCK,))
        return [f"{event.host} {event.kind} {event.action} {event.name}" for event in seen]

    def violations(self) -> list[str]:
        """What the witness has against everything since `begin`."""
        return judge.violations(records.events(), records.logs(), since=self.since)


def _lab(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, timeout=_LAB_SECONDS
    )


@pytest.fixture(scope="session")
def lab_is_up() -> None:
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    try:
        require()
    except LabError as error:
        pytest.fail(str(error))
    _lab("up")


@pytest.fixture(scope="session")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the production inventory with its planned site active: five sites."""
    folder = tmp_path_factory.mktemp("everywhere")
    text = (ROOT / "sites.yaml").read_text().replace("state: planned", "state: active")
    (folder / "sites.yaml").write_text(text)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    return folder / "sites.yaml"


@pytest.fixture
def operator(lab_is_up: None) -> Iterator[Operator]:
    """Give an operator and a fleet in which nothing is broken and everything runs."""
    del lab_is_up
    faults.heal()
    faults.pristine()
    # The production inventory does not contact the planned site: nothing may run there.
    faults.stack_remove("hco", "datatrail-client")
    faults.stack_remove("gbo", "datatrail-extra")
    somebody = Operator()
    if somebody.types("status").code:
        mended = somebody.types("restart", "--all", "--yes")
        assert mended.code == 0, mended
    somebody.begin()
    yield somebody
    faults.heal()
    faults.pristine()
