"""The lab for tests: up once a session, whole before each test, the witness read after it."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from ruamel.yaml import YAML

from lab import control
from lab.errors import LabError
from lab.packages import require
from lab.processes import wait_until
from lab.standins.stacks import FEW
from lab.topology import OPERATOR, OTHER_OPERATOR, Host
from lab.witness import judge, records
from tests.lab import fleet
from tests.lab.fleet import OWN_CONFIGS, ROOT

PRODUCTION = ROOT / "sites.yaml"
_RUN_SECONDS = 240
"""Some times longer than anything takes on a busy machine."""
_LIFE_SECONDS = 600
"""For a test with what comes before and after it: the fleet may have to be made anew."""
PULL = "dtdeploy-pull-"
"""How the services are called through which nodes pull; they never start anything."""
DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
"""More of the same: `scripts/test --deep`."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and how long it took in seconds."""

    code: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


class Running:
    """A dtdeploy that runs beside the test. `pid` is its own, no shell or wrapper is between."""

    alive: ClassVar[list["Running"]] = []

    def __init__(self, words: Sequence[str], machine: Host) -> None:
        # No pipes: nobody has to read for it to go on, and a kill loses nothing.
        self._out, self._err = os.memfd_create("out"), os.memfd_create("err")
        self._began = time.monotonic()
        # Whoever started the tests in the background has made all below deaf to some signals.
        hearing = ["env", "--default-signal", *words]
        self._process = control.start(
            hearing,
            cwd=ROOT,
            env={"PYTHONFAULTHANDLER": "1"},
            stdout=self._out,
            stderr=self._err,
            machine=machine,
        )
        self.pid = self._process.pid
        self.alive.append(self)

    def send(self, what: signal.Signals) -> None:
        """Send SIGINT, SIGTERM, SIGHUP, SIGSTOP, SIGCONT ..., unless it has ended."""
        self._process.send_signal(what)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def out(self) -> str:
        """Give what it has written on stdout until now."""
        return _written(self._out)

    def err(self) -> str:
        """Give what it has written on stderr until now."""
        return _written(self._err)

    def until_it_says(self, words: str, *, seconds: float = 60) -> None:
        """Wait until the words are on its stderr."""
        wait_until(
            lambda: words in self.err() or self.has_ended(), seconds=seconds, what=repr(words)
        )
        assert words in self.err(), self.err()

    def ends(self, *, seconds: float = _RUN_SECONDS) -> Done:
        """Wait for its end, once; the code of one that a signal ended is the signal, negative."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            # It says where each of its threads is, and ends.
            self.send(signal.SIGABRT)
            self.send(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            pytest.fail(f"goes on after {seconds:.0f} s\n{self.out()}\n{self.err()}")
        done = Done(code, self.out(), self.err(), time.monotonic() - self._began)
        os.close(self._out)
        os.close(self._err)
        self.alive.remove(self)
        assert "Traceback" not in done.err, done
        return done

    def kill(self) -> Done:
        """End it with SIGKILL, also while it is stopped."""
        self.send(signal.SIGKILL)
        return self.ends(seconds=10)


def _written(file: int) -> str:
    # Not read(): the place in the file is the writer's as well.
    return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")


class Operator:
    """Somebody at an operator's machine of the lab."""

    def __init__(self, inventory: Path = PRODUCTION, machine: Host = OPERATOR) -> None:
        self.inventory = inventory
        self.machine = machine
        self.since = records.now()

    def elsewhere(self) -> "Operator":
        """Give an operator at the other machine: its name, home, key and memory are its own."""
        other = OPERATOR if self.machine == OTHER_OPERATOR else OTHER_OPERATOR
        somebody = Operator(self.inventory, other)
        somebody.since = self.since
        return somebody

    def words(self, *words: str) -> list[str]:
        # Left alone, a status waits one second for a site, which on a busy machine is soon over.
        patient = "status" in words and "--timeout" not in words
        more = ("--timeout", "30") if patient else ()
        return ["dtdeploy", "-i", str(self.inventory), *words, *more]

    def types(self, *words: str) -> Done:
        """Run dtdeploy to its end."""
        return self.starts(*words).ends()

    def expecting(self) -> tuple[str, str]:
        """Return what this machine types with --yes, once it has read what a run does."""
        told = json.loads(self.types("--json", "lock").out.splitlines()[-1])
        return ("--expect", told["record"])

    def starts(self, *words: str) -> Running:
        """Start dtdeploy; what still runs after the test is killed."""
        return Running(self.words(*words), self.machine)

    def forgets(self) -> None:
        """Lose all that dtdeploy keeps on this machine: caches, journals."""
        for entry in control.home(self.machine).iterdir():
            if entry.is_dir() and entry.name not in (".ssh", ".docker"):
                shutil.rmtree(entry)

    def begin(self) -> None:
        """Forget what happened until now: the witness is asked from here on."""
        self.since = records.now()

    def touched(self) -> list[str]:
        """Everything that anybody changed at any daemon since `begin`, but for early pulls."""
        seen = records.mutations(since=self.since, ignoring=OWN_CONFIGS)
        return [
            f"{event.host} {event.kind} {event.action} {event.name}"
            for event in seen
            if not records.is_pull(event)
        ]

    def violations(self) -> list[str]:
        """What the witness has against everything since `begin`."""
        return judge.violations(records.events(), records.logs(), since=self.since)


