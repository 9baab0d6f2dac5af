import itertools
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.observed import Sight, Unseen, contents
from orchestrator.procedures.effects import Observe
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import perform_through
from tests.swarm.daemon import Daemon, captured, error, install, listening
from tests.swarm.proxy import proxied
from tests.swarm.sshd import SITE, Operator, Server, running

pytestmark = pytest.mark.usefixtures("docker")
LEADERLESS = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too "
    "few managers are online."
)


def seen(performer: LivePerformer) -> Sight:
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Sight), look
    return look


def unseen(performer: LivePerformer) -> Problem:
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Unseen)
    assert look.problem.where.site == SITE
    return look.problem


def test_everything_is_seen_in_one_round_trip(daemon: Daemon, performer: LivePerformer) -> None:
    before = time.monotonic()
    sight = seen(performer)
    assert before <= sight.started <= sight.at <= time.monotonic()
    job = contents(sight, "job")
    assert (len(sight.nodes), len(job.services)) == (1, 5)
    assert len(job.tasks) == 9
    assert [len(group) for group in (job.networks, job.configs, job.secrets)] == [1, 1, 1]
    assert all(line.startswith("GET") for line in daemon.asked)
    # A second look costs no second version, info, connection or login.
    first = len(daemon.asked)
    seen(performer)
    assert len(daemon.asked) - first == 9


def test_only_stacks_are_asked_for(daemon: Daemon, performer: LivePerformer) -> None:
    seen(performer)
    lists = [line for line in daemon.asked if "/tasks" in line or "/containers" in line]
    assert len(lists) == 4
    assert sum("com.docker.stack.namespace" in line for line in lists) == 3


@pytest.mark.usefixtures("daemon")
def test_a_plain_container_on_a_network_of_the_swarm_is_seen(performer: LivePerformer) -> None:
    [attached] = seen(performer).attached
    assert attached.network == "job_default"
    assert attached.id.startswith("0ff61d5af5cd")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (LEADERLESS, "swarm.no-quorum"),
        (
            "This node is not a swarm manager. Worker nodes can't be used to view this.",
            "swarm.not-manager",
        ),
        ("Swarm is encrypted and needs to be unlocked before it can be used.", "swarm.locked"),
        (
            "Swarm certificates have expired. To replace them, leave the swarm and join again.",
            "swarm.certificates-expired",
        ),
        ("something new", "docker.refused"),
    ],
)
def test_a_swarm_that_refuses_is_unseen_in_its_own_words(
    daemon: Daemon, performer: LivePerformer, words: str, code: str
) -> None:
    daemon.replies["GET /services"] = lambda: error(503, words)
    problem = unseen(performer)
    assert (problem.code, problem.exit_code) == (code, ExitCode.SITE_UNREACHABLE)
    assert words in problem.evidence


def test_a_host_outside_any_swarm(daemon: Daemon, performer: LivePerformer) -> None:
    inactive = captured("info").replace(b'"active"', b'"inactive"')
    daemon.replies["GET /info"] = lambda: (200, inactive)
    daemon.replies["GET /services"] = lambda: error(503, "This node is no member of anything.")
    assert unseen(performer).code == "swarm.inactive"


def test_the_error_of_a_swarm_is_quoted_beside_the_refusal(
    daemon: Daemon, performer: LivePerformer
) -> None:
    sick = captured("info").replace(b'"Error": ""', b'"Error": "no leader, sorry"')
    assert sick != captured("info")
    daemon.replies["GET /info"] = lambda: (200, sick)
    daemon.replies["GET /nodes"] = lambda: error(500, LEADERLESS)
    assert unseen(performer).evidence == ("no leader, sorry", LEADERLESS)


def test_an_answer_that_makes_no_sense_is_no_sight(
    daemon: Daemon, performer: LivePerformer
) -> None:
    daemon.replies["GET /tasks"] = lambda: (200, b'[{"ID": "t"}]')
    assert unseen(performer).code == "docker.unreadable"


