import getpass
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm.ssh_config import SshDefaults, Target, resolve
from orchestrator.swarm.ssh_program import SshProgram

HOME = Path("/home/op")
ME = getpass.getuser()
DEFAULTS = SshDefaults(
    home=HOME,
    user_known_hosts=(HOME / ".ssh/known_hosts",),
    global_known_hosts=(Path("/etc/ssh/ssh_known_hosts"),),
    identity_files=(HOME / ".ssh/id_ed25519",),
    agent_socket="/run/agent",
    environment={"KEYS": "/kk"},
)


Resolve = Callable[..., Target]


@pytest.fixture
def target(tmp_path: Path) -> Resolve:
    """Resolve a configuration; it is ssh that reads it."""

    def resolved(text: str, *, host: str = "aux.kko", user: str = "", port: int = 0) -> Target:
        config = tmp_path / "config"
        config.write_text(text)
        manager = Manager(host=host, user=user, port=port)
        return resolve("kko", SshProgram(config), manager, DEFAULTS)

    return resolved


def test_nothing_said_anywhere_means_the_defaults(target: Resolve) -> None:
    assert target("") == Target(
        name="aux.kko",
        host="aux.kko",
        port=22,
        user=ME,
        host_key_names=("aux.kko",),
        known_hosts=(HOME / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts")),
        identity_files=(HOME / ".ssh/id_ed25519",),
        agent_socket="/run/agent",
    )


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("Host aux.*\n HostName 10.0.0.7\n", "host", "10.0.0.7"),
        ("Host aux.*\n HostName %h.example.org\n", "host", "aux.kko.example.org"),
        ("Host aux.kko\n User frb\nHost *\n User other\n", "user", "frb"),
        ("Host !aux.kko *\n User other\n", "user", ME),
        ("Match host aux.*\n User frb\n", "user", "frb"),
        ("Port 2222\n", "port", 2222),
        ("port=2222\n", "port", 2222),
        ("Host *\n Port 2222\n", "host_key_names", ("[aux.kko]:2222", "aux.kko")),
        ("HostKeyAlias kko\nPort 2222\n", "host_key_names", ("kko",)),
        ("HostName 10.0.0.7\n", "host_key_names", ("10.0.0.7",)),
        ("IdentitiesOnly yes\n", "identities_only", True),
        (
            "IdentityFile /k/a\nIdentityFile /k/%h-%r\n",
            "identity_files",
            (Path("/k/a"), Path(f"/k/aux.kko-{ME}")),
        ),
        ("IdentityFile none\n", "identity_files", ()),
        ("IdentityAgent none\n", "agent_socket", ""),
        ("IdentityAgent SSH_AUTH_SOCK\n", "agent_socket", "/run/agent"),
        ("ConnectTimeout 3\n", "connect_timeout_seconds", 3.0),
        ("ConnectTimeout 1m\n", "connect_timeout_seconds", 60.0),
        ("Port 2201 # x\n", "port", 2201),
        ("HostName Kko.Example.ORG\n", "host", "kko.example.org"),
        ("CanonicalizeHostname yes\n", "host", "aux.kko"),
        ("IdentityFile %d/y\n", "identity_files", (HOME / "y",)),
        ("IdentityFile ${KEYS}/k\n", "identity_files", (Path("/kk/k"),)),
        ("IdentityFile ~/.ssh/k%%\n", "identity_files", (HOME / ".ssh/k%",)),
        ("Match exec false\n User no\nMatch exec true\n User yes\n", "user", "yes"),
        ("ProxyCommand nc a\nProxyJump gate\n", "proxy_command", "nc a"),
        ("ConnectTimeout none\n", "connect_timeout_seconds", 10.0),
        ("ProxyCommand nc -X 5 %h %p\n", "proxy_command", "nc -X 5 aux.kko 22"),
        ("ProxyCommand none\n", "proxy_command", ""),
        ("ProxyJump none\n", "jumps", ()),
        (
            "UserKnownHostsFile /a /b-%h\n",
            "known_hosts",
            (Path("/a"), Path("/b-aux.kko"), Path("/etc/ssh/ssh_known_hosts")),
        ),
        (
            "UserKnownHostsFile none\nGlobalKnownHostsFile /g\n",
            "known_hosts",
            (Path("/g"),),
        ),
    ],
)
def test_reads(target: Resolve, text: str, field: str, expected: object) -> None:
    assert getattr(target(text), field) == expected


