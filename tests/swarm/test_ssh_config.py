from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm.ssh_config import SshDefaults, Target, resolve, with_includes

HOME = Path("/home/op")
DEFAULTS = SshDefaults(
    user="op",
    home=HOME,
    user_known_hosts=(HOME / ".ssh/known_hosts",),
    global_known_hosts=(Path("/etc/ssh/ssh_known_hosts"),),
    identity_files=(HOME / ".ssh/id_ed25519",),
    agent_socket="/run/agent",
)


def target(text: str, *, host: str = "aux.kko", user: str = "", port: int = 0) -> Target:
    return resolve("kko", text, Manager(host=host, user=user, port=port), DEFAULTS)


def test_nothing_said_anywhere_means_the_defaults() -> None:
    assert target("") == Target(
        name="aux.kko",
        host="aux.kko",
        port=22,
        user="op",
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
        ("Host !aux.kko *\n User other\n", "user", "op"),
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
            (Path("/k/a"), Path("/k/aux.kko-op")),
        ),
        ("IdentityFile none\n", "identity_files", ()),
        ("IdentityAgent none\n", "agent_socket", ""),
        ("IdentityAgent SSH_AUTH_SOCK\n", "agent_socket", "/run/agent"),
        ("IdentityAgent ~/a.sock\n", "agent_socket", "/home/op/a.sock"),
        ("ConnectTimeout 3\n", "connect_timeout_seconds", 3.0),
        ("ConnectTimeout none\n", "connect_timeout_seconds", 10.0),
        ("ProxyCommand nc -X 5 %h %p\n", "proxy_command", "nc -X 5 aux.kko 22"),
        ("ProxyCommand none\n", "proxy_command", ""),
        ("ProxyJump none\n", "jumps", ()),
        (
            'UserKnownHostsFile ~/.ssh/a "/b c"\n',
            "known_hosts",
            (HOME / ".ssh/a", Path("/b"), Path("c"), Path("/etc/ssh/ssh_known_hosts")),
        ),
        (
            "UserKnownHostsFile none\nGlobalKnownHostsFile /g\n",
            "known_hosts",
            (Path("/g"),),
        ),
    ],
)
def test_reads(text: str, field: str, expected: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "op")  # paramiko's %r is the local user unless User is set
    assert getattr(target(text), field) == expected


def test_the_inventory_wins_over_the_configuration() -> None:
    found = target("User other\nPort 2222\n", user="frb", port=2200)
    assert (found.user, found.port) == ("frb", 2200)
    assert found.host_key_names == ("[aux.kko]:2200", "aux.kko")


def test_a_port_from_the_inventory_leaves_the_alias_alone() -> None:
    assert target("HostKeyAlias kko\n", port=2200).host_key_names == ("kko",)


class TestJumps:
    def test_a_chain_in_its_order_with_users_ports_and_own_settings(self) -> None:
        text = """
        Host aux.kko
            ProxyJump gate, admin@inner:2222
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

    def test_the_first_hop_brings_its_own_hops_along(self) -> None:
        text = "Host aux.kko\n ProxyJump b\nHost b\n ProxyJump a\n"
        assert [hop.name for hop in target(text).jumps] == ["a", "b"]

    def test_wins_over_a_proxy_command(self) -> None:
        found = target("Host aux.kko\n ProxyJump gate\n ProxyCommand nc %h %p\n")
        assert (found.proxy_command, len(found.jumps)) == ("", 1)

    def test_takes_the_form_of_an_address(self) -> None:
        (hop,) = target("Host aux.kko\n ProxyJump ssh://me@[::1]:99\n").jumps
        assert (hop.host, hop.user, hop.port) == ("::1", "me", 99)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host aux.kko\n ProxyJump b\nHost b\n ProxyJump aux.kko\n", "aux.kko -> b -> aux.kko"),
        ("Port many\n", "many"),
        ("Match\n", "Match"),
        ("ConnectTimeout soon\n", "soon"),
        ("Host aux.kko\n ProxyJump @\n", "[user@]host[:port]"),
        ("=\n", "="),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_says_why(text: str, words: str) -> None:
    with pytest.raises(FleetError) as caught:
        target(text)
    (problem,) = caught.value.problems
    assert (problem.code, problem.exit_code) == ("ssh.config-invalid", ExitCode.SITE_UNREACHABLE)
    assert words in problem.evidence[0]


class TestIncludes:
    def test_are_put_in_place_and_the_section_goes_on_after_them(self, tmp_path: Path) -> None:
        ssh = tmp_path / ".ssh"
        (ssh / "config.d").mkdir(parents=True)
        (ssh / "config.d/a").write_text("Host aux.gbo\n User gbo\n")
        (ssh / "config.d/b").write_text("Host other\n User no\n")
        (ssh / "config").write_text("Host aux.kko\n  Include config.d/*\n  User kko\n")
        text = with_includes(ssh / "config", tmp_path)
        assert target(text).user == "kko"
        assert target(text, host="aux.gbo").user == "gbo"

    def test_follow_home_and_absolute_paths(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_text("User frb\n")
        (tmp_path / "config").write_text(f"Include ~/none {tmp_path}/one\n")
        assert target(with_includes(tmp_path / "config", tmp_path)).user == "frb"

    def test_that_include_themselves_come_to_an_end(self, tmp_path: Path) -> None:
        (tmp_path / "config").write_text(f"Include {tmp_path}/config\nUser frb\n")
        assert target(with_includes(tmp_path / "config", tmp_path)).user == "frb"

    def test_no_configuration_at_all(self, tmp_path: Path) -> None:
        assert with_includes(tmp_path / "none", tmp_path) == ""