@pytest.fixture(scope="session")
def lab_is_up() -> None:
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    try:
        require()
    except LabError as error:
        pytest.fail(str(error))
    fleet.lab("up")
    fleet.end_leftovers()


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    yield
    _kill_what_runs_on()


def _kill_what_runs_on() -> None:
    for left in list(Running.alive):
        left.kill()


@pytest.fixture(scope="session")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the production inventory with its planned site active: five sites."""
    folder = tmp_path_factory.mktemp("everywhere")
    text = (ROOT / "sites.yaml").read_text().replace("state: planned", "state: active")
    (folder / "sites.yaml").write_text(text)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    return folder / "sites.yaml"


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the production inventory, but content with few services, up for two seconds.

    Most tests are not about how many services there are nor how long they are watched, and pay
    for both with every restart. With --deep it is the production inventory itself.
    """
    if DEEP:
        return PRODUCTION
    folder = tmp_path_factory.mktemp("few")
    shutil.copy(PRODUCTION, folder)
    (folder / "stacks").mkdir()
    yaml = YAML()
    for file in (ROOT / "stacks").iterdir():
        stack = yaml.load(file)
        stack["services"] = [name for name in stack["services"] if name in FEW]
        stack["policy"]["stable"] = "2s"
        yaml.dump(stack, folder / "stacks" / file.name)
    return folder / "sites.yaml"


@pytest.fixture
def operator(
    lab_is_up: None, inventory: Path, request: pytest.FixtureRequest
) -> Iterator[Operator]:
    """Give an operator and a fleet in which nothing is broken and everything runs.

    The fleet is mended after a test, so that one that cannot be is that test's failure.
    """
    del lab_is_up
    somebody = Operator(inventory)

    def up(seconds: float) -> None:
        _brings_up(Operator(inventory), seconds)

    try:
        fleet.settle(up, few=not DEEP)
    except fleet.FleetLostError as lost:
        # Each test leaves it whole: what broke it meanwhile is beside the tests, or hidden.
        before = f"something before {request.node.nodeid}"
        fleet.renewed(request.node, lost, up, few=not DEEP, culprit=before)
    somebody.begin()
    yield somebody
    _kill_what_runs_on()
    try:
        fleet.settle(up, few=not DEEP)
    except fleet.FleetLostError as lost:
        pytest.fail(fleet.renewed(request.node, lost, up, few=not DEEP), pytrace=False)


def _brings_up(somebody: Operator, seconds: float) -> None:
    bringing = somebody.starts("up", "--all", "--yes")
    try:
        # Whether it brought everything up is seen at the fleet, not in how it ended.
        bringing.ends(seconds=seconds)
    except pytest.fail.Exception as error:
        bringing.kill()
        raise fleet.FleetLostError("dtdeploy up does not end", str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Hold that a file whose tests look after the fleet themselves leaves its hosts well."""
    try:
        return (yield)
    finally:
        names = getattr(item, "fixturenames", ())
        if "lab_is_up" in names and "operator" not in names and not _same_file(item, nextitem):
            fleet.hold_hosts_well(item)


def _same_file(item: pytest.Item, other: pytest.Item | None) -> bool:
    return other is not None and other.path == item.path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave time for the fleet to be made anew."""
    for item in items:
        if "operator" in getattr(item, "fixturenames", ()) and not item.get_closest_marker(
            "timeout"
        ):
            item.add_marker(pytest.mark.timeout(_LIFE_SECONDS))
