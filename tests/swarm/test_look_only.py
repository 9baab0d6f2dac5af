"""A login that may only look, by the forced command of its key, through a real sshd."""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, FleetError
from orchestrator.fleet.desired import HttpProbe, JsonExpectation, PostgresProbe, Probe, TcpProbe
from orchestrator.fleet.facts import SECRETIVE
from orchestrator.fleet.logs import LogOf, LogQuery, Place
from orchestrator.fleet.masked import is_masked, same, same_words
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.fleet.pulling import NodePull
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import (
    Answer,
    AuditLog,
    CheckedImages,
    CheckedVolumes,
    CheckImages,
    CheckVolumes,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    DeployStack,
    Effect,
    Examination,
    Examine,
    Observe,
    ProbeResult,
    PullImages,
    PullOnNodes,
    ReadAudit,
    ReadConfig,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
    UpdateConfig,
    WriteAudit,
)
from orchestrator.procedures.inspection import Inspect, Inspection
from orchestrator.sources.model import Release, ReleaseFile
from orchestrator.swarm import dtdeploy_look
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.probes import url
from tests.swarm.conftest import perform_through
from tests.swarm.daemon import Daemon, captured, error, install
from tests.swarm.sshd import SITE, Operator, Server, public, running

PROGRAM = Path(dtdeploy_look.__file__)
SECRET = "s3cret-word-of-somebody"
UNIT = Unit("job", SITE)
RELEASE = Release(
    unit=UNIT,
    revision=Revision("r", "a" * 40),
    name="job-a",
    digest="d",
    compose="job.yaml",
    files=(ReleaseFile(path="job.yaml", content=b"services: {web: {image: x}}\n"),),
)
DEPLOY = DeployStack(unit=UNIT, release=RELEASE, labels=(), variables=(), secret_variables=())
CHANGES: tuple[Effect, ...] = (
    RemoveServices(unit=UNIT, ids=("s1",)),
    RemoveLeftovers(unit=UNIT, networks=("n1",), configs=("c1",), secrets=("x1",)),
    ShipRelease(site=SITE, release=RELEASE),
    PullImages(site=SITE, images=("app:1",), timeout_seconds=5.0),
    PullOnNodes(site=SITE, run="r1", pulls=(NodePull(image="app:1"),)),
    DEPLOY,
    WriteAudit(site=SITE, line="x"),
    CreateConfig(site=SITE, name="dtdeploy.run", labels=(), data=b""),
    UpdateConfig(site=SITE, id="c1", version=3, labels=()),
    DeleteConfig(site=SITE, id="c1"),
)


@pytest.fixture
def sock(tmp_path: Path) -> Path:
    return tmp_path / "docker.sock"


@pytest.fixture
def options() -> str:
    """Return what the key's line lets through besides."""
    return "--logs"


@pytest.fixture
def looking(
    tmp_path: Path, key: Path, sock: Path, daemon: Daemon, options: str
) -> Iterator[Server]:
    """Run an sshd that lets the operator's key look, and do nothing else."""
    del daemon
    command = f"{sys.executable} -I {PROGRAM} --socket {sock} {options}"
    lines = tmp_path / "look"
    Path(f"{lines}.pub").write_text(f'restrict,command="{command}" {public(key)}')
    with running(tmp_path / "sshd", lines) as server:
        install(server, sock, tmp_path)
        yield server


@pytest.fixture
def performer(looking: Server, operator: Operator) -> Iterator[LivePerformer]:
    operator.trust(looking.known_line)
    performer = perform_through(operator, looking.port)
    yield performer
    performer.close()


def seen(performer: LivePerformer) -> Sight:
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Sight), look
    return look


