"""The fleet that tests share: whole before each, and what one leaves broken is that one's failure.

A fleet that is not whole again soon is lost: it is torn down and made anew, which takes less time
than most repairs, and the test that left it so is named.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import faults, hosts, namespaces, processes, state, whole
from lab.errors import LabError
from lab.topology import OPERATORS
from tests.losses import LOST

ROOT = Path(__file__).parent.parent.parent
OWN_CONFIGS = ("dtdeploy.run", "dtdeploy.owed", "dtdeploy.applied")
"""The lock of a run and what it owes are configs on the coordinator's Swarm: nobody's stack."""
COORDINATOR = "frb-vsop.chime"
UNITS = (
    ("datatrail", "chime"),
    ("datatrail-daemons", "chime"),
    *(("datatrail-client", site) for site in ("chime", "outrigger-buffer", "kko", "gbo")),
)
"""What the production inventory has running; its planned site runs nothing."""
WHOLE_SECONDS = 45.0
"""On a machine that is not busy, where it takes some 15 s at most."""
_BY_ITSELF_SECONDS = 15.0
"""Seconds for what a Swarm does without being asked."""
_NEW_SECONDS = 120.0
_MOST_PATIENCE = 3.0
_LAB_SECONDS = 240
_POLL_SECONDS = 0.2

Up = Callable[[float], None]
"""Brings up what is missing, in so many seconds at most."""


class FleetLostError(Exception):
    """The fleet is not whole, and the time for it to become so is up."""

    def __init__(self, cause: str, words: str) -> None:
        super().__init__(words)
        self.cause = cause


def lab(*words: str) -> None:
    """Give a command to the lab."""
    subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, timeout=_LAB_SECONDS
    )


def end_leftovers() -> None:
    """End what a killed run goes on doing at the operators' machines."""
    for machine in OPERATORS:
        first = state.init_pid(machine)
        ours = [pid for pid in namespaces.pids_in(machine.name) if processes.parent(pid) != first]
        processes.end(pid for pid in ours if pid != first)


def settle(up: Up, *, few: bool, seconds: float = WHOLE_SECONDS) -> None:
    """Undo what was done to the fleet and wait until it is whole; quick where nothing was done.

    Raises:
        FleetLostError: it is not whole after so many seconds.

    """
    time_for = _TimeFor(seconds)
    asked = False
    with _lost_to_any_error():
        _tidy(few=few)
        for found in _troubles(time_for, UNITS):
            if asked or any(trouble.lasts for trouble in found):
                continue
            missing = any(trouble.cause == whole.MISSING for trouble in found)
            if missing or time_for.what_comes_by_itself_is_up():
                asked = True
                up(max(time_for.all_of_it - time.monotonic(), 1.0))


def settle_hosts(seconds: float = WHOLE_SECONDS) -> None:
    """Hold that hosts and daemons are well, and that nothing of a test is left on them.

    Raises:
        FleetLostError: they are not after so many seconds.

    """
    with _lost_to_any_error():
        faults.heal()
        for _ in _troubles(_TimeFor(seconds), None):
            pass


def hold_hosts_well(item: pytest.Item) -> None:
    """Let a test fail after which hosts are not well, or something of a test is left on them."""
    try:
        settle_hosts()
    except FleetLostError as lost:
        pytest.fail(renewed(item, lost, None, few=True), pytrace=False)


def renewed(
    item: pytest.Item, lost: FleetLostError, up: Up | None, *, few: bool, culprit: str = ""
) -> str:
    """Make the fleet anew, note in a test's report that it was lost, and say so in words."""
    began = time.monotonic()
    culprit = culprit or item.nodeid
    try:
        renew(up, few=few)
    finally:
        took = f"made anew in {time.monotonic() - began:.0f} s"
        item.user_properties.append((LOST, (lost.cause, culprit, took)))
    return f"{culprit} left a fleet that was lost to: {lost.cause}\n{lost}\n{took}"


def renew(up: Up | None, *, few: bool) -> None:
    """Make the fleet anew, whatever is left of it."""
    lab("up", "--fresh")
    if up is not None:
        settle(up, few=few, seconds=_NEW_SECONDS)


class _TimeFor:
    """How long the fleet may take, counted from now; more where the machine is busy."""

    def __init__(self, seconds: float) -> None:
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        patience = min(max(busy, 1.0), _MOST_PATIENCE)
        self.all_of_it = time.monotonic() + seconds * patience
        self._by_itself = time.monotonic() + _BY_ITSELF_SECONDS * patience

    def what_comes_by_itself_is_up(self) -> bool:
        return time.monotonic() > self._by_itself

    def is_up(self) -> bool:
        return time.monotonic() > self.all_of_it


@contextmanager
def _lost_to_any_error() -> Iterator[None]:
    try:
        yield
    except (LabError, OSError, subprocess.SubprocessError) as error:
        raise FleetLostError(f"mending failed: {_wherever(str(error))}", str(error)) from error


def _wherever(words: str) -> str:
    """Word an error the same at whichever host it happened."""
    line = re.sub(r" *\(see .*\)", "", words.splitlines()[0])
    return re.sub(r"[\w.-]+\.(chime|kko|gbo|hco|lab|com)\b|\bkko-w\d|\d+", "...", line)


def _troubles(
    time_for: _TimeFor, units: tuple[whole.Unit, ...] | None
) -> Iterator[list[whole.Trouble]]:
    """Yield what is not well, again and again until all is."""
    while found := whole.troubles(units):
        # What was ended a moment ago may look as if it lasted.
        vain = time_for.what_comes_by_itself_is_up() and any(trouble.lasts for trouble in found)
        if vain or time_for.is_up():
            raise FleetLostError(found[0].cause, "\n".join(map(str, found)))
        yield found
        time.sleep(_POLL_SECONDS)


def _tidy(*, few: bool) -> None:
    faults.heal()
    faults.pristine(few=few)
    strays = whole.strays(UNITS)
    for site in {stray.site for stray in strays}:
        here = [stray for stray in strays if stray.site == site]
        undeclared = {x.stack for x in here if x.stack and (x.stack, site) not in UNITS}
        single = [x.name for x in here if x.stack not in undeclared]
        if undeclared:
            hosts.docker(site, "stack", "rm", *undeclared, check=False)
        if single:
            hosts.docker(site, "service", "rm", *single, check=False)
    coordinator = hosts.find(COORDINATOR)
    for config in hosts.api(coordinator, "GET", "/configs"):
        if config["Spec"]["Name"] in OWN_CONFIGS:
            hosts.api(coordinator, "DELETE", f"/configs/{config['ID']}")
