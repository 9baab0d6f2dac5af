"""What the runbooks have people type besides dtdeploy, typed where they say, on the real Swarms."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import control, hosts
from tests.docs.pages import RUNBOOKS, blocks, prose, spans
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab

PROGRAMS = ("docker", "ssh", "curl", "sudo", "git ls-remote", "timedatectl", "df")
COORDINATOR = "frb-vsop.chime"
FILLED = {"HOST": "aux.kko", "ha1.hco": "aux.kko", "sudo ": ""}
TYPED = {
    "curl -s http://127.0.0.1:8001/health/check",
    "df -h ~",
    "docker config inspect -f '{{json .Spec.Labels}}' dtdeploy.owed",
    "docker config inspect -f '{{json .Spec.Labels}}' dtdeploy.run",
    "docker info",
    "docker info --format '{{.Swarm.Cluster.ID}}'",
    "docker node ls",
    "docker ps",
    "docker service inspect -f '{{index .Spec.Labels \"dtdeploy.run\"}}' datatrail_server",
    "docker service logs --tail 100 datatrail_server",
    "docker service ps --no-trunc datatrail_server",
    "docker stack ls",
    "docker stack ps --no-trunc datatrail-client",
    "docker system df",
    "docker version",
    "git ls-remote ssh://git@github.com/chimefrb/datatrail",
    "ssh -G HOST",
    "ssh -o BatchMode=yes ha1.hco true",
    "ssh -v HOST true",
    "ssh HOST 'df -h ~; ls -la ~/.dtdeploy'",
    "ssh HOST ps -ef",
    "ssh aux.kko docker info",
    "ssh aux.kko docker node ls",
    "ssh aux.kko docker system df",
    "ssh aux.kko true",
    "ssh ha1.hco docker node ls",
    "sudo ss -ltnp",
    "ssh aux.kko docker node ps kko-w1",
}
"""What is typed: a line that is new in a runbook is read by somebody before it is run here."""
NOT_TYPED = {
    "docker login REGISTRY": "asks for a password",
    "ssh -t ha1.hco docker login REGISTRY": "asks for a password",
    "docker pull IMAGE": "every deploy of the lab pulls its images",
    "docker kill CONTAINER": "test_half_finished.py kills containers that ignore being stopped",
    "docker node update --availability pause NODE": "test_prepull.py types it",
    "docker node rm --force NODE": "the lab's node would have to be made anew",
    "ssh aux.kko docker node rm --force kko-w1": "test_lost_nodes.py types it as it is printed",
    "ssh aux.kko 'docker node demote kko-w1 && docker node rm --force kko-w1'": "one manager",
    "docker node update --availability active NODE": "test_lost_nodes.py ends with it",
    "docker swarm init": "a Swarm is there",
    "docker swarm init --force-new-cluster": "the page forbids it",
    "docker swarm unlock": "no Swarm of the lab is locked",
    "docker swarm ca --rotate": "every node's certificate is made anew: minutes",
    "docker stack deploy": "a part of the line, named; test_by_hand.py types whole ones",
    "docker stack ps": "named; the page types it whole",
    "docker config create dtdeploy.run": "named; test_by_hand.py types it whole",
    "docker config rm dtdeploy.run": "test_by_hand.py types it",
    "docker config inspect dtdeploy.run": "test_planted_record.py types it",
    "docker config inspect dtdeploy.run > dtdeploy.run.json": "the same with a file",
    "docker image prune": "asks",
    "docker image prune --all --filter until=720h": "asks",
    "docker stack rm": "a part of the line, named; test_by_hand.py types whole ones",
    "ssh aux.kko sudo systemctl restart docker": "no systemd in the lab",
    "sudo usermod -aG docker USER": "would change this machine's accounts",
    "sudo systemctl status docker": "no systemd in the lab",
    "timedatectl status": "no systemd in the lab",
}


def lines() -> dict[str, str]:
    """Return each line that somebody types, and the first runbook that shows it."""
    found: dict[str, str] = {}
    for page in sorted(RUNBOOKS.glob("*.md")):
        for line in shown(page):
            found.setdefault(line, page.stem)
    return found


def shown(page: Path) -> Iterator[str]:
    text = page.read_text("utf-8")
    code = [line for block in blocks(text) for line in block.body.splitlines()]
    code += [line for line in prose(text).splitlines() if line.startswith("    ")]
    for line in (*code, *spans(text)):
        typed = line.strip()
        if any(typed.startswith(f"{program} ") for program in PROGRAMS):
            yield typed


LINES = lines()


def filled(line: str) -> str:
    for word, value in FILLED.items():
        line = line.replace(word, value)
    return line


@pytest.fixture
def locked(operator: Operator) -> Iterator[Operator]:
    """Give an operator, and what a run and what it owes are kept in: something to inspect."""
    for name in ("dtdeploy.run", "dtdeploy.owed"):
        hosts.run(COORDINATOR, "sh", "-c", f"echo test | docker config create {name} -")
    yield operator
    hosts.docker(COORDINATOR, "config", "rm", "dtdeploy.run", "dtdeploy.owed", check=False)


def test_every_line_of_a_runbook_can_be_typed(locked: Operator) -> None:
    """All in one test: none changes anything, and one lab is enough."""
    failed = {}
    for line in sorted(TYPED):
        typed = filled(line)
        if typed.startswith(("ssh", "git")):
            typed = re.sub(r"^ssh ", "ssh -o BatchMode=yes ", typed)
            done = control.ops(["sh", "-c", typed], timeout=60, machine=locked.machine)
        else:
            done = hosts.run(COORDINATOR, "sh", "-c", typed, check=False)
        if done.returncode != 0:
            failed[line] = (LINES[line], done.returncode, done.stderr)
    assert failed == {}
    assert locked.touched() == []