def test_a_look_shows_all_but_what_may_be_secret(
    performer: LivePerformer, daemon: Daemon, operator: Operator, server: Server, sock: Path
) -> None:
    services = json.loads(captured("services"))
    container = services[0]["Spec"]["TaskTemplate"]["ContainerSpec"]
    container["Env"] = [f"TOKEN={SECRET}", "EMPTY=", "UNSET"]
    container["Args"] = ["serve", f"--password={SECRET}"]
    container["Labels"] = {**container.get("Labels", {}), "team.key": SECRET}
    services[0]["Spec"]["Labels"]["traefik.auth"] = SECRET
    services[0]["PreviousSpec"] = {"TaskTemplate": {"ContainerSpec": {"Env": [SECRET]}}}
    tasks = json.loads(captured("tasks"))
    tasks[0]["Spec"]["ContainerSpec"]["Env"] = [f"TOKEN={SECRET}"]
    tasks[0]["Status"]["Err"] = f'exec: "{SECRET}": no such file'
    daemon.replies["GET /services"] = lambda: (200, json.dumps(services).encode())
    daemon.replies["GET /tasks"] = lambda: (200, json.dumps(tasks).encode())
    install(server, sock, sock.parent)
    everything = perform_through(operator, server.port)
    known, look = seen(everything), seen(performer)
    everything.close()
    assert performer.looks_only(SITE)
    assert not everything.looks_only(SITE)
    assert SECRET not in repr(look)
    assert (look.nodes, look.networks, look.configs, look.secrets, look.containers) == (
        known.nodes,
        known.networks,
        known.configs,
        known.secrets,
        known.containers,
    )
    assert [task.id for task in look.tasks] == [task.id for task in known.tasks]
    assert look.tasks[0].error == 'exec: "***": no such file'
    for shown, true in zip(look.services, known.services, strict=True):
        assert (shown.id, shown.stack, shown.image, shown.published) == (
            true.id,
            true.stack,
            true.image,
            true.published,
        )
        assert [(f.kind, f.item) for f in shown.facts] == [(f.kind, f.item) for f in true.facts]
        for one, other in zip(shown.facts, true.facts, strict=True):
            lists = one.kind in ("command", "entrypoint") or one.value.startswith("[")
            judge = same_words if lists else same
            assert judge(one.value, other.value), one
            assert is_masked(one.value) == (one.kind in SECRETIVE and one.value != "none"), one


def test_the_examination_and_the_inspection_of_a_site(
    performer: LivePerformer, daemon: Daemon, looking: Server
) -> None:
    daemon.replies["GET /info"] = lambda: (200, json.dumps(rooted("/")).encode())
    wanted = Examine(site=SITE, ports=(looking.port, 1))
    examined = performer.perform(wanted)
    assert isinstance(examined, Examination), examined
    assert (examined.api_version, examined.cli_version) == ("1.41", "20.10.24+dfsg1")
    free, total = examined.disk_free_bytes, examined.disk_total_bytes
    assert 0 < (free or 0) < (total or 0)
    assert examined.listening == ((looking.port, "tcp"),)
    assert (examined.all_configs, examined.all_secrets) == (("job_c1",), ("job_s1",))
    inspected = performer.perform(Inspect(site=SITE))
    assert isinstance(inspected, Inspection), inspected
    assert inspected.cli_version == "20.10.24+dfsg1"
    assert inspected.disk_free_bytes


def rooted(folder: str) -> object:
    return json.loads(captured("info")) | {"DockerRootDir": folder}


def test_a_registry_is_asked_with_the_login_of_the_manager_which_is_not_shown(
    performer: LivePerformer, daemon: Daemon, looking: Server
) -> None:
    auth = "b3BlcmF0b3I6czNjcmV0LXdvcmQ="  # operator:s3cret-word
    config = {"auths": {"reg.lab:5000": {"auth": auth}}}
    (looking.home / ".docker").mkdir()
    (looking.home / ".docker" / "config.json").write_text(json.dumps(config))
    found = json.dumps({"Descriptor": {"digest": "sha256:abc"}, "Platforms": []}).encode()
    daemon.replies["GET /distribution/reg.lab:5000/app:1/json"] = lambda: (200, found)
    answer = performer.perform(
        CheckImages(site=SITE, images=("reg.lab:5000/app:1", "evil.example/app:1"))
    )
    assert isinstance(answer, CheckedImages), answer
    good, bad = answer.images
    assert (good.ok, good.digest) == (True, "sha256:abc")
    assert not bad.ok
    assert "no registry that is used here" in bad.words
    assert len(daemon.logins) == 1
    assert not any("evil" in line for line in daemon.asked)


def test_volumes_the_audit_log_and_the_lock(
    performer: LivePerformer, daemon: Daemon, looking: Server
) -> None:
    volume = {"Name": "data", "Driver": "local", "Options": {"o": SECRET}}
    daemon.replies["GET /volumes/data"] = lambda: (200, json.dumps(volume).encode())
    volumes = performer.perform(CheckVolumes(site=SITE, names=("data", "none")))
    assert isinstance(volumes, CheckedVolumes), volumes
    ((name, hidden),) = volumes.volumes[0].options
    assert (name, is_masked(hidden)) == ("o", True)
    (looking.home / ".dtdeploy").mkdir()
    (looking.home / ".dtdeploy" / "audit.log").write_text("first\nsecond\n")
    fresh = performer.perform(ReadAudit(site=SITE))
    assert isinstance(fresh, AuditLog), fresh
    assert fresh.lines == ("first", "second")
    record = {"ID": "c1", "Version": {"Index": 3}, "Spec": {"Name": "dtdeploy.run", "Data": "eA=="}}
    daemon.replies["GET /configs"] = lambda: (200, json.dumps([record]).encode())
    lock = performer.perform(ReadConfig(site=SITE, name="dtdeploy.run"))
    assert isinstance(lock, ConfigAnswer)
    assert lock.config is not None
    assert lock.config.data == b"x"


