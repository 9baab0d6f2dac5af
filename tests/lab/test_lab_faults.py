"""Each fault breaks what it says, and its way back mends it. In a lab of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import byhand, commits, control, faults, hosts, lifecycle, paths, processes
from lab.errors import LabError
from lab.faults import Kind
from lab.standins.repos import DAEMONS_STACK, SERVER_STACK
from lab.topology import Shape
from lab.witness import containers, events, mutations, now, unreachable_lines, violations
from tests.lab.conftest import DEEP

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

DATATRAIL = "ssh://git@github.com/chimefrb/datatrail"
IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail:latest"
PROBE = """
exec 3<>/dev/tcp/frb-vsop.chime/8001
printf 'GET /health/check HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' >&3
timeout 2 cat <&3 | tail -1
"""


@pytest.fixture(scope="module", autouse=True)
def own_lab() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.VARIABLE, str(paths.folder() / "own"))
        lifecycle.up(Shape(sites=3, few=True))
        yield
        lifecycle.down(purge=True)


@pytest.fixture(autouse=True)
def whole_again() -> Iterator[None]:
    yield
    faults.heal()
    faults.pristine()


def ssh(host: str, *command: str) -> subprocess.CompletedProcess[str]:
    return control.ops(["ssh", "-o", "ConnectTimeout=2", host, *(command or ("true",))], timeout=20)


def node_state(name: str) -> str:
    nodes = hosts.docker("kko", "node", "ls", "--format", "{{.Hostname}} {{.Status}}").stdout
    return dict(line.split() for line in nodes.splitlines())[name]


def health() -> str:
    return control.ops(["bash", "-c", PROBE], timeout=20).stdout


def wait_for(what: str, condition: object, *, seconds: float = 60) -> None:
    assert callable(condition)
    processes.wait_until(lambda: bool(condition()), seconds=seconds, what=what)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (faults.cut, "timed out"),
        (faults.reject, "refused"),
        (faults.hang, "banner exchange"),
    ],
)
def test_a_broken_link(fault: object, says: str) -> None:
    assert callable(fault)
    fault("aux.kko")
    assert says in ssh("aux.kko").stderr
    assert ssh("frb-vsop.chime").returncode == 0
    faults.heal("aux.kko")
    assert ssh("aux.kko").returncode == 0


def test_a_hanging_host_takes_connections() -> None:
    faults.hang("aux.kko")
    assert control.ops(["bash", "-c", "</dev/tcp/aux.kko/22"], timeout=5).returncode == 0


def test_a_hang_holds_back_what_an_open_connection_says() -> None:
    speaking = control.start(["ssh", "aux.kko", "echo begun; sleep 1; echo said"])
    assert speaking.stdout is not None
    assert speaking.stdout.readline() == "begun\n"
    faults.hang("aux.kko")
    with pytest.raises(subprocess.TimeoutExpired):
        speaking.wait(timeout=3)
    faults.heal("aux.kko")
    assert speaking.communicate(timeout=30)[0] == "said\n"


def test_a_cut_site_is_whole_inside() -> None:
    faults.cut("kko")
    time.sleep(1)
    reach_worker = ["bash", "-c", "timeout 2 bash -c '</dev/tcp/198.18.3.2/7946'"]
    assert hosts.run("aux.kko", *reach_worker, check=False).returncode == 0
    assert ssh("aux.kko").returncode != 0


def test_a_slow_link_is_slow() -> None:
    quick = min(login_seconds() for _ in range(3))
    faults.slow("aux.kko", delay_ms=150)
    assert login_seconds() > quick + 0.9


def login_seconds() -> float:
    began = time.monotonic()
    assert ssh("aux.kko").returncode == 0
    return time.monotonic() - began


def test_a_thin_link_is_thin() -> None:
    faults.slow("aux.kko", rate="256kbit")
    began = time.monotonic()
    assert len(ssh("aux.kko", "head -c 100000 /dev/zero").stdout) == 100_000
    assert time.monotonic() - began > 2


def test_another_host_key_is_noticed() -> None:
    faults.hostkey("kko")
    assert "HOST IDENTIFICATION HAS CHANGED" in ssh("aux.kko").stderr
    faults.hostkey_restore("kko")
    assert ssh("aux.kko").returncode == 0


def on_worker() -> list[int]:
    found = in_containers_of("kko-w1")
    return [pid for pid in found if "/lib/idle.sh" in processes.command_line(pid)]


def in_containers_of(host: str) -> list[int]:
    """List the processes in a host's containers, on a machine with more labs than this."""
    group = f"/{paths.label()}/{hosts.find(host).uts_name}/"
    return [pid for pid in processes.all_pids() if group in cgroups(pid)]


