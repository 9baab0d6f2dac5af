import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import RefusedError, UsageError
from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    Policy,
    PostgresProbe,
    TcpProbe,
    Via,
)
from orchestrator.fleet.ownership import Ownership
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.inventory.model import Inventory, Manager, SiteState
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.planning.sharing import with_uses
from orchestrator.procedures.by_hand import ByHand, by_hand
from orchestrator.procedures.hand_lines import deployed, functions, pulled, shipped, strangers
from orchestrator.procedures.hand_probes import asked
from tests.build import CLIENT, SERVER, inventory, spec

ALL = Request(everything=True)


PATIENT = Policy(remove_seconds=40, healthy_seconds=90, stable_seconds=10)


def fleet(*, far: SiteState = SiteState.ACTIVE) -> Inventory:
    return with_server(inventory(states={"far": far}), policy=PATIENT)


def with_server(inv: Inventory, **other: object) -> Inventory:
    """Say something more of the server."""
    units = (spec(SERVER, announce=True, **other), *(s for s in inv.units if s.unit != SERVER))
    return replace(inv, units=units)


def typed(
    inv: Inventory, command: Command = Command.RESTART, request: Request = ALL
) -> tuple[ByHand, list[str]]:
    made = by_hand(inv, command, request, {})
    return made, [line for part in made.passages for line in part.lines]


def places(lines: list[str], *begins: str) -> list[int]:
    """Where the first line stands that begins so, each of them."""
    return [next(i for i, line in enumerate(lines) if line.startswith(begin)) for begin in begins]


def test_nothing_goes_down_before_all_is_fit_and_nothing_needs_it() -> None:
    made, lines = typed(fleet())
    order = places(
        lines,
        'echo "by hand, $USER" | into home.example',
        "ready far.example",
        "pull far.example by-hand/app-client/stacks",
        "rm_services far.example app-client",
        "wait_ended far.example app-client 120",
        "rm_rest far.example app-client 120",
        "gone far.example app-client",
        "wait_ended home.example app 40",
    )
    assert order == sorted(order)
    last_looks = {f"gone {unit}" for unit in ("far.example app-client", "home.example app-daemons")}
    down = lines.index("rm_services home.example app")
    assert last_looks <= set(lines[order[-2] - 3 : down])
    assert down < order[-1]
    assert made.announced == (SERVER,)


def test_what_needs_the_server_comes_up_once_it_is_healthy() -> None:
    _, lines = typed(fleet())
    server = lines.index("wait_running home.example app 90")
    assert (
        places(lines, "on home.example 'cd by-hand/app/stacks && docker stack deploy")[0] < server
    )
    client = "on far.example 'cd by-hand/app-client/stacks && docker stack deploy"
    assert places(lines, client)[0] > server
    assert lines[-1] == "on home.example 'docker config rm dtdeploy.run'"
    assert "same_tasks far.example app-client 10" in lines


def test_down_ends_with_everything_gone() -> None:
    made, lines = typed(fleet(), Command.DOWN)
    assert not [line for line in lines if "deploy" in line and "dtdeploy.run" not in line]
    assert "rm_rest home.example app 40" in lines
    assert made.announced


def test_up_takes_nothing_down_and_looks_at_what_is_needed() -> None:
    made, lines = typed(fleet(), Command.UP, Request(units=(str(CLIENT),)))
    assert not [line for line in lines if line.startswith("rm_services ")]
    needed, absent, up = places(
        lines,
        "wait_running home.example app",
        "gone far.example app-client",
        "on far.example 'cd by-hand",
    )
    assert needed < absent < up
    assert "ready home.example ''" in lines
    assert made.announced == ()


def test_what_depends_on_a_unit_goes_down_with_it() -> None:
    _, lines = typed(fleet(), Command.RESTART, Request(units=(str(SERVER),)))
    assert "rm_services far.example app-client" in lines


def test_a_watched_site_is_looked_at_and_left_alone() -> None:
    _, lines = typed(fleet(far=SiteState.WATCHED))
    assert "gone far.example app-client" in lines
    assert "rm_services far.example app-client" not in lines


