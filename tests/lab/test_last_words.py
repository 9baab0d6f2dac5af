"""What has finished, what is at its end, and what dies while nobody looks any more."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from tests.lab.conftest import Done, Operator, Running

pytestmark = pytest.mark.lab

HOST = "frb-vsop.chime"
IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail-client:latest"
SITES = """
version: 1
managed_prefix: work
coordinator: chime
repos:
  datatrail-admin: {url: "ssh://git@github.com/chimefrb/datatrail-admin", ref: main}
sites:
  chime: {manager: frb-vsop.chime, stacks: [work-server, work-app, work-data]}
"""
STACKS = {
    "work-server": "services: [srv]\npolicy: {stable: 1s}\n",
    "work-app": "services: [web]\ndepends_on: [work-server@chime]\npolicy: {stable: 5s}\n",
    "work-data": "services: [migrate, load, db]\npolicy: {stable: 1s}\n",
}
ONCE = "deploy: {restart_policy: {condition: none}}"
IDLE = f"image: {IMAGE}, command: [idle], stop_grace_period: 2s, {ONCE}"
ENDS = f'image: {IMAGE}, entrypoint: ["/bin/sh", "-c", "exit 0"]'
FILES = {
    "work/work-server.yaml": f'version: "3.8"\nservices:\n  srv: {{{IDLE}}}\n',
    "work/work-app.yaml": f'version: "3.8"\nservices:\n  web: {{{IDLE}}}\n',
    "work/work-data.yaml": f"""
version: "3.8"
services:
  migrate: {{{ENDS}, {ONCE}}}
  load: {{{ENDS}, deploy: {{mode: replicated-job, replicas: 2}}}}
  db: {{{ENDS}, deploy: {{restart_policy: {{condition: on-failure}}}}}}
""",
}
LAST_LOOK_SECONDS = 10.0
"""Two, as measured on a quiet machine, and time for a busy one."""
SAID = (
    "work-data_db/1: ended with exit code 0, and is not started again (restart condition"
    " on-failure); if it is meant to end: finishes: [db] in stacks/work-data.yaml"
)


@pytest.fixture
def work(operator: Operator, tmp_path: Path) -> Iterator[Operator]:
    """Give an operator of three stacks at one site, none of which runs."""
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "stacks").mkdir()
    for name, text in STACKS.items():
        head = f"repo: datatrail-admin\ncompose: work/{name}.yaml\n"
        (tmp_path / "stacks" / f"{name}.yaml").write_text(head + text)
    faults.commit("datatrail-admin", FILES)
    somebody = Operator(tmp_path / "sites.yaml")
    somebody.since = operator.since
    yield somebody
    ended = somebody.types("down", "--all", "--yes")
    assert ended.code == 0, ended


def flat(done: Done) -> str:
    """Return what stood on the screen, wherever lines were broken."""
    return " ".join(f"{done.out} {done.err}".split())


def containers(stack: str) -> list[str]:
    words = ("ps", "-q", "--filter", f"label=com.docker.stack.namespace={stack}")
    return hosts.docker(HOST, *words).stdout.split()


def tasks(service: str) -> set[str]:
    return set(hosts.docker(HOST, "service", "ps", "-q", service).stdout.split())


def dies(stack: str) -> None:
    """End the one container of a stack; nothing starts another."""
    hosts.docker(HOST, "kill", *containers(stack))


@pytest.mark.timeout(600)
def test_finished_is_finished_and_a_clean_end_under_on_failure_is_not(
    work: Operator, tmp_path: Path
) -> None:
    for words in (("up", "work-data@chime", "--yes"), ("status",), ("verify", "work-data@chime")):
        done = work.types(*words)
        assert done.code == 21, done
        assert SAID in flat(done), done
    told = json.loads(work.types("--json", "status").out)
    (row,) = (row for row in told["units"] if row["stack"] == "work-data")
    assert (row["words"], sorted(row["finished"])) == ([SAID], ["load", "migrate"])
    stack = tmp_path / "stacks" / "work-data.yaml"
    stack.write_text(f"{stack.read_text()}finishes: [db]\n")
    told = json.loads(work.types("--json", "status").out)
    (row,) = (row for row in told["units"] if row["stack"] == "work-data")
    assert (row["verdict"], row["words"], row["expected"]) == ("healthy", [], 0)
    assert sorted(row["finished"]) == ["db", "load", "migrate"]
    verified = work.types("verify", "work-data@chime")
    assert verified.code == 0, verified
    before = tasks("work-data_migrate")
    work.begin()
    again = work.types("up", "work-data@chime", "--yes")
    assert again.code == 0, again
    assert work.touched() == []
    restarted = work.types("restart", "work-data@chime", "--yes")
    assert restarted.code == 0, restarted
    assert not before & tasks("work-data_migrate")


@pytest.mark.timeout(600)
def test_what_failed_for_good_is_started_under_its_dependents_and_nothing_else_is(
    work: Operator,
) -> None:
    both = ("work-server@chime", "work-app@chime")
    up = work.types("up", *both, "--yes")
    assert up.code == 0, up
    users = containers("work-app")
    dies("work-server")
    wait_until(
        lambda: work.types("status").code == 21, seconds=30, what="a server that is at its end"
    )
    assert "failed (task: non-zero exit (137)), and is not started again" in flat(
        work.types("status")
    )
    work.begin()
    up = work.types("up", "work-server@chime", "--yes")
    assert up.code == 0, up
    assert len(containers("work-server")) == 1
    assert containers("work-app") == users
    assert {words.split()[-1] for words in work.touched() if " service " in words} == {
        "work-server_srv"
    }


@pytest.mark.timeout(600)
def test_a_unit_that_dies_while_it_is_left_alone_or_once_it_was_stable_is_named(
    work: Operator,
) -> None:
    both = ("work-server@chime", "work-app@chime")
    assert work.types("up", "work-server@chime", "--yes").code == 0
    for words, code in (
        (("up", *both), "run.left-unhealthy"),
        (("restart", *both), "run.broke-later"),
    ):
        running = work.starts("--json", *words, "--yes")
        # What is left alone, or was seen to be stable, dies while the other is watched.
        until(running, "step_started", "settle work-app@chime")
        if words[0] == "restart":
            until(running, "step_done", "settle work-server@chime")
        dies("work-server")
        until(running, "step_done", "settle work-app@chime")
        began = time.monotonic()
        done = running.ends()
        took = time.monotonic() - began
        print(f"{code}: {took:.2f} s after the last step")  # noqa: T201 - a figure to report
        assert done.code == 21, done
        assert took < LAST_LOOK_SECONDS, done
        lines = [json.loads(line) for line in done.out.splitlines()]
        told = [line for line in lines if code in json.dumps(line)]
        assert "work-server_srv" in json.dumps(told), done


def until(running: Running, event: str, step: str) -> None:
    def said() -> bool:
        lines = [json.loads(line) for line in running.out().split("\n")[:-1]]
        return any(line["event"] == event and step in json.dumps(line) for line in lines)

    wait_until(said, seconds=120, what=f"{event} {step}")