def test_the_audit_log_is_read_by_the_first_question_of_all(
    performer: LivePerformer, looking: Server
) -> None:
    assert not performer.looks_only(SITE)
    log = performer.perform(ReadAudit(site=SITE))
    assert isinstance(log, AuditLog), log
    assert performer.looks_only(SITE)
    assert not list(looking.home.iterdir())


def frame(text: str) -> bytes:
    stamp, details = "2026-11-22T23:24:01.306740938Z", "com.docker.swarm.task.id=t1"
    line = f"{stamp} {details} {text}\n".encode()
    return struct.pack(">BxxxL", 1, len(line)) + line


def query(*, follow: bool = False) -> LogQuery:
    places = (("t1", Place(slot="3", node="kko-w1")),)
    return LogQuery(
        unit=UNIT, service="web", id="s" * 25, places=places, of=LogOf.SERVICE, follow=follow
    )


def has_logs(daemon: Daemon) -> None:
    service = json.dumps({"Spec": {"TaskTemplate": {"ContainerSpec": {"TTY": False}}}}).encode()
    daemon.replies[f"GET /services/{'s' * 25}"] = lambda: (200, service)
    daemon.replies[f"GET /services/{'s' * 25}/logs"] = lambda: (200, frame("one") + frame("two"))


@pytest.mark.parametrize("follow", [False, True])
def test_logs_are_read_where_the_key_lets_them_through(
    performer: LivePerformer, daemon: Daemon, *, follow: bool
) -> None:
    has_logs(daemon)
    assert [line.text for line in performer.logs.read(query(follow=follow))] == ["one", "two"]


@pytest.mark.parametrize("options", [""])
def test_logs_are_refused_where_the_key_does_not(
    performer: LivePerformer, daemon: Daemon, options: str
) -> None:
    assert not options
    has_logs(daemon)
    with pytest.raises(FleetError, match="may only look") as caught:
        list(performer.logs.read(query()))
    assert "--logs" in caught.value.problems[0].evidence[0]
    assert not any("logs" in line for line in daemon.asked)


def answering(sock: Path) -> int:
    """Count the processes that answer in front of a socket."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            line = path.read_bytes()
            count += str(sock).encode() in line and b"dtdeploy_look" in line
    return count


def test_who_follows_logs_and_goes_leaves_nothing_behind(
    performer: LivePerformer, daemon: Daemon, sock: Path
) -> None:
    has_logs(daemon)
    daemon.quiet_after = len(frame("one"))
    daemon.quiet.set()
    assert next(iter(performer.logs.read(query(follow=True)))).text == "one"
    assert answering(sock) > 0
    performer.close()
    ends = time.monotonic() + 10
    while answering(sock) and time.monotonic() < ends:
        time.sleep(0.05)
    assert answering(sock) == 0
    assert not daemon.released.is_set()


class Web:
    """Answers on one port: HTTP to who asks for it, and one byte, as PostgreSQL, to others."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                said = connection.recv(65536)
                self.asked.append(said)
                web = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"up":true}'
                if said:
                    connection.sendall(web if said.startswith(b"GET") else b"N")

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


def probes(web: Web) -> tuple[Probe, ...]:
    expect = (JsonExpectation(path="up", equals=True),)
    return (
        HttpProbe(name="h", host="127.0.0.1", port=web.port, path="/up?x=1", expect=expect),
        TcpProbe(name="t", host="127.0.0.1", port=web.port),
        PostgresProbe(name="p", host="127.0.0.1", port=web.port),
    )


class TestProbes:
    @pytest.fixture
    def options(self, request: pytest.FixtureRequest, web: Web) -> str:
        declared = getattr(request, "param", True)
        return " ".join(f"--probe {url(probe)}" for probe in probes(web) if declared)

    def test_one_that_the_key_declares_is_sent_from_the_manager(
        self, performer: LivePerformer, web: Web
    ) -> None:
        seen(performer)
        for wanted in probes(web):
            result = performer.perform(RunProbe(site=SITE, probe=wanted))
            assert isinstance(result, ProbeResult)
            assert result.ok, result.words
        assert [said[:12] for said in web.asked if said] == [
            b"GET /up?x=1 ",
            b"\0\0\0\x08\x04\xd2\x16/",
        ]

    @pytest.mark.parametrize("options", [False], indirect=True)
    def test_any_other_is_refused_with_what_would_let_it_through(
        self, performer: LivePerformer, web: Web
    ) -> None:
        seen(performer)
        for wanted in probes(web):
            result = performer.perform(RunProbe(site=SITE, probe=wanted))
            assert isinstance(result, ProbeResult)
            assert not result.ok
            assert f"its key has no --probe {url(wanted)}" in result.words
        assert web.asked == []

    def test_nobody_who_answers_is_told_as_such(self, performer: LivePerformer, web: Web) -> None:
        seen(performer)
        web.close()
        for wanted in probes(web):
            result = performer.perform(RunProbe(site=SITE, probe=wanted))
            assert isinstance(result, ProbeResult)
            assert (result.ok, "refused" in result.words) == (False, True)