def test_a_daemon_that_hangs_is_given_up_in_time(daemon: Daemon, performer: LivePerformer) -> None:
    daemon.hang.set()
    began = time.monotonic()
    assert unseen(performer).code == "docker.no-answer"
    assert time.monotonic() - began < 6
    daemon.hang.clear()
    daemon.released.set()
    seen(performer)


def test_a_daemon_that_is_down_and_comes_back(
    tmp_path: Path, operator: Operator, server: Server
) -> None:
    performer = perform_through(operator, server.port)
    problem = unseen(performer)
    assert problem.code == "docker.not-running"
    assert "failed to open the raw stream connection" in problem.evidence[0]
    with listening(tmp_path / "docker.sock"):
        seen(performer)
    performer.close()


@pytest.mark.usefixtures("daemon")
def test_no_docker_command(performer: LivePerformer, server: Server) -> None:
    (server.bin / "docker").write_text("#!/bin/sh\necho 'sh: 1: docker: not found' >&2; exit 127\n")
    problem = unseen(performer)
    assert problem.code == "docker.not-installed"


@pytest.mark.usefixtures("daemon")
def test_no_right_to_the_socket(performer: LivePerformer, server: Server) -> None:
    (server.bin / "docker").write_text(
        "#!/bin/sh\necho 'failed to open the raw stream connection: dial unix "
        "/var/run/docker.sock: connect: permission denied' >&2; exit 1\n"
    )
    problem = unseen(performer)
    assert (problem.code, problem.exit_code) == ("docker.no-permission", ExitCode.LOGIN_REFUSED)


def test_an_api_too_old_is_refused_with_what_the_daemon_speaks(
    daemon: Daemon, performer: LivePerformer
) -> None:
    daemon.replies["GET /version"] = lambda: (
        200,
        b'{"ApiVersion": "1.39", "MinAPIVersion": "1.12"}',
    )
    problem = unseen(performer)
    assert (problem.code, problem.evidence) == (
        "docker.too-old",
        ("the daemon speaks API 1.12 to 1.39",),
    )


@pytest.mark.usefixtures("daemon")
def test_login_scripts_may_print(tmp_path: Path, operator: Operator, key: Path) -> None:
    noise = 'ForceCommand echo MOTD; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    with running(tmp_path / "noisy", key, noise) as noisy:
        operator.trust(noisy.known_line)
        install(noisy, tmp_path / "docker.sock", tmp_path)
        performer = perform_through(operator, noisy.port)
        seen(performer)
        performer.close()


@pytest.mark.usefixtures("daemon")
def test_a_connection_that_was_cut_is_opened_again(operator: Operator, server: Server) -> None:
    with proxied(server.port) as proxy:
        operator.trust(server.known_line.replace(str(server.port), str(proxy.port)))
        performer = perform_through(operator, proxy.port)
        seen(performer)
        proxy.cut()
        seen(performer)
        assert proxy.connections == 2
        performer.close()


@pytest.mark.usefixtures("daemon")
def test_a_link_that_hangs_is_unseen_and_heals(operator: Operator, server: Server) -> None:
    operator = replace(operator, timeout=1.0)
    with proxied(server.port) as proxy:
        operator.trust(server.known_line.replace(str(server.port), str(proxy.port)))
        performer = perform_through(operator, proxy.port)
        seen(performer)
        proxy.stall()
        began = time.monotonic()
        codes = [unseen(performer).code for _ in range(2)]
        assert time.monotonic() - began < 15
        assert codes == ["site.unreachable", "site.unreachable"]
        proxy.heal()
        seen(performer)
        performer.close()


@pytest.mark.usefixtures("daemon")
def test_a_host_key_refused_is_never_tried_twice(operator: Operator, server: Server) -> None:
    with proxied(server.port) as proxy:
        performer = perform_through(operator, proxy.port)
        assert unseen(performer).exit_code == ExitCode.HOST_KEY_REFUSED
        assert proxy.connections == 1
        performer.close()


def test_a_sight_may_change_between_looks(daemon: Daemon, performer: LivePerformer) -> None:
    answers = itertools.cycle([captured("services"), b"[]"])
    daemon.replies["GET /services"] = lambda: (200, next(answers))
    assert [len(seen(performer).services) for _ in range(3)] == [5, 0, 5]