def test_a_site_that_is_left_out_is_named_where_it_matters() -> None:
    request = Request(everything=True, without=("far",), because="cut off")
    made, lines = typed(fleet(), Command.RESTART, request)
    assert not [line for line in lines if "far.example" in line]
    about = next(part.about for part in made.passages if part.about.startswith("Nothing that"))
    assert about.endswith("(not at app-client@far, which lose what they need if they run)")


def test_refs_take_the_place_of_those_declared() -> None:
    made = by_hand(fleet(), Command.RESTART, ALL, {"app": "v7"})
    lines = [line for part in made.passages for line in part.lines]
    assert "git -C app.git log -1 --oneline v7 --" in lines
    assert [line for line in lines if line.startswith("git -C app.git archive v7 ")]


@pytest.mark.parametrize("command", [Command.DEPLOY, Command.VERIFY, Command.ROLLBACK])
def test_what_depends_on_what_runs_cannot_be_written_down(command: Command) -> None:
    with pytest.raises(UsageError, match="depends on what runs"):
        by_hand(fleet(), command, ALL, {})


def test_a_watched_unit_by_name_is_refused() -> None:
    with pytest.raises(RefusedError):
        by_hand(fleet(far=SiteState.WATCHED), Command.DOWN, Request(units=(str(CLIENT),)), {})


def test_probes_are_asked_before_and_after() -> None:
    health = HttpProbe(name="health", host="127.0.0.1", port=80)
    database = PostgresProbe(name="database", host="db")
    inv = with_server(inventory(), probes=(health,), requires=(database,))
    _, lines = typed(inv)
    down = lines.index("rm_services home.example app")
    before = next(i for i, line in enumerate(lines) if "/dev/tcp/db/5432" in line)
    after = next(i for i, line in enumerate(lines) if "http://127.0.0.1:80/" in line)
    assert before < down < after


def test_secrets_go_through_the_input_and_are_asked_for_first() -> None:
    inv = with_server(inventory(), secret_variables=("DB_PASSWORD",), variables=(("TAG", "a b"),))
    _, lines = typed(inv)
    wanted, down = places(lines, ': "${DB_PASSWORD:?', "rm_services home.example")
    assert wanted < down
    line = next(line for line in lines if "docker stack deploy" in line)
    assert line.startswith("""printf '%s\\n' "$DB_PASSWORD" | into home.example """)
    done = shlex.split(line)[-1]
    assert "read -r DB_PASSWORD && export DB_PASSWORD" in done
    assert "export TAG='a b'" in done


def test_all_that_a_compose_file_may_refer_to_is_shipped(tmp_path: Path) -> None:
    """As a release does: an env_file, a config or a secret may lie outside of its folder."""
    work = tmp_path / "work"
    (work / "env").mkdir(parents=True)
    (work / "stacks" / "deep").mkdir(parents=True)
    (work / "env" / "common.env").write_text("A=1\n")
    (work / "stacks" / "deep" / "compose.yaml").write_text("services: {}\n")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        who = ("-c", "user.name=x", "-c", "user.email=x@y")
        subprocess.run(["git", *who, *words], cwd=work, check=True)
    (tmp_path / "app.git").symlink_to(work / ".git")
    line = shipped("h", replace(spec(CLIENT), compose="stacks/deep/compose.yaml"), "HEAD")
    archive = shlex.split(line.partition(" | ")[0])
    done = subprocess.run(archive, cwd=tmp_path, check=True, capture_output=True)
    listed = subprocess.run(["tar", "-t"], input=done.stdout, check=True, capture_output=True)
    assert {"env/common.env", "stacks/deep/compose.yaml"} <= set(listed.stdout.decode().split())


def test_a_compose_file_at_the_top_of_its_repository() -> None:
    unit = replace(spec(CLIENT), compose="compose.yaml", variables=(("A", "1"),))
    assert shipped("h", unit, "main").startswith("git -C app.git archive main | into h")
    assert deployed("h", unit).startswith("on h 'cd by-hand/app-client && export A=1 && docker")
    assert "docker pull" in pulled("h", unit)


