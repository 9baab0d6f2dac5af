"""What services write on real Swarms: read side by side, followed, quoted by a failed deploy."""

import json
import signal

import pytest

from lab import faults, hosts
from lab.errors import LabError
from lab.processes import wait_until
from orchestrator.errors import ExitCode
from tests.lab.conftest import Done, Operator
from tests.lab.test_recovery import deep

pytestmark = pytest.mark.lab
REGISTRY = "registry.lab:5000"
IMAGE = f"{REGISTRY}/chimefrb/maestro-datatrail-client:latest"
STACK = "datatrail-client"


def serve_logs_again() -> None:
    """Have a worker serve its logs to the manager again.

    After its dockerd stood still in another test, the Swarm may find the node ready, and "not
    available" for logs for good; its dockerd has to be started anew.
    """
    faults.docker_stop("kko-w1")
    faults.docker_start("kko-w1")


def whole_logs(operator: Operator) -> Done:
    """Ask until no lines are missing: a node that is ready takes a moment to serve them.

    Those of tasks that failed in another test, and whose containers are gone, stay missing for as
    long as their service lives: then all services are made anew.
    """
    told: list[Done] = []

    def complete() -> bool:
        told.append(operator.types("--json", "logs", "--tail", "5"))
        assert told[-1].code in (ExitCode.DONE, ExitCode.SITE_UNREACHABLE), told[-1]
        return told[-1].code == ExitCode.DONE

    try:
        wait_until(complete, seconds=20, what="the lines of every node")
    except LabError:
        serve_logs_again()
        restarted = operator.types("restart", "--all", "--yes")
        assert restarted.code == ExitCode.DONE, restarted
        wait_until(complete, seconds=60, what="the lines of every node")
    return told[-1]


def test_lines_of_all_sites_come_in_order_and_a_dead_site_costs_none_of_them(
    operator: Operator,
) -> None:
    well = whole_logs(operator)
    lines = [json.loads(line) for line in well.out.splitlines()]
    assert {line["site"] for line in lines} == {"chime", "outrigger-buffer", "kko", "gbo"}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert all(line["slot"] and line["node"] and line["task"] for line in lines)
    faults.cut("gbo")
    torn = operator.types("logs", "--stack", STACK, "--tail", "1")
    assert torn.code == 11, torn
    assert "site.unreachable" in torn.err
    assert f"{STACK}@kko/" in torn.out
    assert f"{STACK}@gbo/" not in torn.out


def test_what_is_followed_goes_on_until_ctrl_c(operator: Operator) -> None:
    following = operator.starts("logs", "-f", "--tail", "0", "datatrail@chime/server")
    container = hosts.docker(
        "frb-vsop.chime", "ps", "-q", "--filter", "name=datatrail_server"
    ).stdout.split()[0]
    # What a process in the container writes to the first one's stdout is its service's word.
    say = ["exec", container, "/bin/sh", "-c", "echo PASSWORD=hunter2 spoken up > /proc/1/fd/1"]

    def heard() -> bool:
        hosts.docker("frb-vsop.chime", *say)
        return "spoken up" in following.out()

    wait_until(heard, seconds=60, what="a line that was just written")
    following.send(signal.SIGINT)
    done = following.ends(seconds=60)
    assert done.code == 0, done
    assert "PASSWORD=*** spoken up" in done.out


def test_a_service_with_a_terminal_one_that_keeps_nothing_and_a_node_that_is_down(
    operator: Operator,
) -> None:
    """Made by hand beside what is declared, in a stack of dtdeploy's own."""
    loop = "while :; do echo a line; sleep 1; done"
    common = [
        *("service", "create", "-q", "--detach", "--with-registry-auth"),
        *("--label", f"com.docker.stack.namespace={STACK}"),
        *("--container-label", f"com.docker.stack.namespace={STACK}"),
        *("--entrypoint", "/bin/sh"),
    ]
    everywhere = ("everywhere.aux.kko", "everywhere.kko-w1")
    names = [f"{STACK}_{name}" for name in ("tty", "mute", "everywhere")]
    options = (["--tty"], ["--log-driver", "none"], ["--mode", "global"])
    try:
        for name, option in zip(names, options, strict=True):
            hosts.docker("aux.kko", *common, *option, "--name", name, IMAGE, "-c", loop)

        def all_speak() -> bool:
            said = operator.types("logs", f"{STACK}@kko/[te]*", "--tail", "9").out
            heard = [f"/{name} | a line" in said for name in ("tty.1", *everywhere)]
            return all(heard)

        try:
            wait_until(all_speak, seconds=20, what="lines of a TTY and of both nodes")
        except LabError:
            serve_logs_again()
            wait_until(all_speak, seconds=60, what="lines of a TTY and of both nodes")
        mute = operator.types("logs", f"{STACK}@kko/mute")
        assert mute.code == 11, mute
        assert "logs.not-kept" in mute.err
        faults.docker_freeze("kko-w1")
        hanging = operator.types("logs", f"{STACK}@kko/everywhere", "--tail", "1")
        assert hanging.code == 11, hanging
        assert "logs.incomplete" in hanging.err
        assert "/everywhere.aux.kko | a line" in hanging.out
    finally:
        faults.docker_thaw("kko-w1")
        hosts.docker("aux.kko", "service", "rm", *names, check=False)


@pytest.mark.parametrize("kind", ["crash-loop", pytest.param("unhealthy", marks=deep)])
def test_a_failed_deploy_tells_what_the_process_wrote_last(operator: Operator, kind: str) -> None:
    faults.image(kind, stack=STACK, service=("replicator",), site="gbo")
    done = operator.types("restart", "--site", "gbo", "--yes")
    assert done.code == 21, done
    assert "    |  replicator.1: " in done.err, done
    assert "| wrote: replicator.1: " in done.err, done
