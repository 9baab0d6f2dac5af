"""Twenty half-finished states, and somebody who types nothing but what the screen says.

Each is made on the real Swarms: something is killed, cut, broken or missing in the middle. Then the
cause is mended where one would mend it, and at most three commands, read off the screen, lead back
to a status that ends with 0. What was typed is shown.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import control, faults, hosts
from lab.processes import wait_until
from tests.lab.conftest import DEEP, Operator, Running
from tests.lab.screen_reader import Reader
from tests.lab.test_failures import kill_all_of, with_policy
from tests.lab.test_recovery import COORDINATOR, lock, run_of, said

pytestmark = pytest.mark.lab

Screen = str
"""What stood on the screen last, "" for somebody who comes anew."""


@dataclass(frozen=True, kw_only=True)
class State:
    """`make` leaves a state behind and returns the last screen; `mend` removes its cause."""

    name: str
    make: Callable[[Operator], Screen]
    mend: Callable[[Operator], None] = lambda _: None
    mended: bool = True
    elsewhere: bool = False
    """Whether somebody at another machine reads the screen."""


def begun(operator: Operator, *words: str) -> Running:
    return operator.starts(*(words or ("restart", "--all")), "--yes")


def killed(at: str) -> Callable[[Operator], Screen]:
    def make(operator: Operator) -> Screen:
        running = begun(operator)
        running.until_it_says(at)
        running.kill()
        return ""

    return make


def interrupted(at: str) -> Callable[[Operator], Screen]:
    def make(operator: Operator) -> Screen:
        running = begun(operator)
        running.until_it_says(at)
        running.send(signal.SIGINT)
        return running.ends().err

    return make


def cut(at: str, *words: str) -> Callable[[Operator], Screen]:
    def make(operator: Operator) -> Screen:
        running = begun(operator, *words)
        running.until_it_says(at)
        faults.cut("aux.gbo")
        return running.ends().err

    return make


def left_out(operator: Operator) -> Screen:
    faults.cut("aux.gbo")
    without = ("--without", "gbo", "--because", "its link is down")
    accepted = ("--accept-unknown", "datatrail-client@gbo")
    return operator.types("restart", "--all", "--yes", *without, *accepted).err


def bad_image(kind: str, stack: str, service: str, *words: str) -> Callable[[Operator], Screen]:
    def make(operator: Operator) -> Screen:
        site = "kko" if stack == "datatrail-client" else "chime"
        faults.image(kind, stack=stack, service=service, site=site)
        return operator.types("restart", "--all", "--yes", *words).err

    return make


def no_database(operator: Operator) -> Screen:
    running = begun(operator)
    running.until_it_says("remove datatrail@chime")
    faults.postgres_down()
    return running.ends().err


def lock_broken(operator: Operator) -> Screen:
    running = begun(operator)
    running.until_it_says("remove datatrail@chime")
    run = run_of(running)
    running.kill()
    return operator.types("lock", "break", run, "--because", "nobody knows it").err


def lock_removed_by_hand(operator: Operator) -> Screen:
    killed("remove datatrail@chime")(operator)
    hosts.docker(COORDINATOR, "config", "rm", "dtdeploy.run")
    return ""


def journal_lost(operator: Operator) -> Screen:
    killed("deploy datatrail@chime")(operator)
    operator.forgets()
    # Without its journal nobody here knows that the process was of this machine.
    wait_until(lambda: "--take-over" in said(operator), seconds=90, what="the way to take it over")
    return ""


def disk_full(operator: Operator) -> Screen:
    """The disk of the operator's machine fills up in the middle: the journal cannot be written."""
    state = control.home(operator.machine) / ".local" / "state"
    machine = operator.machine.name
    hosts.run(machine, "mkdir", "-p", str(state))
    hosts.run(machine, "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(state))
    running = begun(operator)
    running.until_it_says("remove datatrail@chime")
    running.send(signal.SIGSTOP)
    hosts.run(machine, "sh", "-c", f"cat /dev/zero > {state}/full 2>/dev/null; true")
    running.send(signal.SIGCONT)
    return running.ends().err


def disk_emptied(operator: Operator) -> None:
    state = control.home(operator.machine) / ".local" / "state"
    hosts.run(operator.machine.name, "umount", "-l", str(state))


def removed_by_hand(operator: Operator) -> Screen:
    del operator
    hosts.docker("aux.kko", "stack", "rm", "datatrail-client")
    wait_until(
        lambda: not hosts.docker("aux.kko", "ps", "-q").stdout, seconds=60, what="kko to be empty"
    )
    return ""


def service_removed_by_hand(operator: Operator) -> Screen:
    del operator
    hosts.docker("aux.gbo", "service", "rm", "datatrail-client_replicator")
    return ""


def scaled_to_nothing(operator: Operator) -> Screen:
    del operator
    hosts.docker(COORDINATOR, "service", "scale", "-d", "datatrail_server=0")
    return ""


def docker_crashed(operator: Operator) -> Screen:
    running = begun(operator)
    running.until_it_says("deploy datatrail-client@gbo")
    faults.docker_crash("aux.gbo")
    return running.ends().err


def impatient(operator: Operator) -> None:
    """Let removals of clients take 15 seconds at most, from now on."""
    folder = Path(operator.inventory).parent / "impatient"
    folder.mkdir(exist_ok=True)
    if not (folder / "sites.yaml").exists():
        with_policy(operator.inventory, folder, "remove: 15s")
    operator.inventory = folder / "sites.yaml"


def stuck(operator: Operator) -> Screen:
    faults.image("stuck", stack="datatrail-client", service=("replicator",), site="gbo")
    assert operator.types("restart", "--site", "gbo", "--yes").code == 0
    faults.pristine()
    impatient(operator)
    return operator.types("restart", "--all", "--yes").err


def worker_frozen(operator: Operator) -> Screen:
    impatient(operator)
    running = begun(operator)
    running.until_it_says("preflight passed")
    running.send(signal.SIGSTOP)
    faults.docker_freeze("kko-w1")
    running.send(signal.SIGCONT)
    return running.ends().err


def laptop_died(operator: Operator) -> Screen:
    killed("remove datatrail@chime")(operator)
    other = operator.elsewhere()
    wait_until(lambda: "--take-over" in said(other), seconds=90, what="the way to take it over")
    return ""


STATES = (
    State(name="killed while clients go down", make=killed("remove datatrail-client@gbo")),
    State(name="killed while the server goes down", make=killed("remove datatrail@chime")),
    State(name="killed while the server comes up", make=killed("deploy datatrail@chime")),
    State(name="killed while clients come up", make=killed("deploy datatrail-client@kko")),
    State(name="Ctrl-C while clients go down", make=interrupted("remove datatrail-client@gbo")),
    State(name="Ctrl-C while the server comes up", make=interrupted("deploy datatrail@chime")),
    State(name="the laptop died, read elsewhere", make=laptop_died, elsewhere=True),
    State(
        name="gbo cut off before its client goes down",
        make=cut("remove datatrail-client@chime"),
        mend=lambda _: faults.heal("aux.gbo"),
    ),
    State(
        name="gbo cut off while the server comes up",
        make=cut("deploy datatrail@chime"),
        mend=lambda _: faults.heal("aux.gbo"),
    ),
    State(name="gbo left out", make=left_out, mend=lambda _: faults.heal("aux.gbo")),
    State(
        name="a client's image crashes, not mended",
        make=bad_image("crash-loop", "datatrail-client", "replicator"),
        mended=False,
    ),
    State(
        name="the daemons' image crashes, brought back by itself",
        make=bad_image("crash-loop", "datatrail-daemons", "inventory", "--on-failure", "restore"),
        mended=False,
    ),
    State(
        name="an image is missing, then pushed",
        make=bad_image("missing", "datatrail-daemons", "inventory"),
        mend=lambda _: faults.pristine(),
    ),
    State(
        name="the database goes down with the server",
        make=no_database,
        mend=lambda _: faults.postgres_up(),
    ),
    State(name="the lock of a killed run broken", make=lock_broken),
    State(name="the lock of a killed run removed by hand", make=lock_removed_by_hand),
    State(name="the journal and all caches lost", make=journal_lost),
    State(name="the disk full in the middle", make=disk_full, mend=disk_emptied),
    State(name="a client's stack removed by hand", make=removed_by_hand),
    State(name="a service removed by hand", make=service_removed_by_hand),
    State(name="the server scaled to nothing by hand", make=scaled_to_nothing),
    State(
        name="Docker crashed at gbo in the middle",
        make=docker_crashed,
        mend=lambda _: faults.docker_start("aux.gbo"),
    ),
    State(
        name="a client that ignores being stopped",
        make=stuck,
        mend=lambda _: kill_all_of("aux.gbo", "datatrail-client_replicator"),
    ),
    State(
        name="a worker frozen while its tasks go",
        make=worker_frozen,
        mend=lambda _: faults.docker_thaw("kko-w1"),
    ),
)
ALL = DEEP or os.environ.get("DTDEPLOY_STATES", "") == "1"
"""All of them, with few services each: as many as there are takes a quarter of an hour."""
_ALWAYS = ("Ctrl-C while clients go down", "a service removed by hand")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "state",
    [
        pytest.param(
            state,
            id=state.name,
            marks=()
            if state.name in _ALWAYS
            else pytest.mark.skipif(not ALL, reason="a minute more: --deep, or DTDEPLOY_STATES=1"),
        )
        for state in STATES
    ],
)
def test_the_screen_leads_back_to_health(
    operator: Operator, state: State, request: pytest.FixtureRequest
) -> None:
    screen = state.make(operator)
    state.mend(operator)
    reader = Reader(operator.elsewhere() if state.elsewhere else operator, mended=state.mended)
    well = reader.leads_back_to_health(screen)
    request.config.get_terminal_writer().line(f" | {state.name} | {'; '.join(reader.typed)} |")
    assert well, (reader.typed, screen)
    assert lock() == ""


def test_there_are_twenty_of_them() -> None:
    assert len({state.name for state in STATES}) >= 20