@pytest.mark.parametrize(
    ("manager", "host"),
    [
        (Manager(host="a.b"), "a.b"),
        (Manager(host="a.b", user="me"), "me@a.b"),
        (Manager(host="a.b", port=2222), "ssh://a.b:2222"),
        (Manager(host="a.b", user="me", port=2222), "ssh://me@a.b:2222"),
    ],
)
def test_how_a_manager_is_reached(manager: Manager, host: str) -> None:
    assert manager.target == host


def test_a_probe_from_here_needs_no_ssh() -> None:
    probe = TcpProbe(name="port", host="db", port=5, via=Via.HERE)
    assert asked("h", probe) == 'timeout 5 bash -c "exec 3<>/dev/tcp/db/5"'


def test_a_status_is_compared() -> None:
    probe = HttpProbe(name="p", host="s", port=1, status=204, via=Via.HERE)
    assert asked("h", probe).endswith('http://s:1/)" = 204 ]')


EXPECT = (
    JsonExpectation(path="status", equals="ok"),
    JsonExpectation(path="checks.db", equals=True),
)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"status": "ok", "checks": {"db": true}}', 0),
        ('{"status": "ok", "checks": {"db": false}}', 1),
        ('{"status": "it\'s bad", "checks": {"db": true}}', 1),
        ('{"status": "ok"}', 1),
        ("", 1),
    ],
)
def test_what_is_expected_in_the_json_is_judged(answer: str, code: int) -> None:
    """The real judgment, by the python3 that the line calls."""
    probe = HttpProbe(name="p", host="s", port=1, expect=EXPECT, via=Via.HERE)
    asking, _, judging = asked("h", probe).partition(" | ")
    assert asking == "curl -sS -m 5 -f http://s:1/"
    done = subprocess.run(
        ["sh", "-c", judging], input=answer, text=True, capture_output=True, check=False
    )
    assert done.returncode == code


def test_an_error_that_is_expected_is_no_error() -> None:
    probe = HttpProbe(name="p", host="s", port=1, status=503, expect=EXPECT, via=Via.HERE)
    assert asked("h", probe).startswith("curl -sS -m 5 http://s:1/ | ")


SHOP = Unit(stack="app-shop", site="far")
USE = Use(user=CLIENT, maker=SHOP, kind="network", name="app-shop_net")


def test_what_uses_what_another_makes_goes_down_before_it_and_comes_up_after_it() -> None:
    sharing, _ = with_uses(inventory(spec(SHOP)), (USE,))
    made, lines = typed(sharing, request=Request(units=(str(SHOP),)))
    assert made.uses == (USE,)
    assert lines.index("rm_rest far.example app-client 120") < lines.index(
        "rm_services far.example app-shop"
    )
    up = [line.rsplit(" ", 1)[-1].strip("'") for line in lines if "stack deploy" in line]
    assert up == ["app-shop", "app-client"]


ACCEPTED = Request(everything=True, accept_lost=("far-w1@far",), because="its power is off")


def test_a_node_that_somebody_answers_for_is_passed_on_to_the_lines_of_its_site() -> None:
    _, lines = typed(fleet(), request=ACCEPTED)
    assert "ready far.example app-client 0 far-w1" in lines
    assert "ready home.example app,app-client,app-daemons" in lines
    assert "wait_ended far.example app-client 120 far-w1" in lines
    assert "gone far.example app-client 0 far-w1" in lines
    assert "gone home.example app-daemons" in lines


def test_managers_that_may_stand_in_are_named_with_those_that_they_stand_in_for() -> None:
    inv = fleet()
    sites = tuple(
        replace(site, others=(Manager(host="far-m2", user="ada"),)) if site.name == "far" else site
        for site in inv.sites
    )
    made, _ = typed(replace(inv, sites=sites))
    assert made.deputies == (("far.example", ("ada@far-m2",)),)


