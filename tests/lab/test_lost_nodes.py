"""A node that nobody can see: what it means for a run, and the way on, typed as it is printed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import commits, control, faults, hosts
from lab.daemons import dockerd
from lab.processes import wait_until
from tests.lab.conftest import Operator
from tests.lab.test_by_hand import typed
from tests.lab.test_recovery import deep

pytestmark = pytest.mark.lab

WORKER = "kko-w1"
REPO, FILE = "datatrail-admin", "stacks/kko-client.yaml"


def until_the_worker_is_down() -> None:
    """Wait for three missed heartbeats."""
    wait_until(
        lambda: "Down" in hosts.docker("kko", "node", "ls", "--format", "{{.Status}}").stdout,
        seconds=60,
        what="kko's Swarm to miss its worker",
    )


def run_anywhere() -> None:
    """Push a compose file without kko's constraint: the manager may run all of it."""
    text = commits.read(REPO, FILE)
    free = re.sub(r"    deploy:\n.*\n      placement:\n.*\n", "", text)
    assert "placement" not in free, free
    faults.commit(REPO, {FILE: free})


def on_the_worker() -> list[str]:
    return hosts.docker(WORKER, "ps", "-q", "--filter", "status=running").stdout.split()


def flags_of(words: str) -> tuple[str, ...]:
    """Return the flags that a refusal prints, with a reason in the place of TEXT."""
    found = re.search(r"--accept-lost \S+ --because TEXT", " ".join(words.split()))
    assert found, words
    return tuple(shlex.split(found.group(0).replace("TEXT", "'its power supply is dead'")))


@pytest.fixture
def at_work(operator: Operator) -> Operator:
    """Have a task of kko's client run on the worker, as its compose file says."""
    if not on_the_worker():
        assert operator.types("restart", "--site", "kko", "--yes").code == 0
    assert on_the_worker()
    operator.begin()
    return operator


@pytest.fixture(autouse=True)
def worker_again(operator: Operator) -> Iterator[None]:
    """Give kko its worker back, whatever became of it, before the operator's fleet is looked at."""
    del operator
    yield
    faults.docker_thaw(WORKER)
    faults.docker_start(WORKER)
    named = hosts.docker("kko", "node", "ls", "--format", "{{.Hostname}}").stdout.split()
    if WORKER not in named:
        hosts.docker(WORKER, "swarm", "leave", "--force", check=False)
        dockerd.join_swarm(hosts.find(WORKER), hosts.find("kko"), role="Worker")
    hosts.docker("kko", "node", "update", "--availability", "active", WORKER)


def test_a_dead_worker_on_which_nothing_ran_is_told_and_stops_nothing(operator: Operator) -> None:
    run_anywhere()
    hosts.docker("kko", "node", "update", "--availability", "drain", WORKER)
    assert operator.types("restart", "--site", "kko", "--yes").code == 0
    wait_until(lambda: not on_the_worker(), seconds=60, what="the worker to be idle")
    faults.docker_stop(WORKER)
    until_the_worker_is_down()
    operator.begin()
    shown = operator.types("restart", "--all", "--dry-run")
    assert "WARNING" in shown.out, shown
    assert "nothing of what goes down was seen there" in " ".join(shown.out.split()), shown
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert operator.violations() == []


def test_what_ran_on_a_dead_worker_is_answered_for_as_it_is_printed(at_work: Operator) -> None:
    faults.docker_freeze(WORKER)
    until_the_worker_is_down()
    run_anywhere()
    at_work.begin()
    shown = at_work.types("restart", "--all", "--dry-run")
    assert shown.code == 20, shown
    assert flags_of(shown.out) == flags_of(at_work.types("plan", "--all").out)
    refused = at_work.types("restart", "--all", "--yes")
    assert refused.code == 20, refused
    assert "swarm.node-not-ready" in refused.err, refused
    assert at_work.touched() == []
    done = at_work.types("restart", "--all", "--yes", *flags_of(refused.err))
    assert done.code == 0, done
    assert "its power supply is dead" in done.out + done.err, done
    faults.docker_thaw(WORKER)
    wait_until(lambda: not on_the_worker(), seconds=60, what="its Swarm to end what ran on")


@deep
def test_a_worker_that_comes_back_in_the_middle_counts_again(at_work: Operator) -> None:
    faults.docker_freeze(WORKER)
    until_the_worker_is_down()
    run_anywhere()
    flags = flags_of(at_work.types("restart", "--all", "--dry-run").out)
    at_work.begin()
    running = at_work.starts("restart", "--all", "--yes", *flags)
    running.until_it_says("preflight passed")
    faults.docker_thaw(WORKER)
    done = running.ends()
    assert done.code == 0, done
    # The witness heard each container: none of a client ran on while the server went down.
    assert at_work.violations() == []


def test_a_node_that_is_taken_out_of_its_swarm_as_printed_is_in_nobodys_way(
    at_work: Operator,
) -> None:
    faults.docker_freeze(WORKER)
    until_the_worker_is_down()
    run_anywhere()
    refused = at_work.types("restart", "--all", "--yes")
    assert refused.code == 20, refused
    lines = re.findall(r"ssh .*docker node rm --force \S+", refused.err)
    assert lines, refused
    assert control.ops(shlex.split(lines[-1])).returncode == 0
    done = at_work.types("restart", "--all", "--yes")
    assert done.code == 0, done


def test_a_worker_that_dies_in_the_middle_is_answered_for_as_the_run_is_resumed(
    at_work: Operator,
) -> None:
    run_anywhere()
    running = at_work.starts("restart", "--all", "--yes")
    running.until_it_says("preflight passed")
    running.kill()
    faults.docker_freeze(WORKER)
    until_the_worker_is_down()
    stopped = at_work.types("resume", "--yes")
    assert stopped.code in (20, 31), stopped
    done = at_work.types("resume", "--yes", *flags_of(stopped.err))
    assert done.code == 0, done


@pytest.mark.timeout(600)
def test_commands_typed_by_hand_judge_a_dead_worker_as_a_run_does(
    at_work: Operator, tmp_path: Path
) -> None:
    faults.docker_freeze(WORKER)
    until_the_worker_is_down()
    run_anywhere()
    at_work.begin()
    commands = ("plan", "--site", "kko", "--as-commands")
    stopped = typed(at_work.types(*commands).out, tmp_path)
    assert stopped.code == 1, stopped
    assert "THIS LINE ENDED WITH 1: ready aux.kko datatrail-client" in stopped.err
    assert f"{WORKER} Running" in stopped.out, stopped
    assert at_work.touched() == []
    answer = ("--accept-lost", f"{WORKER}@kko", "--because", "its power supply is dead")
    again = at_work.types(*commands, *answer).out.splitlines()
    # The lock is held by hand already.
    done = typed("\n".join(x for x in again if "docker config create" not in x), tmp_path)
    assert done.code == 0, done
    status = at_work.types("status")
    assert "datatrail-client" in status.out, status
