"""A restart that is killed, cut off or run into another one, on the real Swarms."""

import json
import random
import re
import signal
import time

import pytest

from lab import control, faults, hosts
from lab.processes import wait_until
from tests.lab.conftest import DEEP, Done, Operator, Running
from tests.lab.reports import report_of
from tests.lab.screen_reader import offers

pytestmark = pytest.mark.lab

COORDINATOR = "frb-vsop.chime"
RUN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
WHOLE_SECONDS = 36.0 if DEEP else 12.0
"""About how long a whole restart takes from its first step until everything was watched."""
KILLS = 20 if DEEP else 1
deep = pytest.mark.skipif(not DEEP, reason="takes a minute more: scripts/test --deep")
GNAW = random.Random(7)  # noqa: S311 - drawn once, the same points every time


def lock() -> str:
    """Return the lock's labels as Docker prints them, "" when nobody holds it."""
    said = hosts.docker(COORDINATOR, "config", "inspect", "dtdeploy.run", check=False)
    return said.stdout if said.returncode == 0 else ""


def run_of(running: Running) -> str:
    found = RUN.search(lock()) or RUN.search(running.err())
    assert found, running.err()
    return found.group()


def under_way(running: Running) -> None:
    """Wait until the lock is taken."""
    wait_until(
        lambda: bool(lock()) or running.has_ended(), seconds=60, what="the run to take the lock"
    )


def removing(running: Running) -> None:
    running.until_it_says("remove datatrail@chime")


def passes(running: Running, seconds: float) -> None:
    """Let so much time pass, or less if it ends before."""
    until = time.monotonic() + seconds
    wait_until(
        lambda: time.monotonic() >= until or running.has_ended(),
        seconds=seconds + 5,
        what=f"{seconds:g} seconds",
    )


def said(somebody: Operator) -> str:
    told = somebody.types("lock")
    assert told.code == 10, told
    return told.out + told.err


def resumed(somebody: Operator, *more: str) -> Done:
    done = somebody.types("resume", "--take-over", "--yes", *somebody.expecting(), *more)
    assert done.code == 0, done
    return done


def everything_is_well(operator: Operator, *, cut_off: str = "") -> None:
    """Hold that all is up and no rule was broken; who was cut off could not reach the server."""
    status = operator.types("status")
    assert status.code == 0, status
    assert lock() == ""
    against = [
        words
        for words in operator.violations()
        if not (cut_off and cut_off in words and "could not reach the server" in words)
    ]
    assert against == []


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "moment",
    [pytest.param(WHOLE_SECONDS * (n + GNAW.random()) / KILLS, id=f"{n}") for n in range(KILLS)],
)
def test_killed_at_any_moment_it_is_finished_from_another_machine(
    operator: Operator, moment: float
) -> None:
    running = operator.starts("restart", "--all", "--yes")
    under_way(running)
    passes(running, moment)
    running.kill()
    other = operator.elsewhere()
    if lock():
        # From another machine it looks alive until its heartbeat has been missing for a while.
        wait_until(lambda: offers(said(other), "resume"), seconds=90, what="the way to resume")
        assert "UNFINISHED" in said(other)
        report = report_of(resumed(other))
        assert not report["whole"]
        assert [life["how"] for life in report["lives"]] == ["resumed"]
        assert all(outage["over"] for outage in report["outages"])
    made = operator.types("--json", "report", "last")
    assert made.code == 0, made
    assert json.loads(made.out)["lives"][0]["how"] == "begun"
    before = operator.touched()
    again = other.types("resume", "--yes")
    assert again.code == 0, again
    assert operator.touched() == before
    everything_is_well(operator)


@deep
def test_a_second_resume_changes_nothing(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--yes")
    removing(running)
    running.kill()
    resumed(operator)
    operator.begin()
    done = operator.types("resume", "--yes")
    assert done.code == 0, done
    assert operator.touched() == []
    everything_is_well(operator)


def test_of_two_restarts_one_wins_and_the_other_names_it(operator: Operator) -> None:
    first = operator.starts("restart", "--all", "--yes")
    under_way(first)
    run = run_of(first)
    second = operator.elsewhere().types("restart", "--all", "--yes")
    assert second.code == 10, second
    assert run in second.err
    assert first.ends().code == 0
    everything_is_well(operator)


@deep
def test_one_that_queues_goes_on_after_the_other(operator: Operator) -> None:
    first = operator.starts("restart", "--site", "kko", "--yes")
    under_way(first)
    second = operator.elsewhere().types("restart", "--site", "gbo", "--yes", "--lock-wait", "200")
    assert second.code == 0, second
    assert first.ends().code == 0
    everything_is_well(operator)


def test_a_holder_that_slept_while_its_lock_was_broken_does_nothing_more(
    operator: Operator,
) -> None:
    first = operator.starts("restart", "--all", "--yes")
    first.until_it_says("remove datatrail-client@kko")
    run = run_of(first)
    first.send(signal.SIGSTOP)
    other = operator.elsewhere()
    broken = other.types("lock", "break", run, "--because", "its machine hangs")
    assert broken.code == 0, broken
    assert lock() == ""
    done = other.types("restart", "--all", "--yes")
    assert done.code == 0, done
    operator.begin()
    first.send(signal.SIGCONT)
    ended = first.ends()
    # Also where the answer to its last request came while it slept, and is lost.
    assert ended.code == 10, ended
    assert "lost its lock" in ended.err
    assert operator.touched() == []
    everything_is_well(operator)


@deep
def test_a_lock_can_only_be_broken_by_the_name_of_its_run(operator: Operator) -> None:
    first = operator.starts("restart", "--site", "kko", "--yes")
    under_way(first)
    wrong = operator.types("lock", "break", "20200101T000000-abcdef", "--because", "a guess")
    assert wrong.code == 64, wrong
    assert first.ends().code == 0
    everything_is_well(operator)


@pytest.mark.parametrize(
    "what",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=deep),
        pytest.param(signal.SIGHUP, marks=deep),
    ],
    ids=lambda s: s.name,
)
def test_asked_to_stop_it_says_so_and_how_to_go_on(
    operator: Operator, what: signal.Signals
) -> None:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("remove datatrail-client@gbo")
    run = run_of(running)
    running.send(what)
    running.until_it_says("stopping")
    ended = running.ends(seconds=60)
    assert ended.code == 30, ended
    assert offers(ended.err, "resume", "--yes", run)
    assert "stopped" in lock()
    other = operator.elsewhere()
    done = other.types("resume", run, "--yes", *other.expecting())
    assert done.code == 0, done
    everything_is_well(operator)