SSH = """#!/bin/sh
while [ "$1" != host ]; do shift; done
shift
exec sh -c "$*"
"""
DOCKER = """#!/bin/sh
case "$1 $2" in
    "node ls") cat "$FOLDER/nodes" ;;
    "stack ps") cat "$FOLDER/tasks"; exit 1 ;;
    "service ls" | "ps -q") ;;
    *) exit 9 ;;
esac
"""
"""What Docker says is in two files; `docker stack ps` fails where a stack is gone."""


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str, str, str], tuple[int, str]]:
    """Give what types a line at a manager whose Docker says this, and returns how it ends."""
    for name, text in (("ssh", SSH), ("docker", DOCKER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)

    def types(line: str, nodes: str, tasks: str) -> tuple[int, str]:
        (tmp_path / "nodes").write_text(nodes)
        (tmp_path / "tasks").write_text(tasks)
        done = subprocess.run(
            ["sh", "-c", "\n".join((*functions(), line))],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "FOLDER": str(tmp_path)},
            text=True,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return types


WELL = "m1.far Ready\nw1 Ready\n"
DEAD = "m1.far Ready\nw1 Down\n"
GONE = "nothing found in stack: app\n"
THERE = "w1 Running 5 minutes ago app_web.1\n"
WAITING = " Pending 3 seconds ago app_web.2\n"


@pytest.mark.parametrize(
    ("nodes", "tasks", "line", "code"),
    [
        (WELL, THERE, "ready host app", 0),
        (DEAD, GONE, "ready host app", 0),
        (DEAD, "w1 Shutdown 1 second ago app_web.1\n", "ready host app", 0),
        (DEAD, "m1.far Running 1 second ago app_web.1\n" + WAITING, "ready host app", 0),
        (DEAD, THERE, "ready host ''", 0),
        (DEAD, THERE, "ready host app", 1),
        (DEAD, THERE, "ready host app-x,app", 1),
        (DEAD, THERE, "ready host app 0 w1", 0),
        (DEAD, THERE, "ready host app 0 'w2|w1'", 0),
        (DEAD, THERE, "ready host app 0 w2", 1),
        (DEAD, "Error response from daemon: no leader\n", "ready host app", 1),
        (WELL, GONE, "gone host app", 0),
        (DEAD, THERE, "gone host app", 1),
        (DEAD, THERE, "gone host app 0 w1", 0),
        (DEAD, THERE + WAITING, "gone host app 0 w1", 1),
        (WELL, THERE, "gone host app 0 w1", 1),
        (DEAD, "Error response from daemon: no leader\n", "gone host app 0 w1", 1),
        (DEAD, THERE, "wait_ended host app 1 w1", 0),
        (WELL, THERE, "wait_ended host app 1 w1", 1),
        (DEAD, THERE, "wait_ended host app 1", 1),
    ],
)
def test_nodes_are_judged_as_a_run_judges_them(
    shell: Callable[[str, str, str], tuple[int, str]], nodes: str, tasks: str, line: str, code: int
) -> None:
    """By the lines themselves: what was last seen on a node that is not Ready blocks."""
    ended, said = shell(line, nodes, tasks)
    assert ended == code, said
    if line.startswith("ready") and code:
        assert "--accept-lost NODE@SITE --because TEXT" in said


@pytest.mark.parametrize(
    ("stack", "is_strange"),
    [("app", False), ("app-new", True), ("my-agent", True), ("app-lab1", False), ("web", False)],
)
def test_who_is_a_stranger_is_told_by_patterns_of_names(stack: str, *, is_strange: bool) -> None:
    ours = Ownership(managed=("app*", "*-agent"), ignored=("app-lab?",))
    found = strangers("host", ours, ["app"]).partition("! ")[2].rpartition("'")[0]
    said = subprocess.run(
        ["bash", "-c", f"stacks={stack}; {found}"], capture_output=True, text=True, check=False
    )
    assert (said.stdout.strip() == stack) is is_strange


def test_without_a_prefix_nobody_is_a_stranger() -> None:
    _, lines = typed(fleet())
    assert any("grep" in line and "docker stack ls" in line for line in lines)
    _, fewer = typed(replace(fleet(), managed_prefix=""))
    assert not any("docker stack ls" in line for line in fewer)