def test_the_inventory_wins_over_the_configuration(target: Resolve) -> None:
    found = target("User other\nPort 2222\n", user="frb", port=2200)
    assert (found.user, found.port) == ("frb", 2200)
    assert found.host_key_names == ("[aux.kko]:2200", "aux.kko")


def test_a_port_from_the_inventory_leaves_the_alias_alone(target: Resolve) -> None:
    assert target("HostKeyAlias kko\n", port=2200).host_key_names == ("kko",)


class TestJumps:
    def test_a_chain_in_its_order_with_users_ports_and_own_settings(self, target: Resolve) -> None:
        text = """
        Host aux.kko
            ProxyJump gate,admin@inner:2222
        Host gate
            HostName gate.example.org
            User jumper
        Host inner
            IdentityFile /k/inner
        """
        first, second = target(text).jumps
        assert (first.host, first.user, first.port) == ("gate.example.org", "jumper", 22)
        assert (second.host, second.user, second.port) == ("inner", "admin", 2222)
        assert second.identity_files == (Path("/k/inner"),)
        assert (first.jumps, second.jumps) == ((), ())

    def test_the_first_hop_brings_its_own_hops_along(self, target: Resolve) -> None:
        text = "Host aux.kko\n ProxyJump b\nHost b\n ProxyJump a\n"
        assert [hop.name for hop in target(text).jumps] == ["a", "b"]

    def test_wins_over_a_later_proxy_command(self, target: Resolve) -> None:
        found = target("Host aux.kko\n ProxyJump gate\n ProxyCommand nc %h %p\n")
        assert (found.proxy_command, len(found.jumps)) == ("", 1)

    def test_takes_the_form_of_an_address(self, target: Resolve) -> None:
        (hop,) = target("Host aux.kko\n ProxyJump me@[::1]:99\n").jumps
        assert (hop.host, hop.user, hop.port) == ("::1", "me", 99)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host aux.kko\n ProxyJump b\nHost b\n ProxyJump aux.kko\n", "aux.kko -> b -> aux.kko"),
        ("Port many\n", "many"),
        ("Match\n", 'no argument after keyword "match"'),
        ("Match nonsense x\n User a\n", "nonsense"),
        ("RevokedHostKeys /r\n", "RevokedHostKeys is not read here"),
        ("IdentityFile /k/%C\n", "the token %C"),
        ("ConnectTimeout soon\n", "invalid time value"),
        ("Host aux.kko\n ProxyJump @\n", 'Invalid ProxyJump "@"'),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_says_why(
    target: Resolve, text: str, words: str
) -> None:
    with pytest.raises(FleetError) as caught:
        target(text)
    (problem,) = caught.value.problems
    assert (problem.code, problem.exit_code) == ("ssh.config-invalid", ExitCode.SITE_UNREACHABLE)
    assert words in problem.evidence[0]


def test_what_is_included_is_read(target: Resolve, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host aux.kko\n User kko\n")
    assert target(f"Include {tmp_path}/more\nUser other\n").user == "kko"


def test_without_a_configuration_the_defaults_hold(tmp_path: Path) -> None:
    found = resolve("kko", SshProgram(tmp_path / "none"), Manager(host="aux.kko"), DEFAULTS)
    assert (found.host, found.port, found.user) == ("aux.kko", 22, ME)


def test_a_host_is_asked_about_once(tmp_path: Path) -> None:
    config, asked = tmp_path / "config", tmp_path / "asked"
    config.write_text(f'Match exec "echo x >> {asked}"\n User kko\n')
    program = SshProgram(config)
    for _ in range(3):
        assert resolve("kko", program, Manager(host="aux.kko"), DEFAULTS).user == "kko"
    assert asked.read_text() == "x\n"


def test_a_name_is_no_option_of_ssh(target: Resolve) -> None:
    with pytest.raises(FleetError):
        target("", host="-oProxyCommand=touch /tmp/x")