def test_cancelled_by_ci_it_is_resumed(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("remove datatrail@chime")
    for what, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)):
        running.send(what)
        passes(running, seconds)
    ended = running.ends(seconds=1) if running.has_ended() else running.kill()
    assert ended.code in (30, -signal.SIGKILL), ended
    resumed(operator.elsewhere())
    everything_is_well(operator)


@pytest.mark.parametrize(
    "step",
    ["remove datatrail-client@kko", pytest.param("deploy datatrail-client@kko", marks=deep)],
)
def test_a_link_cut_for_20_seconds_costs_no_run(operator: Operator, step: str) -> None:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says(step)
    faults.cut("aux.kko")
    passes(running, 20)
    faults.heal("aux.kko")
    done = running.ends()
    assert done.code == 0, done
    everything_is_well(operator, cut_off="aux.kko")


@deep
def test_a_docker_daemon_restarted_in_the_middle_of_a_deploy_costs_at_most_a_resume(
    operator: Operator,
) -> None:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("deploy datatrail-client@gbo")
    faults.docker_stop("aux.gbo")
    faults.docker_start("aux.gbo")
    finished(operator, running.ends())


@deep
def test_the_coordinators_daemon_restarted_costs_at_most_a_resume(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("remove datatrail-client@gbo")
    faults.docker_stop(COORDINATOR)
    faults.docker_start(COORDINATOR)
    finished(operator, running.ends())


def finished(operator: Operator, done: Done) -> None:
    """Finish what did not get to its end: nobody may have to do more than what it says."""
    assert done.code in (0, 11, 20, 21, 23, 31), done
    if lock():
        resumed(operator)
    elif done.code:
        up = operator.types("up", "--owed", "--yes")
        assert up.code == 0, (done, up)
    status = operator.types("status")
    assert status.code == 0, status


def test_a_site_that_is_down_is_left_out_and_brought_back_later(operator: Operator) -> None:
    faults.cut("aux.gbo")
    without = ("--without", "gbo", "--because", "its link is down")
    refused = operator.types("restart", "--all", "--yes", *without)
    assert refused.code == 20, refused
    assert "--accept-unknown datatrail-client@gbo" in refused.err
    accepted = (*without, "--accept-unknown", "datatrail-client@gbo")
    done = operator.types("restart", "--all", "--yes", *accepted)
    assert done.code == 0, done
    faults.heal("aux.gbo")
    status = operator.elsewhere().types("status")
    assert status.code != 0, status
    assert "datatrail-client@gbo" in status.out
    assert "its link is down" in " ".join(status.out.split()), "however the line is broken"
    back = operator.elsewhere().types("up", "--owed", "--yes")
    assert back.code == 0, back
    assert operator.types("status").code == 0


def test_what_ran_before_is_brought_back(operator: Operator) -> None:
    former = revision_at("aux.kko")
    faults.commit("datatrail", {"CHANGED": "yes\n"})
    running = operator.starts("restart", "--all", "--yes")
    running.until_it_says("deploy datatrail@chime")
    run = run_of(running)
    running.kill()
    other = operator.elsewhere()
    back = other.types("rollback", run, "--take-over", "--yes", *other.expecting())
    assert back.code == 0, back
    assert revision_at("aux.kko") == former
    everything_is_well(operator)


def revision_at(host: str) -> str:
    said = hosts.docker(
        host,
        "service",
        "inspect",
        "datatrail-client_replicator",
        "--format",
        '{{index .Spec.Labels "dtdeploy.revision"}}',
    )
    return said.stdout.strip()


def test_a_full_disk_refuses_before_anything_is_touched(operator: Operator) -> None:
    state = f"{control.home(operator.machine)}/.local/state"
    machine = operator.machine.name
    hosts.run(machine, "mkdir", "-p", state)
    hosts.run(machine, "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", state)
    try:
        operator.begin()
        done = operator.types("restart", "--all", "--yes")
        assert done.code == 20, done
        assert "journal" in done.err
        assert operator.touched() == []
    finally:
        hosts.run(machine, "umount", state)
    assert lock() == ""