def cgroups(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_frozen_worker_is_down_while_its_containers_run() -> None:
    faults.stack("kko", "datatrail-extra", replicas=2)
    wait_for("a container on the worker", on_worker)
    idle = on_worker()
    faults.docker_freeze("kko-w1")
    wait_for("the node to be down", lambda: node_state("kko-w1") == "Down")
    assert idle
    assert set(idle) <= set(on_worker())
    faults.docker_thaw("kko-w1")
    wait_for("the node to be ready", lambda: node_state("kko-w1") == "Ready")
    faults.stack_remove("kko", "datatrail-extra")


def test_a_stopped_dockerd_comes_back() -> None:
    faults.docker_stop("kko-w1")
    assert hosts.docker("kko-w1", "info", check=False).returncode != 0
    faults.docker_start("kko-w1")
    wait_for("the node to be ready", lambda: node_state("kko-w1") == "Ready")


@pytest.mark.skipif(not DEEP, reason="the contract of a leaderless Swarm needs both ways as well")
def test_a_swarm_without_quorum_says_so_and_gets_it_back() -> None:
    faults.quorum_loss("outrigger-buffer")
    said = hosts.docker("outrigger-buffer", "service", "ls", check=False)
    assert "does not have a leader" in said.stderr
    faults.quorum_restore("outrigger-buffer")
    assert hosts.docker("outrigger-buffer", "service", "ls").returncode == 0


def test_a_registry_that_is_down_or_does_not_know_us() -> None:
    faults.registry_down()
    assert "refused" in hosts.docker("kko", "pull", IMAGE, check=False).stderr
    faults.registry_up()
    faults.registry_logout("kko")
    assert "no basic auth" in hosts.docker("kko", "pull", IMAGE, check=False).stderr
    faults.registry_login("kko")
    assert hosts.docker("kko", "pull", IMAGE).returncode == 0


def test_a_git_server_that_is_down() -> None:
    faults.git_down()
    assert "refused" in control.ops(["git", "ls-remote", DATATRAIL]).stderr
    faults.git_up()
    assert control.ops(["git", "ls-remote", DATATRAIL]).returncode == 0


def test_the_git_server_answers_to_any_case_and_serves_nothing_else() -> None:
    assert control.ops(["git", "ls-remote", "ssh://git@github.com/CHIMEFRB/datatrail.git"]).stdout
    refused = control.ops(["git", "ls-remote", "ssh://git@github.com/chimefrb/other"])
    assert "Repository not found" in refused.stderr
    assert ssh("git@github.com", "id").returncode == 1


def test_pushed_commits_are_served() -> None:
    first = faults.commit("datatrail", {"README.md": "changed\n"})
    assert first in control.ops(["git", "ls-remote", DATATRAIL]).stdout
    rewritten = faults.force_push("datatrail")
    assert rewritten in control.ops(["git", "ls-remote", DATATRAIL]).stdout
    history = control.ops(
        ["bash", "-c", f"git clone -q {DATATRAIL} ~/clone && git -C ~/clone log --format=%H"]
    )
    assert first not in history.stdout


def test_broken_files_and_the_way_back() -> None:
    faults.unset_variable("datatrail")
    assert "${UNSET_THING}" in commits.read("datatrail", "stacks/daemon-compose.yaml")
    faults.broken("datatrail-admin", "stacks/kko-client.yaml")
    assert "[oops" in commits.read("datatrail-admin", "stacks/kko-client.yaml")
    faults.commit("datatrail-admin", {"stacks/chime-client.yaml": None})
    faults.pristine()
    assert "UNSET" not in commits.read("datatrail", "stacks/daemon-compose.yaml")
    assert "oops" not in commits.read("datatrail-admin", "stacks/kko-client.yaml")
    assert "stacks/chime-client.yaml" in commits.listing("datatrail-admin")


def test_a_rewrite_that_changes_nothing_is_refused() -> None:
    faults.force_push("datatrail")
    text = commits.read("datatrail", "REWRITTEN.md")
    with pytest.raises(LabError):
        faults.force_push("datatrail", {"REWRITTEN.md": text})


class TestSystemByHand:
    """The whole system, deployed in the right order without any tool."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def gone_in_the_end(cls) -> Iterator[None]:
        yield
        byhand.remove()

    @pytest.fixture(autouse=True)
    def deployed(self, whole_again: None) -> None:
        del whole_again
        byhand.deploy()

    def test_the_right_order_leaves_no_trace_of_a_wrong_one(self) -> None:
        began = now()
        byhand.remove()
        byhand.deploy()
        assert violations(events(), unreachable_lines(), since=began) == []
        assert containers("start", since=began, host="kko-w1", stack="datatrail-client")

    def test_a_server_taken_away_leaves_traces(self) -> None:
        began = now()
        hosts.docker("chime", "service", "rm", "datatrail_server")
        wait_for("complaints", lambda: unreachable_lines(since=began))
        assert violations(events(), unreachable_lines(), since=began)
        assert {event.action for event in mutations(since=began)} == {"remove"}

    @pytest.mark.parametrize(
        "fault", [faults.postgres_down, faults.postgres_freeze], ids=["down", "frozen"]
    )
    def test_the_server_notices_a_database_that_is_away(self, fault: object) -> None:
        assert callable(fault)
        assert '"database":{"status":"ok"}' in health()
        fault()
        wait_for("an error", lambda: '"database":{"status":"error"}' in health())
        faults.postgres_up()
        wait_for("recovery", lambda: '"status":"ok"' in health()[:16])

    def test_a_crash_loop_says_how_it_ended(self) -> None:
        faults.image(Kind.CRASH_LOOP, stack=DAEMONS_STACK, service="inventory")
        self.deploy_and_see("non-zero exit (3)")

    def test_a_missing_image_is_named(self) -> None:
        faults.image(Kind.MISSING, stack=DAEMONS_STACK, service="inventory")
        self.deploy_and_see("No such image")

    @pytest.mark.skipif(not DEEP, reason="a client that never goes away has to stay as well")
    def test_a_stuck_service_stays(self) -> None:
        faults.image(Kind.STUCK, stack=DAEMONS_STACK, service="inventory")
        byhand.deploy_unit((DAEMONS_STACK, "chime"))
        wait_for("the image", lambda: "ignores-sigterm" in self.running())
        hosts.docker("chime", "service", "rm", "datatrail-daemons_inventory")
        time.sleep(13)
        assert "ignores-sigterm" in self.running()
        ours = "label=com.docker.swarm.service.name=datatrail-daemons_inventory"
        found = hosts.docker("chime", "ps", "--quiet", "--filter", ours).stdout.split()
        hosts.docker("chime", "kill", *found)

    def deploy_and_see(self, error: str) -> None:
        byhand.deploy_unit((DAEMONS_STACK, "chime"))
        tasks = ["service", "ps", "--no-trunc", f"{DAEMONS_STACK}_inventory"]
        wait_for("a task to fail", lambda: error in hosts.docker("chime", *tasks).stdout)

    def running(self) -> str:
        return hosts.docker("chime", "ps", "--format", "{{.Names}} {{.Image}}").stdout


def test_every_fault_can_be_had_from_the_command_line(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    content = tmp_path / "content"
    content.write_text("text\n")
    for words in (
        ("cut", "kko"),
        ("heal",),
        ("hostkey", "kko"),
        ("hostkey", "kko", "--restore"),
        ("registry", "down"),
        ("git", "down"),
        ("postgres", "down"),
        ("heal",),
        ("commit", "frb-devops", "--path", "x", "--content-file", str(content)),
        ("image", "good", "--stack", SERVER_STACK, "--service", "server"),
        ("pristine",),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "lab", "fault", *words],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
    assert ssh("aux.kko").returncode == 0