@pytest.mark.parametrize("effect", CHANGES, ids=lambda effect: type(effect).__name__)
@pytest.mark.parametrize("first", [True, False], ids=["first", "after-a-look"])
def test_every_change_is_refused_and_nothing_is_sent_to_the_daemon(
    performer: LivePerformer, daemon: Daemon, looking: Server, effect: Effect, *, first: bool
) -> None:
    if not first:
        seen(performer)
    answer = performer.perform(effect)
    assert isinstance(answer, (Answer, ConfigAnswer)), answer
    assert answer.result in (Result.FAILED, ConfigResult.FAILED), answer
    deletes = isinstance(effect, (RemoveServices, RemoveLeftovers))
    if not (first and deletes):
        assert answer.problem is not None
        assert answer.problem.code == "ssh.look-only"
        assert answer.problem.exit_code is ExitCode.LOGIN_REFUSED
    assert "may only look" in answer.words
    assert [line for line in daemon.asked if not line.startswith("GET ")] == []
    assert not (looking.home / ".dtdeploy").exists()


def test_what_a_release_holds_is_not_shown(performer: LivePerformer) -> None:
    answer = performer.perform(ReadRelease(site=SITE, name="job-a"))
    assert isinstance(answer, Unseen)
    assert answer.problem.code == "ssh.look-only"


def test_a_daemon_that_does_not_run_is_told_as_to_anybody(
    performer: LivePerformer, sock: Path
) -> None:
    sock.unlink()
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Unseen)
    assert look.problem.code == "docker.not-running"


def test_what_the_daemon_refuses_is_told_in_its_words(
    performer: LivePerformer, daemon: Daemon
) -> None:
    daemon.replies["GET /services"] = lambda: error(503, "The swarm does not have a leader.")
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Unseen)
    assert look.problem.code == "swarm.no-quorum"


@pytest.mark.parametrize(
    "asked",
    [
        "id",
        "",
        "docker system dial-stdio",
        "printf '==dtdeploy-begins==\\n'; exec docker system dial-stdio; id",
        "printf '==dtdeploy-begins==\\n'; exec docker ps",
        "dtdeploy-look",
        "dtdeploy-look facts; id",
        "dtdeploy-look facts $(id)",
        "dtdeploy-look facts\nid",
        "dtdeploy-look  facts",
        "dtdeploy-look probe file:///etc/passwd",
        "dtdeploy-look probe command://id",
        "/usr/lib/openssh/sftp-server",
        "scp -f /etc/passwd",
    ],
)
def test_a_line_that_is_none_of_its_own_is_refused_in_one_line(
    looking: Server, operator: Operator, asked: str
) -> None:
    operator.trust(looking.known_line)
    ssh = ["ssh", "-F", "none", "-p", str(looking.port), "-i", str(operator.key)]
    ssh += [
        "-o",
        f"UserKnownHostsFile={operator.known_hosts}",
        "-o",
        "BatchMode=yes",
        "root@127.0.0.1",
    ]
    done = subprocess.run(
        [*ssh, *([asked] if asked else [])],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("dtdeploy-look")]
    assert done.returncode == dtdeploy_look.REFUSED
    assert done.stdout == dtdeploy_look.MARK
    assert len(said) == 1
    assert said[0].startswith("dtdeploy-look: this login may only look; refused: ")
    assert b"uid=" not in done.stdout + done.stderr


def test_nothing_is_forwarded(looking: Server, operator: Operator) -> None:
    operator.trust(looking.known_line)
    with (
        operator.connected(operator.target(looking.port)) as connection,
        pytest.raises(Exception, match="AllowTcpForwarding"),
    ):
        connection.open_tcp("127.0.0.1", looking.port, timeout_seconds=5)


def test_another_manager_of_the_site_may_be_one_that_only_lets_look(
    looking: Server, operator: Operator
) -> None:
    operator.trust(looking.known_line)
    managers = (Manager(host="127.0.0.1", port=1), Manager(host="127.0.0.1", port=looking.port))
    performer = perform_through(operator, managers)
    seen(performer)
    assert performer.looks_only(SITE)
    performer.close()
