"""Many sites behind one jump host that lets only a few in at once."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import FleetError
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.ssh_config import Target
from orchestrator.swarm.turns import AT_ONCE, Turns
from tests.swarm.proxy import mute
from tests.swarm.sshd import Operator, Server, running

SITES = tuple(f"site{number}" for number in range(12))


@pytest.fixture
def bastion(tmp_path: Path, key: Path) -> Iterator[Server]:
    with running(tmp_path / "bastion", key, "MaxStartups 2:100:2") as bastion:
        yield bastion


def through(operator: Operator, server: Server, port: int) -> Target:
    return replace(operator.target(server.port), jumps=(operator.target(port),))


def all_at_once(target: Target, turns: Turns) -> list[str]:
    """Connect every site at the same moment; return what went wrong."""
    ready = threading.Barrier(len(SITES))

    def connect(site: str) -> str:
        ready.wait()
        try:
            open_hops(site, target, turns).close()
        except FleetError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(SITES)) as pool:
        return [words for words in pool.map(connect, SITES) if words]


def test_all_get_in_where_only_two_may_be_on_their_way(
    operator: Operator, server: Server, bastion: Server
) -> None:
    operator.trust(bastion.known_line)
    target = through(operator, server, bastion.port)
    assert all_at_once(target, Turns()) == []
    log = (bastion.folder / "log").read_text()
    assert log.count("Accepted publickey") == len(SITES)


def test_a_jump_host_that_lets_nobody_in_is_said_to(
    tmp_path: Path, operator: Operator, server: Server, key: Path
) -> None:
    with running(tmp_path / "full", key, "MaxStartups 1:100:1") as full:
        operator.trust(full.known_line)
        target = through(replace(operator, timeout=1.0), server, full.port)
        with socket.create_connection(("127.0.0.1", full.port)) as undecided:
            assert undecided.recv(4) == b"SSH-"
            with pytest.raises(FleetError) as caught:
                open_hops("far", target, Turns())
    (problem,) = caught.value.problems
    assert problem.code == "site.unreachable"
    assert problem.what.startswith("jump host 127.0.0.1: it dropped every connection")
    assert "MaxStartups" in problem.fix


def test_one_that_never_answers_is_waited_for_once_and_not_by_each_in_turn(
    operator: Operator, server: Server
) -> None:
    began = time.monotonic()
    with mute() as port:
        target = through(replace(operator, timeout=1.0), server, port)
        failed = all_at_once(target, Turns())
    assert len(failed) == len(SITES)
    assert all("does not answer within 1 s" in words for words in failed)
    assert time.monotonic() - began < 3 * 1.0 * len(SITES) / AT_ONCE
