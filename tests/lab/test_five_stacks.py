"""A fleet as they are: three Swarms of eight nodes, five stacks that share what they make.

The database's network is used by whoever calls it external, and no `depends_on` says so. What is
printed is typed as it is printed.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import commits, control, faults, hosts, lifecycle, paths
from lab.processes import wait_until
from tests.lab import eight_nodes
from tests.lab.conftest import Done, Operator, Running
from tests.lab.eight_nodes import FIRST, IDLE_WORKER, LABEL, SECOND, STORE, THIRD
from tests.lab.test_by_hand import typed
from tests.lab.test_recovery import deep

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

UP = ["create quarry_db", "create lantern_app", "create Wal_Nut_daily"]
DOWN = ["remove Wal_Nut_daily", "remove lantern_app", "remove quarry_db"]
TASKS = re.compile(r"\w+ of \w+@kko")
_SECONDS = 90


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Give the operator of the fleet, in a lab of its own; all of it came up from nothing."""
    folder = tmp_path_factory.mktemp("five")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
        try:
            lifecycle.up(eight_nodes.SHAPE)
            eight_nodes.furnish()
            somebody = Operator(eight_nodes.written(folder))
            in_order(does(somebody, "up", "--all"), *UP)
            yield somebody
        finally:
            lifecycle.down(purge=True)


@pytest.fixture
def operator(fleet: Operator) -> Iterator[Operator]:
    """Give the same with nothing touched yet; every node and unit is well again afterwards."""
    fleet.begin()
    yield fleet
    for running in list(Running.alive):
        running.kill()
    eight_nodes.furnish()
    faults.heal()
    wait_until(eight_nodes.are_ready, seconds=_SECONDS, what="all nodes to be ready")
    again = fleet.types("up", "--all", "--yes")
    assert again.code == 0, str(again)


def does(operator: Operator, *words: str) -> list[str]:
    """Let a command be carried out to a good end; returns the removals and creations in order."""
    operator.begin()
    done = operator.types(*words, "--yes")
    assert done.code == 0, str(done)
    return events(operator)


def events(operator: Operator) -> list[str]:
    seen = [words.split() for words in operator.touched()]
    return [
        f"{action} {name}"
        for host, kind, action, name in (words[:4] for words in seen if len(words) >= 4)
        # Each manager of a Swarm tells the same.
        if host not in (SECOND, THIRD) and kind == "service" and action in ("create", "remove")
    ]


def in_order(seen: list[str], *wanted: str) -> None:
    """Hold that all of these happened, one after the other, whatever happened beside them."""
    rest = iter(seen)
    assert all(any(one == words for one in rest) for words in wanted), seen


def dies(name: str) -> None:
    """Let a node be lost without a word of what ran there, and its Swarm miss it."""
    if name == FIRST:
        faults.cut(name)
    else:
        faults.docker_freeze(name)
    wait_until(lambda: name in eight_nodes.away(), seconds=_SECONDS, what=f"{name} to be missed")


def accepting(words: str) -> tuple[str, ...]:
    """Return the flags that a refusal prints, with a reason in the place of TEXT."""
    found = re.search(r"--accept-lost \S+ --because TEXT", " ".join(words.split()))
    assert found, words
    return tuple(shlex.split(found.group(0).replace("TEXT", "'its power supply is dead'")))


def plain(done: Done) -> str:
    """Return what it printed without how it was laid out."""
    return " ".join(done.out.split())


def types_in_a_shell(line: str) -> None:
    done = control.ops(["sh", "-c", line])
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def refused(operator: Operator, *words: str, code: str) -> str:
    """Hold that a command is refused with this code before anything is touched."""
    operator.begin()
    done = operator.types(*words)
    assert done.code == 20, done
    assert f"[{code}]" in done.err, done
    assert operator.touched() == []
    return done.err


def test_makers_come_up_first_and_go_down_last(operator: Operator) -> None:
    in_order(does(operator, "restart", "--all"), *DOWN, *UP)
    told = json.loads(operator.types("--json", "plan", "--for", "down", "quarry@kko").out)
    assert {(use["user"], use["maker"]) for use in told["uses"]} == {
        ("lantern@kko", "quarry@kko"),
        ("Wal_Nut@kko", "quarry@kko"),
    }
    in_order(does(operator, "down", "--all"), *DOWN)
    # One that was asked for alone brings what it needs, of which only the files tell.
    in_order(does(operator, "up", "Wal_Nut@kko"), *UP)
    assert does(operator, "up", "--all").count("create gnats_agent") == 3
    checked = operator.types("inventory", "check", "--sources")
    assert checked.code == 0, checked
    assert "add quarry@kko to depends_on in stacks/Wal_Nut.yaml" in checked.err
    assert "lantern@kko uses volume quarry_rock, which quarry makes" in checked.err


def test_a_change_of_one_stack_is_deployed_alone(operator: Operator) -> None:
    file = "five/gnats.yaml"
    text = commits.read("datatrail-admin", file)
    faults.commit("datatrail-admin", {file: text.replace("{image", "{environment: [A=1], image")})
    assert does(operator, "deploy", "gnats@kko") == ["remove gnats_agent", "create gnats_agent"]


