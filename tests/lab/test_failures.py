"""What goes wrong in the middle: said in Docker's words, in time, and the server is kept up."""

import shutil
import signal
import time
from pathlib import Path

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from lab.witness import records
from tests.lab.conftest import DEEP, Done, Operator

pytestmark = pytest.mark.lab


def daemons_inventory_is(kind: str) -> None:
    faults.image(kind, stack="datatrail-daemons", service=("inventory",), site="chime")


def server_answers() -> bool:
    url = "http://127.0.0.1:8001/health/check"
    said = hosts.run("frb-vsop.chime", "busybox", "wget", "-qO-", url, check=False)
    return '{"status":"ok"' in said.stdout.replace(" ", "")


def server_removed(operator: Operator) -> list[float]:
    return records.service_removed("datatrail_server", since=operator.since)


def deaths(operator: Operator, service: str) -> list[float]:
    died = records.containers("die", since=operator.since, stack="datatrail-daemons")
    created = min(records.service_created(service, since=operator.since))
    return [event.at for event in died if event.service == service and event.at > created]


def test_a_crash_loop_is_told_soon_after_the_third_failure(operator: Operator) -> None:
    daemons_inventory_is("crash-loop")
    done = operator.types("restart", "--all", "--yes")
    ended = time.time()
    assert done.code == 21, done
    assert "non-zero exit" in done.err
    died = sorted(deaths(operator, "datatrail-daemons_inventory"))
    line, told = operator_told(done, ended, "datatrail-daemons@chime")
    # On a busy machine it crashes as late as dtdeploy looks.
    assert len([at for at in died if at < told]) in (3, 4, 5), line
    assert server_answers()
    assert operator.violations() == []


def operator_told(done: Done, ended: float, unit: str) -> tuple[str, float]:
    """Return the line of the failure, and when it was printed: lines carry the run's seconds.

    Between two failures a look may find all tasks running: then it is the watching that fails.
    """
    steps = (f"deploy {unit}", f"settle {unit}")
    line = next(
        li for li in done.err.splitlines() if any(f"{step}  FAILED after" in li for step in steps)
    )
    last = [li for li in done.err.splitlines() if " +" in li][-1]
    return line, ended - (offset(last) - offset(line))


def offset(line: str) -> float:
    return float(line.split("+", 1)[1].split("s", 1)[0])


def test_a_missing_image_is_told_by_preflight_before_anything_goes_down(operator: Operator) -> None:
    daemons_inventory_is("missing")
    operator.begin()
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 14, done
    assert "no image" in done.err
    assert operator.touched() == []


@pytest.mark.skipif(not DEEP, reason="takes a minute and a half: scripts/test --deep")
def test_a_service_that_never_gets_healthy_is_named(operator: Operator) -> None:
    daemons_inventory_is("unhealthy")
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 21, done
    assert "datatrail-daemons_inventory" in done.err
    assert "ended 3 times" in done.err
    assert "health check" in done.err
    assert done.seconds < 100
    assert operator.violations() == []


@pytest.mark.skipif(not DEEP, reason="takes two minutes: scripts/test --deep")
def test_a_client_that_ignores_sigterm_is_waited_for(operator: Operator) -> None:
    faults.image("ignores-sigterm", stack="datatrail-client", service=("replicator",), site="gbo")
    assert operator.types("restart", "--site", "gbo", "--yes").code == 0
    operator.begin()
    done = operator.types("restart", "--all", "--yes")
    assert done.code == 0, done
    died = [
        e.at
        for e in records.containers("die", since=operator.since, host="aux.gbo")
        if e.service == "datatrail-client_replicator"
    ]
    asked = records.service_removed(
        "datatrail-client_replicator", since=operator.since, host="aux.gbo"
    )
    assert died[0] - asked[0] >= 10
    assert server_removed(operator)[0] > died[0]
    assert operator.violations() == []


def test_a_client_that_never_goes_away_leaves_the_server_up(
    operator: Operator, tmp_path: Path
) -> None:
    faults.image("stuck", stack="datatrail-client", service=("replicator",), site="gbo")
    assert operator.types("restart", "--site", "gbo", "--yes").code == 0
    impatient = Operator(with_policy(operator.inventory, tmp_path, "remove: 20s"))
    done = impatient.types("restart", "--all", "--yes")
    assert done.code == 23, done
    assert "datatrail-client@gbo" in done.err
    assert server_removed(impatient) == []
    assert server_answers()
    kill_all_of("aux.gbo", "datatrail-client_replicator")


def test_a_worker_frozen_in_the_middle_blocks_the_server(
    operator: Operator, tmp_path: Path
) -> None:
    # A frozen worker would not say that it has its images, and nothing would be removed at all.
    policy = "remove: 30s\n  prepull: managers"
    impatient = Operator(with_policy(operator.inventory, tmp_path, policy))
    running = impatient.starts("restart", "--all", "--yes")
    running.until_it_says("preflight passed")
    # However busy the machine is, nothing may be removed before the worker is frozen.
    running.send(signal.SIGSTOP)
    assert "remove datatrail-client@kko" not in running.err()
    faults.docker_freeze("kko-w1")
    running.send(signal.SIGCONT)
    done = running.ends()
    assert done.code in (23, 31), done
    assert "kko-w1" in done.err
    assert server_removed(impatient) == []
    assert server_answers()


def with_policy(inventory: Path, folder: Path, words: str) -> Path:
    """Copy an inventory, with other patience for the clients."""
    shutil.copy(inventory, folder)
    shutil.copytree(inventory.parent / "stacks", folder / "stacks")
    client = folder / "stacks" / "datatrail-client.yaml"
    client.write_text(client.read_text().replace("policy:\n", f"policy:\n  {words}\n"))
    return folder / "sites.yaml"


def kill_all_of(host: str, service: str) -> None:
    """End containers that would not end themselves."""
    found = hosts.docker(
        host, "ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}"
    )
    for container in found.stdout.split():
        hosts.docker(host, "kill", container)


def test_an_image_that_vanished_meanwhile_is_told_at_its_rejection(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--yes")
    wait_until(
        lambda: bool(records.services("remove", since=operator.since, host="aux.kko")),
        seconds=60,
        what="the removal of kko's client",
    )
    faults.registry_down()
    images = hosts.docker("kko-w1", "images", "-q").stdout.split()
    wait_until(
        lambda: not hosts.docker("kko-w1", "ps", "-q").stdout.split(),
        seconds=60,
        what="the worker's containers to end",
    )
    hosts.docker("kko-w1", "rmi", "-f", *dict.fromkeys(images))
    done = running.ends(seconds=200)
    assert done.code == 21, done
    assert "No such image" in done.err
    assert "datatrail-client@kko" in done.err
    assert operator.violations() == []