@deep
def test_what_is_printed_for_a_shell_keeps_the_order(operator: Operator, tmp_path: Path) -> None:
    for what, order in (("down", DOWN), ("up", UP)):
        printed = operator.types("plan", "--for", what, "--all", "--as-commands")
        assert printed.code == 0, printed
        operator.begin()
        done = typed(printed.out, tmp_path)
        assert done.code == 0, str(done)
        in_order(events(operator), *order)


def test_the_database_does_not_go_down_under_whoever_uses_its_network(
    operator: Operator, tmp_path: Path
) -> None:
    # Somebody else's inventory knows the database alone.
    alone = Operator(eight_nodes.written(tmp_path, only=("quarry",)))
    stranger = ("--name", "moth", "--network", "quarry_pit", "--detach", eight_nodes.IMAGE, "idle")
    hosts.docker(FIRST, "service", "create", *stranger)
    shell = ("-d", "--name", "shell", "--network", "quarry_pit", eight_nodes.IMAGE, "idle")
    hosts.docker(FIRST, "run", *shell)
    try:
        for who, words in (
            (operator, ("down", "--all", "--yes")),
            (operator, ("restart", "quarry@kko", "--yes")),
            (alone, ("down", "quarry@kko", "--yes")),
            (alone, ("down", "quarry@kko", "--dry-run")),
        ):
            screen = refused(who, *words, code="removal.in-use")
            assert "service moth uses network quarry_pit" in screen
            ours = "service lantern_app uses network quarry_pit"
            assert (ours in screen) is (who is alone), screen
            lines = re.findall(r"^ +(ssh .+)$", screen, re.MULTILINE)
            assert len(lines) == (4 if who is alone else 2), screen
        for line in lines:
            types_in_a_shell(line)
    finally:
        hosts.docker(FIRST, "rm", "-f", "shell", check=False)
        hosts.docker(FIRST, "service", "rm", "moth", check=False)
    assert operator.types("down", "quarry@kko", "--dry-run").code == 0
    # Nor under one that is left out.
    left = ("--without", "chime", "--because", "not now")
    assert "Wal_Nut@chime" in refused(
        operator, "down", "quarry@kko", *left, "--yes", code="without.runs"
    )


def test_a_dead_worker_matters_to_what_ran_there_and_may_come_back(operator: Operator) -> None:
    dies(IDLE_WORKER)
    done = operator.types("restart", "Wal_Nut@kko", "--yes")
    assert done.code == 0, str(done)
    assert f"WARNING node {IDLE_WORKER} of kko is down; nothing of what goes down" in plain(done)
    everywhere = ("restart", "gnats@kko", "paddle@kko")
    shown = plain(operator.types(*everywhere, "--dry-run"))
    assert f"node {IDLE_WORKER} of kko is down, and " in shown
    assert {"agent of gnats@kko", "web of paddle@kko"} <= set(TASKS.findall(shown)), shown
    screen = refused(operator, *everywhere, "--yes", code="swarm.node-not-ready")
    assert accepting(screen) == accepting(shown)
    operator.begin()
    running = operator.starts(*everywhere, "--yes", *accepting(screen))
    running.until_it_says("preflight passed")
    faults.docker_thaw(IDLE_WORKER)
    done = running.ends()
    assert done.code == 0, str(done)
    wait_until(eight_nodes.are_ready, seconds=_SECONDS, what="all nodes to be ready")
    status = operator.types("status")
    assert status.code == 0, status
    assert re.search(r"gnats@kko +healthy +6/6", status.out), status


def test_what_only_a_dead_node_may_run_is_said_at_once_with_what_lies_there(
    operator: Operator,
) -> None:
    dies(STORE)
    needs = f"quarry_db needs node.labels.{LABEL} == stone, which only {STORE} (down) meets"
    shown = operator.types("restart", "quarry@kko", "--dry-run")
    assert needs in plain(shown), shown
    screen = refused(operator, "restart", "quarry@kko", "--yes", code="swarm.no-node-fits")
    assert "quarry_db keeps data there: volume quarry_rock at /data" in screen
    assert f"quarry_db may run nowhere else: node.labels.{LABEL} == stone" in screen
    assert f"its data is on {STORE}, and may be missed elsewhere: volume quarry_rock" in screen
    flags = accepting(screen)
    again = refused(operator, "restart", "quarry@kko", "--yes", *flags, code="swarm.no-node-fits")
    labelled = re.search(r"ssh \S+ docker node update --label-add \S+ \S+", " ".join(again.split()))
    assert labelled, again
    types_in_a_shell(labelled.group(0))
    in_order(does(operator, "restart", "quarry@kko", *flags), "remove lantern_app", *UP)


@deep
def test_a_dead_first_manager_leaves_as_it_is_printed(operator: Operator) -> None:
    """Nobody types at the host that is dead."""
    dies(FIRST)
    screen = refused(operator, "restart", "gnats@kko", "--yes", code="swarm.node-not-ready")
    line = re.search(rf"ssh {SECOND} 'docker node demote \S+ && docker node rm [^']+'", screen)
    assert line, screen
    types_in_a_shell(line.group(0))
    does(operator, "restart", "gnats@kko")
